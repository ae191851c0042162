import { randomUUID } from 'node:crypto';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSecretHandle, readSecret, type Secret } from '../../lib/aws/secret.ts';
import { holderOf } from '../../lib/aws/secret-description.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager/server.ts';
import { findOnPath, startMoto } from '../support/moto.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';

const OPTIONS = { description: 'Made by a test.' };
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:rotate';

const motoServer = findOnPath('moto_server');
const SERVICES = [
  {
    service: 'the embedded Secrets Manager',
    start: () => startSecretsManager({ rotate: async () => {} }),
    isAbsent: false,
  },
  {
    service: `moto${motoServer === undefined ? ' (skipped: no moto_server on the PATH)' : ''}`,
    start: () => startMoto(motoServer ?? ''),
    isAbsent: motoServer === undefined,
  },
];

for (const { service, start, isAbsent } of SERVICES) {
  describe.skipIf(isAbsent)(`a secret of ${service}`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    let proxy: FaultProxy;
    let secretsManager: SecretsManagerClient;
    let name: string;
    let secret: Secret;
    beforeAll(async () => {
      server = await start();
      proxy = await startProxy(server.endpoint);
      secretsManager = new SecretsManagerClient({ endpoint: proxy.endpoint, ...LOCAL_CREDENTIALS });
    }, 60_000);
    beforeEach(() => {
      proxy.fault = () => undefined;
      name = `latchkey-test/${randomUUID()}-client`;
      secret = createSecretHandle(secretsManager, name);
    });
    afterAll(async () => {
      secretsManager.destroy();
      await proxy.close();
      await server.close();
    });

    const expected = async () => holderOf('AWSCURRENT', await secret.describe());
    const labels = async () =>
      Object.values((await secret.describe()).versions)
        .flat()
        .sort();
    /** The first call of the operation is carried out, and its answer lost: the SDK repeats it. */
    function loseAnswer(operation: string): void {
      let isLost = false;
      proxy.fault = (call) => {
        if (isLost || call.operation !== operation) return undefined;
        isLost = true;
        return 'lose-answer';
      };
    }

    describe('that is not there', () => {
      it('is not found, read or removed', async () => {
        expect(await secret.find()).toBeUndefined();
        expect(await secret.read()).toBeUndefined();
        expect(await secret.current()).toBeUndefined();
        expect(await readSecret(secretsManager, name)).toBeUndefined();
        expect(await secret.remove(7)).toBe('unknown');
        await expect(secret.describe()).rejects.toThrow(
          expect.objectContaining({ name: 'ResourceNotFoundException' }),
        );
      });
    });

    describe('when it is made', () => {
      it('tells what it is, but not its value', async () => {
        const tags = { 'latchkey:client-id': 'a', 'latchkey:released': 'false' };
        expect(await secret.create('one', { ...OPTIONS, tags })).toBe('created');
        const { version = '' } = (await secret.current()) ?? {};
        const description = await secret.describe();
        expect(description).toEqual({
          name,
          arn: expect.stringContaining(`:secret:${name}-`),
          isRotationEnabled: false,
          schedule: undefined,
          nextRotation: undefined,
          versions: { [version]: ['AWSCURRENT'] },
          tags,
          isDeleted: false,
        });
        expect(await secret.find()).toEqual(description);
        await secret.tag({ 'latchkey:released': 'true' });
        expect((await secret.describe()).tags).toEqual({ ...tags, 'latchkey:released': 'true' });
      });

      it('is made once, of two that come at once', async () => {
        const values = ['one', 'two'];
        const outcomes = await Promise.all(values.map((value) => secret.create(value, OPTIONS)));
        expect(outcomes.toSorted()).toEqual(['created', 'taken']);
        expect(await secret.read()).toBe(values[outcomes.indexOf('created')]);
      });

      it('recognises its own earlier success', async () => {
        loseAnswer('CreateSecret');
        expect(await secret.create('one', OPTIONS)).toBe('created');
        expect(await secret.read()).toBe('one');
      });
    });

    describe('that has a value', () => {
      it('is read by label and version', async () => {
        await secret.create('one', OPTIONS);
        const version = randomUUID();
        await secret.put('two', { version, label: 'AWSPENDING' });
        expect(await secret.read()).toBe('one');
        expect(await secret.read('AWSPENDING')).toBe('two');
        expect(await secret.read('AWSPENDING', version)).toBe('two');
        expect(await secret.read('AWSPREVIOUS')).toBeUndefined();
        expect(await secret.current()).toEqual({ version: await expected(), value: 'one' });
      });

      it('takes a version once, and another as the current one', async () => {
        await secret.create('one', OPTIONS);
        const version = randomUUID();
        expect(await secret.put('two', { version })).toBe('written');
        expect(await secret.put('two', { version })).toBe('written');
        expect(await secret.put('three', { version })).toBe('taken');
        expect(await secret.current()).toEqual({ version, value: 'two' });
        expect(await secret.put('four')).toBe('written');
        expect(await secret.read()).toBe('four');
        expect(await secret.read('AWSPREVIOUS')).toBe('two');
      });

      it('recognises that it wrote a value earlier', async () => {
        await secret.create('one', OPTIONS);
        loseAnswer('PutSecretValue');
        expect(await secret.put('two')).toBe('written');
        expect(await secret.read('AWSPREVIOUS')).toBe('one');
      });

      it('has its value replaced, unless it changed meanwhile', async () => {
        await secret.create('one', OPTIONS);
        const read = await expected();
        expect(await secret.replace('two', read)).toBe('replaced');
        expect(await secret.read()).toBe('two');
        expect(await secret.replace('three', read)).toBe('lost');
        expect(await secret.read()).toBe('two');
        expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
      });

      it('has its value replaced by one of two that come at once', async () => {
        await secret.create('one', OPTIONS);
        const read = await expected();
        const values = ['two', 'three'];
        const outcomes = await Promise.all(values.map((value) => secret.replace(value, read)));
        expect(outcomes.toSorted()).toEqual(['lost', 'replaced']);
        expect(await secret.read()).toBe(values[outcomes.indexOf('replaced')]);
        expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
      });

      it.each(['PutSecretValue', 'UpdateSecretVersionStage'])(
        'recognises that it replaced the value earlier, where the answer to %s was lost',
        async (operation) => {
          await secret.create('one', OPTIONS);
          loseAnswer(operation);
          expect(await secret.replace('two', await expected())).toBe('replaced');
          expect(await secret.read()).toBe('two');
          expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
        },
      );

      it('tells a fault from a race that was lost', async () => {
        await secret.create('one', OPTIONS);
        const read = await expected();
        proxy.fault = ({ operation }) =>
          operation === 'UpdateSecretVersionStage' ? 'break' : undefined;
        await expect(secret.replace('two', read)).rejects.toThrow();
        expect(await secret.read()).toBe('one');
      });

      it('has a label moved from the version that is expected to have it, or not at all', async () => {
        await secret.create('one', OPTIONS);
        const [first = '', second, third] = [await expected(), randomUUID(), randomUUID()];
        await secret.put('two', { version: second, label: 'AWSPENDING' });
        expect(await secret.moveLabel('AWSCURRENT', { from: first, to: second })).toBe('moved');
        expect(await secret.read()).toBe('two');
        expect(await secret.read('AWSPREVIOUS', first)).toBe('one');
        await secret.put('three', { version: third, label: 'OTHER' });
        expect(await secret.moveLabel('AWSCURRENT', { from: first, to: third })).toBe('lost');
        expect(await secret.read()).toBe('two');
      });

      it('recognises that it moved a label earlier', async () => {
        await secret.create('one', OPTIONS);
        const [first, second] = [await expected(), randomUUID()];
        await secret.put('two', { version: second, label: 'OTHER' });
        loseAnswer('UpdateSecretVersionStage');
        expect(await secret.moveLabel('AWSCURRENT', { from: first, to: second })).toBe('moved');
        loseAnswer('UpdateSecretVersionStage');
        expect(await secret.moveLabel('OTHER', { from: second })).toBe('moved');
        expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
      });

      it('gives up a rotation that has begun, and does nothing where there is none', async () => {
        await secret.create('one', OPTIONS);
        await secret.abandonRotation();
        const version = randomUUID();
        await secret.put('two', { version, label: 'AWSPENDING' });
        loseAnswer('UpdateSecretVersionStage');
        await secret.abandonRotation();
        expect(await labels()).toEqual(['AWSCURRENT']);
        expect(await secret.read()).toBe('one');
      });

      it('leaves a rotation that has just ended as it is', async () => {
        await secret.create('one', OPTIONS);
        const [first, second] = [await expected(), randomUUID()];
        await secret.put('two', { version: second, label: 'AWSPENDING' });
        await secret.moveLabel('AWSCURRENT', { from: first, to: second });
        await secret.abandonRotation();
        expect(await secret.read('AWSPENDING')).toBe('two');
      });

      it('is removed, is taken until then, and can be restored', async () => {
        await secret.create('one', OPTIONS);
        loseAnswer('DeleteSecret');
        expect(await secret.remove(7)).toBe('removed');
        expect(await secret.remove(30)).toBe('removed');
        expect(await secret.create('two', OPTIONS)).toBe('deleted');
        expect((await secret.describe()).isDeleted).toBe(true);
        await expect(secret.read()).rejects.toThrow();
        loseAnswer('RestoreSecret');
        await secret.restore();
        await secret.restore();
        expect(await secret.read()).toBe('one');
        expect(await secret.create('two', OPTIONS)).toBe('taken');
      });
    });

    it('that has no value is filled by what comes first', async () => {
      await secretsManager.send(new CreateSecretCommand({ Name: name }));
      expect(await secret.current()).toBeUndefined();
      expect(await secret.replace('one', undefined)).toBe('replaced');
      expect(await secret.read()).toBe('one');
      expect(await labels()).toEqual(['AWSCURRENT']);
    });
  });
}

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
    const secret = createSecretHandle(client, 'latchkey-test/x');
    await secret.create('one', OPTIONS);
    await expect(secret.rotateNow()).rejects.toThrow();
    for (let n = 0; n < 2; n += 1) {
      await secret.rotateEvery(30, FUNCTION_ARN);
      await server.rotationsSettled();
    }
    expect(steps).toEqual(['testSecret true']);
    await secret.rotateEvery(7, FUNCTION_ARN);
    await server.rotationsSettled();
    expect(await secret.describe()).toMatchObject({
      isRotationEnabled: true,
      schedule: { days: 7, functionArn: FUNCTION_ARN },
      nextRotation: expect.any(Number),
    });
    expect(await secret.read()).toBe('one');
    const version = await secret.rotateNow();
    await server.rotationsSettled();
    expect(steps.at(-1)).toBe('createSecret true');
    expect(holderOf('AWSPENDING', await secret.describe())).toBe(version);
    client.destroy();
    await server.close();
  });
});
