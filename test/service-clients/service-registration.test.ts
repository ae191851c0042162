import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientSecretId, hashClientSecret } from '../../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../../lib/clients/client-secret-store.ts';
import { type ClientStore, createClientStore } from '../../lib/clients/client-store.ts';
import { newClient } from '../../lib/clients/registration.ts';
import { newResourceServer } from '../../lib/resource-servers/registration.ts';
import {
  addProgrammaticClient,
  addServiceClient,
  type RegistrationParts,
} from '../../lib/service-clients/service-registration.ts';
import {
  createServiceSecretStore,
  type ServiceSecretStore,
} from '../../lib/service-clients/service-secret-store.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager/server.ts';
import { startTables } from '../support/tables.ts';

const NOW = 1_000_000;
const place = { issuer: 'https://auth.example.com', stack: 'latchkey-test', region: 'eu-west-1' };
const audience = newResourceServer(
  { identifier: 'registry', prefixedScopes: true, scopes: { a: 'A', b: 'B' } },
  NOW,
);

let tables: Awaited<ReturnType<typeof startTables>>;
let server: Awaited<ReturnType<typeof startSecretsManager>>;
let secretsManager: SecretsManagerClient;
let clients: ClientStore;
let secrets: ServiceSecretStore;
let parts: RegistrationParts;
let number = 0;
let id: string;
beforeAll(async () => {
  tables = await startTables();
  server = await startSecretsManager();
  secretsManager = new SecretsManagerClient({ endpoint: server.endpoint, ...LOCAL_CREDENTIALS });
  clients = createClientStore(tables.dynamodb, tables.tableName('clients'));
  secrets = createServiceSecretStore(secretsManager);
});
beforeEach(() => {
  parts = { clients, secrets, place, now: NOW };
  number += 1;
  id = `service-${number}`;
});
afterAll(async () => {
  secretsManager.destroy();
  await server.close();
  await tables.close();
});

const stored = async (clientId = id) => clients.find(clientId, { consistent: true });
const secret = async () => JSON.parse((await secrets.read(`latchkey-test/${id}`)) ?? 'null');

/** Its service's secret, of a client that is gone, which can be restored. */
async function removed(): Promise<string> {
  await addServiceClient({ id, audience }, parts);
  const { client_secret } = await secret();
  await secrets.remove(`latchkey-test/${id}`);
  await clients.remove(id);
  return client_secret;
}

const versions = async () => {
  const command = new DescribeSecretCommand({ SecretId: `latchkey-test/${id}` });
  return Object.entries((await secretsManager.send(command)).VersionIdsToStages ?? {});
};
const labels = async () => (await versions()).flatMap(([, held]) => held).sort();
const currentVersion = async () =>
  (await versions()).find(([, held]) => held.includes('AWSCURRENT'))?.[0];

/** Every call to either service counts; after so many of them, none is carried out any more. */
function cutOffAfter(calls: number): RegistrationParts {
  let left = calls;
  const cutting = <T extends object>(service: T): T => {
    const send = async (command: never, ...rest: never[]) => {
      if (left === 0) throw new Error('killed');
      left -= 1;
      return (service as { send(...all: never[]): unknown }).send(command, ...rest);
    };
    return new Proxy(service, {
      get: (target, key) => (key === 'send' ? send : Reflect.get(target, key)),
    });
  };
  return {
    ...parts,
    clients: createClientStore(cutting(tables.dynamodb), tables.tableName('clients')),
    secrets: createServiceSecretStore(cutting(secretsManager)),
  };
}

/** The client has the hash of the secret that its service reads, and no other. */
async function expectComplete(): Promise<void> {
  const { client_secret } = await secret();
  expect((await stored())?.secrets.map(({ hash }) => hash)).toEqual([
    hashClientSecret(client_secret),
  ]);
}

describe('a service client', () => {
  it('has its secret in Secrets Manager, in the words of its service', async () => {
    const { client, secretName, secretArn } = await addServiceClient({ id, audience }, parts);
    expect(secretName).toBe(`latchkey-test/${id}`);
    expect(secretArn).toContain(secretName);
    expect(client).toMatchObject({
      clientId: id,
      secretName,
      grantTypes: ['client_credentials'],
      grants: { 'registry-server': ['registry-server/a', 'registry-server/b'] },
    });
    expect(
      JSON.stringify(await secret()).replace(/"client_secret":"[\w-]{43}"/, '"client_secret":""'),
    ).toBe(
      JSON.stringify({
        flow: 'client_credentials',
        cognito_domain: 'https://auth.example.com',
        client_id: id,
        client_secret: '',
        userpool_id: 'latchkey-test',
        scope: 'registry-server/a registry-server/b',
        aws_region: 'eu-west-1',
      }),
    );
    await expectComplete();
  });

  it('may have another client id, and scopes that it needs alone', async () => {
    const clientId = `${id}-other`;
    await addServiceClient({ id, clientId, audience, scopes: ['registry-server/b'] }, parts);
    expect(await secret()).toMatchObject({ client_id: clientId, scope: 'registry-server/b' });
    expect((await stored(clientId))?.secretName).toBe(`latchkey-test/${id}`);
  });

  it('is the same when it is registered again', async () => {
    const first = await addServiceClient({ id, audience }, parts);
    const again = await addServiceClient({ id, audience }, { ...parts, now: NOW + 5 });
    expect(again).toEqual({ ...first, client: { ...first.client, secretUses: {} } });
    await expectComplete();
  });

  it('is one when it is registered twice at once', async () => {
    const all = await Promise.all([1, 2, 3].map(() => addServiceClient({ id, audience }, parts)));
    expect(new Set(all.map(({ secretArn }) => secretArn)).size).toBe(1);
    await expectComplete();
  });

  it('is one when it is registered twice at once where there was one before', async () => {
    const old = await removed();
    await Promise.all([1, 2, 3].map(() => addServiceClient({ id, audience }, parts)));
    expect((await secret()).client_secret).not.toBe(old);
    await expectComplete();
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });

  const CUTS = Array.from({ length: 7 }, (_, index) => index + 1);

  it.each(CUTS)(
    'that is cut off after call %s is completed by a repetition, with its one secret',
    async (calls) => {
      await expect(addServiceClient({ id, audience }, cutOffAfter(calls))).rejects.toThrow();
      await addServiceClient({ id, audience }, parts);
      await expectComplete();
    },
  );

  it.each(CUTS)(
    'that is registered again after a removal and cut off after call %s never has its old secret',
    async (calls) => {
      const old = await removed();
      await expect(addServiceClient({ id, audience }, cutOffAfter(calls))).rejects.toThrow();
      await addServiceClient({ id, audience }, parts);
      expect((await secret()).client_secret).not.toBe(old);
      await expectComplete();
    },
  );

  it('does not take over what a secret of its name holds, nor a rotation that had begun', async () => {
    const old = await removed();
    const name = `latchkey-test/${id}`;
    await secretsManager.send(new RestoreSecretCommand({ SecretId: name }));
    await secretsManager.send(
      new PutSecretValueCommand({
        SecretId: name,
        SecretString: 'canary',
        VersionStages: ['AWSPENDING'],
      }),
    );
    await addServiceClient({ id, audience }, parts);
    expect((await secret()).client_secret).not.toBe(old);
    await expectComplete();
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });

  it('is not given back what was proposed for it once its secret was rotated', async () => {
    await addServiceClient({ id, audience }, parts);
    const name = `latchkey-test/${id}`;
    const rotated = { ...(await secret()), client_secret: 'rotated' };
    const [first] = (await stored())?.secrets ?? [];
    await secretsManager.send(
      new UpdateSecretVersionStageCommand({
        SecretId: name,
        VersionStage: `LATCHKEY_PROPOSED_${first && clientSecretId(first)}`,
        MoveToVersionId: await currentVersion(),
      }),
    );
    await secretsManager.send(
      new PutSecretValueCommand({ SecretId: name, SecretString: JSON.stringify(rotated) }),
    );
    await createClientSecretStore(tables.dynamodb, tables.tableName('clients')).change(
      id,
      (client) => [...client.secrets, { hash: hashClientSecret('rotated'), createdAt: NOW }],
    );
    await addServiceClient({ id, audience }, parts);
    expect((await secret()).client_secret).toBe('rotated');
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });

  it('that was removed comes back with another secret', async () => {
    await addServiceClient({ id, audience }, parts);
    const { client_secret: old } = await secret();
    await secrets.remove(`latchkey-test/${id}`);
    await clients.remove(id);
    await addServiceClient({ id, audience }, parts);
    expect((await secret()).client_secret).not.toBe(old);
    await expectComplete();
  });

  it.each([
    { name: 'other scopes', registration: { scopes: ['registry-server/a'] } },
    {
      name: 'another audience',
      registration: {
        audience: newResourceServer({ identifier: 'other', scopes: {} }, NOW),
      },
    },
  ])('is not changed by a registration with $name', async ({ registration }) => {
    await addServiceClient({ id, audience }, parts);
    const before = await stored();
    await expect(addServiceClient({ id, audience, ...registration }, parts)).rejects.toThrow(
      'already, which is not the same',
    );
    expect(await stored()).toEqual(before);
  });

  it('does not take the place of a client that shows its secret, nor makes a secret for it', async () => {
    const grantTypes = ['client_credentials'];
    const { client } = newClient(
      { name: 'x', clientId: id, grantTypes, audiences: [audience] },
      NOW,
    );
    await clients.add(client);
    await expect(addServiceClient({ id, audience }, parts)).rejects.toThrow('not the same');
    expect(await secret()).toBeNull();
  });

  it.each([
    {
      name: 'of another client',
      value: '{"flow":"client_credentials","client_id":"other","client_secret":"canary"}',
      reason: 'is of another client, other',
    },
    { name: 'of something else', value: 'canary', reason: 'none of a service client' },
  ])('does not take over a secret $name', async ({ value, reason }) => {
    await secrets.establish(`latchkey-test/${id}`, value);
    const adding = addServiceClient({ id, audience }, parts);
    await expect(adding).rejects.toThrow(reason);
    await expect(adding).rejects.not.toThrow('canary');
    expect(await stored()).toBeUndefined();
  });

  it('whose client does not know its secret is found out', async () => {
    await addServiceClient({ id, audience }, parts);
    await secrets.remove(`latchkey-test/${id}`);
    await expect(addServiceClient({ id, audience }, parts)).rejects.toThrow(
      `the client ${id} does not know the secret latchkey-test/${id}`,
    );
  });

  it.each(['with space', 'a:b', 'ü', '', 'x'.repeat(257)])('is not called "%s"', async (name) => {
    await expect(addServiceClient({ id: name, audience }, parts)).rejects.toThrow('letters');
  });
});

describe('a programmatic client', () => {
  it('is public, and Secrets Manager tells where and as whom to sign in', async () => {
    const { client } = await addProgrammaticClient({ id, audience }, parts);
    expect(client).toMatchObject({
      authenticationMethods: ['none'],
      grantTypes: ['password'],
      secrets: [],
      secretName: `latchkey-test/${id}`,
    });
    expect(JSON.stringify(await secret())).toBe(
      JSON.stringify({
        flow: 'user_password',
        cognito_domain: 'https://auth.example.com',
        client_id: id,
        userpool_id: 'latchkey-test',
        aws_region: 'eu-west-1',
      }),
    );
    expect((await addProgrammaticClient({ id, audience }, parts)).client).toEqual(client);
  });

  it('is not made where the secret says something else', async () => {
    await secrets.establish(`latchkey-test/${id}`, 'canary');
    await expect(addProgrammaticClient({ id, audience }, parts)).rejects.toThrow('something else');
    expect(await stored()).toBeUndefined();
  });

  it('and a service client are not the same', async () => {
    await addProgrammaticClient({ id, audience }, parts);
    await expect(addServiceClient({ id, audience }, parts)).rejects.toThrow('not the same');
  });
});
