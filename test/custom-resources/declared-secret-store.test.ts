import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClient } from '../../lib/clients/registration.ts';
import { createClientSecrets } from '../../lib/custom-resources/client-secrets.ts';
import {
  createDeclaredSecretStore,
  type DeclaredSecretStore,
} from '../../lib/custom-resources/declared-secret-store.ts';
import { newResourceServer } from '../../lib/resource-servers/registration.ts';
import { createServiceSecretStore } from '../../lib/service-clients/service-secret-store.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager/server.ts';
import { findOnPath, startMoto } from '../support/moto.ts';
import { STACK_ID } from './cloud-formation.ts';

const OWNER = { stackId: STACK_ID, logicalResourceId: 'Client', clientId: 'a' };
const OTHER = { ...OWNER, logicalResourceId: 'Other' };

const motoServer = findOnPath('moto_server');
const SERVICES = [
  { service: 'the local Secrets Manager', start: startSecretsManager, isAbsent: false },
  {
    service: `moto${motoServer === undefined ? ' (skipped: no moto_server on the PATH)' : ''}`,
    start: () => startMoto(motoServer ?? ''),
    isAbsent: motoServer === undefined,
  },
];

for (const { service, start, isAbsent } of SERVICES) {
  describe.skipIf(isAbsent)(`with ${service}`, () => {
    let close: () => Promise<void>;
    let secretsManager: SecretsManagerClient;
    let store: DeclaredSecretStore;

    beforeAll(async () => {
      const started = await start();
      close = started.close;
      secretsManager = new SecretsManagerClient({
        endpoint: started.endpoint,
        ...LOCAL_CREDENTIALS,
      });
      store = createDeclaredSecretStore(secretsManager);
    });
    afterAll(async () => {
      secretsManager.destroy();
      await close();
    });

    const newName = () => `latchkey-test/${randomUUID()}`;

    it('a secret is made once, and knows whose it is', async () => {
      const name = newName();
      expect(await store.describe(name)).toBeUndefined();
      expect(await store.create(name, OWNER, 'first')).toBe('created');
      expect(await store.create(name, OTHER, 'second')).toBe('taken');
      expect((await store.read(name)).value).toBe('first');
      expect(await store.describe(name)).toEqual({
        arn: expect.stringContaining(`:secret:${name}-`),
        owner: OWNER,
        isReleased: false,
        isDeleted: false,
      });
    });

    it('a value is replaced, unless it changed meanwhile', async () => {
      const name = newName();
      await store.create(name, OWNER, 'first');
      const read = await store.read(name);
      await store.replace(name, read, 'second');
      expect((await store.read(name)).value).toBe('second');
      await expect(store.replace(name, read, 'third')).rejects.toThrow();
      expect((await store.read(name)).value).toBe('second');
    });

    const pend = (name: string) =>
      secretsManager.send(
        new PutSecretValueCommand({
          SecretId: name,
          SecretString: 'pending',
          VersionStages: ['AWSPENDING'],
        }),
      );
    const labels = async (name: string) => {
      const command = new DescribeSecretCommand({ SecretId: name });
      return Object.values((await secretsManager.send(command)).VersionIdsToStages ?? {}).flat();
    };

    it('a rotation that has begun is given up where the value is replaced', async () => {
      const name = newName();
      await store.create(name, OWNER, 'first');
      await pend(name);
      await store.replace(name, await store.read(name), 'second');
      expect(await labels(name)).not.toContain('AWSPENDING');
      expect((await store.read(name)).value).toBe('second');
    });

    it('a rotation that had begun for a removed client is given up where the secret is adopted', async () => {
      const name = newName();
      await store.create(name, OWNER, 'first');
      await pend(name);
      await store.release(name, OWNER);
      const found = await store.describe(name);
      if (found !== undefined) await store.adopt(name, found, OTHER, 'second');
      expect(await labels(name)).not.toContain('AWSPENDING');
      expect((await store.read(name)).value).toBe('second');
    });

    it('a released secret is deleted, is taken until then, and can be adopted', async () => {
      const name = newName();
      await store.create(name, OWNER, 'first');
      await store.release(name, OWNER);
      expect(await store.describe(name)).toMatchObject({
        owner: OWNER,
        isReleased: true,
        isDeleted: true,
      });
      expect(await store.create(name, OTHER, 'second')).toBe('taken');
      const adopt = async (value: string) => {
        const found = await store.describe(name);
        if (found !== undefined) await store.adopt(name, found, OTHER, value);
      };
      await adopt('second');
      expect((await store.read(name)).value).toBe('second');
      expect(await store.describe(name)).toMatchObject({
        owner: OTHER,
        isReleased: false,
        isDeleted: false,
      });
      // As after having been cut off.
      await adopt('third');
      expect((await store.read(name)).value).toBe('third');
    });
  });
}

describe('rotation', () => {
  const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:rotate';
  const place = { issuer: 'https://auth.example.com', stack: 'latchkey-test', region: 'us-east-1' };
  const api = newResourceServer({ identifier: 'api', scopes: { read: 'Read' } }, 0);
  const other = newResourceServer({ identifier: 'other', scopes: { write: 'Write' } }, 0);

  const CASES = [
    { name: 'a service client', changes: {}, isRotated: true },
    { name: 'a client of two audiences', changes: { audiences: [api, other] }, isRotated: false },
    { name: 'a client of people', changes: { grantTypes: ['password'] }, isRotated: false },
    {
      name: 'a client that does not use Basic',
      changes: { authenticationMethod: 'client_secret_post' },
      isRotated: false,
    },
    { name: 'nobody, where no function is configured', changes: {}, rotationFunction: undefined },
  ];

  it.each(CASES)('is scheduled for $name: $isRotated', async ({ changes, isRotated, ...given }) => {
    const steps: string[] = [];
    const local = await startSecretsManager({
      rotate: async ({ functionArn, event: { Step } }) => {
        steps.push(`${functionArn} ${Step}`);
      },
    });
    const secretsManager = new SecretsManagerClient({
      endpoint: local.endpoint,
      ...LOCAL_CREDENTIALS,
    });
    const secrets = createClientSecrets({
      secrets: createDeclaredSecretStore(secretsManager),
      rotateEvery: createServiceSecretStore(secretsManager).rotateEvery,
      rotationFunction: 'rotationFunction' in given ? given.rotationFunction : FUNCTION,
      place,
    });
    const { client, clientSecret = '' } = newClient(
      {
        name: 'A',
        clientId: 'a',
        grantTypes: ['client_credentials'],
        audiences: [api],
        ...changes,
      },
      0,
    );
    const name = 'latchkey-test/a';
    for (let time = 0; time < 2; time += 1) {
      await secrets.ensure(name, OWNER, client, clientSecret);
      await secrets.settle(name, client);
    }
    await local.rotationsSettled();
    // The trial that Secrets Manager makes where it is not to rotate at once.
    expect(steps).toEqual(isRotated ? [`${FUNCTION} testSecret`] : []);
    const now = secretsManager.send(new RotateSecretCommand({ SecretId: name }));
    await (isRotated ? now : expect(now).rejects.toThrow('No Lambda rotation function ARN'));
    secretsManager.destroy();
    await local.close();
  });
});
