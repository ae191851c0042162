import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import {
  createServiceSecretStore,
  type ServiceSecretStore,
} from '../../lib/service-clients/service-secret-store.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager/server.ts';
import { findOnPath, startMoto } from '../support/moto.ts';

const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:rotate';

function describeStore(start: () => Promise<{ endpoint: string; close(): Promise<void> }>) {
  let server: Awaited<ReturnType<typeof start>>;
  let client: SecretsManagerClient;
  let store: ServiceSecretStore;
  let name: string;
  beforeAll(async () => {
    server = await start();
    client = new SecretsManagerClient({ endpoint: server.endpoint, ...LOCAL_CREDENTIALS });
    store = createServiceSecretStore(client);
  }, 60_000);
  beforeEach(() => {
    name = `latchkey-test/${randomUUID()}-client`;
  });
  afterAll(async () => {
    client.destroy();
    await server.close();
  });

  it('has nothing under a name that is new', async () => {
    expect(await store.read(name)).toBeUndefined();
    await store.remove(name);
  });

  it('makes a secret, and from then on keeps its value', async () => {
    const made = await store.establish(name, 'one');
    expect(made.value).toBe('one');
    expect(made.arn).toContain(`:secret:${name}-`);
    expect(await store.establish(name, 'two')).toEqual(made);
    expect(await store.read(name)).toBe('one');
  });

  it('makes one of two that come at once', async () => {
    const made = await Promise.all([store.establish(name, 'one'), store.establish(name, 'two')]);
    expect(made[0].value).toBe(made[1].value);
    expect(await store.read(name)).toBe(made[0].value);
  });

  it('fills a secret without a value', async () => {
    await client.send(new CreateSecretCommand({ Name: name }));
    expect((await store.establish(name, 'one')).value).toBe('one');
  });

  it('keeps what is proposed beside the current value, until it is chosen', async () => {
    await store.propose(name, 'a', 'one');
    expect(await store.read(name)).toBe('one');
    await store.propose(name, 'b', 'two');
    await store.propose(name, 'c', 'three');
    expect(await store.read(name)).toBe('one');
    await store.choose(name, ['x']);
    expect(await store.read(name)).toBe('one');
    await Promise.all([store.choose(name, ['x', 'b']), store.choose(name, ['b'])]);
    expect(await store.read(name)).toBe('two');
    expect((await store.tidyUp(name)).arn).toContain(`:secret:${name}-`);
    await store.choose(name, ['c']);
    expect(await store.read(name)).toBe('two');
  });

  it('restores a secret to propose another value, and chooses nothing where there is none', async () => {
    await store.choose(name, ['a']);
    await store.establish(name, 'one');
    await store.remove(name);
    await store.choose(name, ['a']);
    await store.propose(name, 'a', 'two');
    await store.choose(name, ['a']);
    expect(await store.read(name)).toBe('two');
  });

  it('gives up a rotation that has begun when it chooses', async () => {
    await store.establish(name, 'one');
    await store.propose(name, 'a', 'two');
    const pending = { SecretId: name, SecretString: 'pending', VersionStages: ['AWSPENDING'] };
    await client.send(new PutSecretValueCommand(pending));
    await store.choose(name, ['a']);
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId: name }));
    expect(Object.values(VersionIdsToStages ?? {}).flat()).not.toContain('AWSPENDING');
    expect(await store.read(name)).toBe('two');
  });

  it('removes a secret, which can be made again, with another value', async () => {
    await store.establish(name, 'one');
    await store.remove(name);
    await store.remove(name);
    expect(await store.read(name)).toBeUndefined();
    expect((await store.establish(name, 'two')).value).toBe('two');
    expect(await store.read(name)).toBe('two');
  });

  it('rotates nothing that is not on rotation', async () => {
    await store.establish(name, 'one');
    await expect(store.rotateNow(name)).rejects.toThrow(RefusedError);
  });
}

describe('the embedded Secrets Manager', () => {
  describeStore(() => startSecretsManager({ rotate: async () => {} }));
});

const moto = findOnPath('moto_server');
describe.skipIf(moto === undefined)(
  `moto${moto === undefined ? ' (skipped: no moto_server on the PATH)' : ''}`,
  () => describeStore(() => startMoto(moto ?? '')),
);

describe('a rotation', () => {
  it('is set up once, tried once, and started when it is asked for', async () => {
    const steps: string[] = [];
    const server = await startSecretsManager({
      rotate: async ({ event, functionArn }) => {
        steps.push(`${event.Step} ${functionArn === FUNCTION_ARN}`);
        if (event.Step !== 'testSecret') throw new Error('the test ends it here');
      },
      onRotationFailure: () => {},
    });
    const client = new SecretsManagerClient({ endpoint: server.endpoint, ...LOCAL_CREDENTIALS });
    const store = createServiceSecretStore(client);
    await store.establish('latchkey-test/x', 'one');
    for (let n = 0; n < 2; n += 1) {
      await store.rotateEvery('latchkey-test/x', 30, FUNCTION_ARN);
      await server.rotationsSettled();
    }
    expect(steps).toEqual(['testSecret true']);
    await store.rotateEvery('latchkey-test/x', 7, FUNCTION_ARN);
    await server.rotationsSettled();
    const described = await client.send(new DescribeSecretCommand({ SecretId: 'latchkey-test/x' }));
    expect(described.RotationRules).toEqual({ AutomaticallyAfterDays: 7 });
    expect(await store.read('latchkey-test/x')).toBe('one');
    await store.rotateNow('latchkey-test/x');
    await server.rotationsSettled();
    expect(steps.at(-1)).toBe('createSecret true');
    client.destroy();
    await server.close();
  });
});
