import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSecretHandle } from '../../lib/aws/secret.ts';
import { hashClientSecret } from '../../lib/clients/client-secret.ts';
import type { Client } from '../../lib/oauth/client.ts';
import { createClientSecretRotation } from '../../lib/rotation/client-secret.ts';
import { ROTATION_STEPS, type RotationStep, runRotationStep } from '../../lib/rotation/steps.ts';
import { type ServiceSecret, serviceSecret } from '../../lib/service-clients/service-secret.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager/server.ts';
import { findOnPath, startMoto } from '../support/moto.ts';

const OVERLAP = 100;
const NOW = 1_000_000;
const FIRST = 'the first secret of the service';

/** Every step against a Secrets Manager, with the client in memory. */
function describeSteps(
  start: () => Promise<{ endpoint: string; close(): Promise<void> }>,
  rotationFunction: string | undefined,
): void {
  let server: Awaited<ReturnType<typeof start>>;
  let secretsManager: SecretsManagerClient;
  let secretId: string;
  let client: Client;
  let tested: string[];
  beforeAll(async () => {
    server = await start();
    secretsManager = new SecretsManagerClient({ endpoint: server.endpoint, ...LOCAL_CREDENTIALS });
  }, 60_000);
  afterAll(async () => {
    secretsManager.destroy();
    await server.close();
  });
  beforeEach(async () => {
    tested = [];
    client = {
      clientId: 'service',
      secretName: `latchkey-test/${randomUUID()}`,
      secrets: [{ hash: hashClientSecret(FIRST), createdAt: 1 }],
    } as unknown as Client;
    secretId = String(client.secretName);
    await secretsManager.send(
      new CreateSecretCommand({ Name: secretId, SecretString: valueWith(FIRST) }),
    );
  });

  const valueWith = (clientSecret: string) =>
    JSON.stringify(
      serviceSecret(
        { clientId: 'service', clientSecret, scopes: ['a', 'b'] },
        { issuer: 'https://auth.example.com', stack: 'latchkey-test', region: 'us-east-1' },
      ),
    );

  const run = (Step: RotationStep, version: string) => {
    const secret = createSecretHandle(secretsManager, secretId);
    return runRotationStep(
      { Step, SecretId: secretId, ClientRequestToken: version },
      secret,
      createClientSecretRotation({
        store: {
          async change(_, change) {
            client = { ...client, secrets: change(client) };
            return client;
          },
        },
        requestToken: async ({ clientSecret }) => {
          tested.push(clientSecret);
          const isKnown = client.secrets.some(
            ({ hash }) => hash === hashClientSecret(clientSecret),
          );
          return isKnown
            ? { status: 200, body: { access_token: 'x', expires_in: 1, token_type: 'Bearer' } }
            : { status: 401, body: { error: 'invalid_client' } };
        },
        issuer: 'https://auth.example.com',
        overlap: OVERLAP,
        now: () => NOW,
        wait: async () => {},
      })(secret),
    );
  };

  /** Rotation is on, and what that itself may have made is over. */
  async function enable(): Promise<void> {
    await secretsManager.send(
      new RotateSecretCommand({
        SecretId: secretId,
        RotationRules: { AutomaticallyAfterDays: 30 },
        ...(rotationFunction && { RotationLambdaARN: rotationFunction, RotateImmediately: false }),
      }),
    );
  }

  async function put(clientSecret: string, label: string): Promise<string> {
    const version = randomUUID();
    await secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        ClientRequestToken: version,
        SecretString: valueWith(clientSecret),
        VersionStages: [label],
      }),
    );
    return version;
  }

  async function read(label: string): Promise<ServiceSecret> {
    const command = new GetSecretValueCommand({ SecretId: secretId, VersionStage: label });
    return JSON.parse((await secretsManager.send(command)).SecretString ?? '{}');
  }

  async function holdersOf(label: string): Promise<string[]> {
    const { VersionIdsToStages = {} } = await secretsManager.send(
      new DescribeSecretCommand({ SecretId: secretId }),
    );
    return Object.keys(VersionIdsToStages).filter((id) => VersionIdsToStages[id]?.includes(label));
  }

  describe.each(ROTATION_STEPS)('%s', (step) => {
    const secretsBefore = () => client.secrets;

    it.each([
      {
        name: 'rotation is off',
        version: () => put('next', 'AWSPENDING'),
        reason: 'rotation is not enabled',
      },
      {
        name: 'there is no such version',
        version: async () => {
          await enable();
          return randomUUID();
        },
        reason: 'no version for this rotation',
      },
      {
        name: 'the version was replaced',
        version: async () => {
          await enable();
          const old = await put('old', 'AWSCURRENT');
          await put('new', 'AWSCURRENT');
          return old;
        },
        reason: 'not pending',
      },
    ])('is refused, and changes nothing, where $name', async ({ version, reason }) => {
      const id = await version();
      const secrets = secretsBefore();
      await expect(run(step, id)).rejects.toThrow(reason);
      expect(client.secrets).toBe(secrets);
      expect(tested).toEqual([]);
    });

    it('has nothing to do where the version is current already', async () => {
      await enable();
      const current = await put(FIRST, 'AWSCURRENT');
      const secrets = secretsBefore();
      await run(step, current);
      expect(client.secrets).toBe(secrets);
      expect(await holdersOf('AWSCURRENT')).toEqual([current]);
      expect(tested).toEqual([]);
    });
  });

  it('the steps make the pending version current, and the other previous, and end its secret', async () => {
    await enable();
    // moto makes a current version without a value when rotation is set up.
    const former = [await put(FIRST, 'AWSCURRENT')];
    const version = await put('next', 'AWSPENDING');
    for (const step of ROTATION_STEPS) await run(step, version);
    expect(await holdersOf('AWSCURRENT')).toEqual([version]);
    expect(await holdersOf('AWSPREVIOUS')).toEqual(former);
    expect((await holdersOf('AWSPENDING')).filter((id) => id !== version)).toEqual([]);
    expect([
      (await read('AWSPREVIOUS')).client_secret,
      (await read('AWSCURRENT')).client_secret,
    ]).toEqual([FIRST, 'next']);
    expect(client.secrets).toEqual([
      { hash: hashClientSecret(FIRST), createdAt: 1, expiresAt: NOW + OVERLAP },
      { hash: hashClientSecret('next'), createdAt: NOW },
    ]);
    expect(tested).toEqual(['next', 'next']);
  });

  it('createSecret leaves a pending value that is there as it is', async () => {
    await enable();
    const version = await put('next', 'AWSPENDING');
    await run('createSecret', version);
    expect(await read('AWSPENDING')).toEqual(JSON.parse(valueWith('next')));
  });
}

describe('with the embedded Secrets Manager', () => {
  describeSteps(
    () => startSecretsManager({ rotate: async () => {} }),
    'arn:aws:lambda:us-east-1:000000000000:function:rotate',
  );
});

const moto = findOnPath('moto_server');
describe.skipIf(moto === undefined)(
  `with moto${moto === undefined ? ' (skipped: no moto_server on the PATH)' : ''}`,
  () => {
    // It rotates by labels alone where no function is named.
    describeSteps(() => startMoto(moto ?? ''), undefined);
  },
);
