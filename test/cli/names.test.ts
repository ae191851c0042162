import { join } from 'node:path';
import { expect, it } from 'vitest';
import { namesIn } from '../../cli/names.ts';
import { readDefinitions } from '../../local/aws/definitions.ts';
import { ROOT } from './harness.ts';

it.each(['dev', 'prod', 'local'])('the names in %s are those of serverless.yml', async (stage) => {
  const { tables, secrets } = await readDefinitions(join(ROOT, 'serverless.yml'), stage);
  const table = (partitionKey: string) =>
    tables.find(({ KeySchema }) => KeySchema[0]?.AttributeName === partitionKey)?.TableName;
  const secretNames = secrets.map(({ Name }) => Name);

  const names = namesIn(stage);
  expect({ ...names, signingKeysSecret: undefined }).toEqual({
    stack: `latchkey-${stage}`,
    rotateClientSecretFunction: `latchkey-${stage}-rotateClientSecret`,
    clientsTable: table('client_id'),
    resourceServersTable: table('identifier'),
    usersTable: table('sub'),
    passwordsTable: table('username'),
    signingKeysTable: table('kid'),
    signingKeysSecret: undefined,
  });
  expect(secretNames).toContain(names.signingKeysSecret);
});
