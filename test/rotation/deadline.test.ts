import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';

let latchkey: TestLatchkey;
let proxy: FaultProxy;
let outside: SecretsManagerClient;

beforeAll(async () => {
  latchkey = await startLatchkey({ rotate: async () => {} });
  await latchkey.createKeys();
  proxy = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER);
  outside = new SecretsManagerClient({ endpoint: proxy.endpoint, ...LOCAL_CREDENTIALS });
  process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = proxy.endpoint;
  process.env.MINIMUM_PUBLIC_AGE = '86400';
});
afterAll(async () => {
  outside.destroy();
  await proxy.close();
  await latchkey.close();
});

describe('a rotation step that hangs', () => {
  it('ends before the time of the function, with a line in the log, and writes nothing more', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const SecretId = latchkey.environment.SIGNING_KEYS_SECRET;
    const ClientRequestToken = await begin(SecretId);
    const held = Promise.withResolvers<undefined>();
    proxy.fault = ({ operation }) => (operation === 'GetSecretValue' ? held.promise : undefined);

    const { handler } = await import('../../functions/rotate-signing-key.ts');
    const step = handler(
      { Step: 'createSecret', SecretId, ClientRequestToken },
      { getRemainingTimeInMillis: () => 1_500 },
    );
    await expect(step).rejects.toThrow('the time of the function ran out');
    expect(error).toHaveBeenCalledWith({
      message: 'rotation step failed',
      step: 'createSecret',
      secret: SecretId,
      version: ClientRequestToken,
      reason: 'the time of the function ran out',
    });

    // Thawed, the step has its answer at last: before these calls have theirs.
    proxy.fault = () => undefined;
    held.resolve(undefined);
    const calls = proxy.calls.length;
    const describeSecret = () => outside.send(new DescribeSecretCommand({ SecretId }));
    for (let count = 1; count <= 5; count += 1) await describeSecret();
    expect(proxy.calls.slice(calls)).toEqual(Array(5).fill('DescribeSecret'));
  });
});

/** Has Secrets Manager begin a rotation; the version that it makes. */
async function begin(SecretId: string): Promise<string> {
  const ClientRequestToken = randomUUID();
  await latchkey.secretsManager.send(
    new RotateSecretCommand({
      SecretId,
      ClientRequestToken,
      RotationLambdaARN: 'arn:aws:lambda:us-east-1:000000000000:function:rotate',
      RotationRules: { AutomaticallyAfterDays: 30 },
    }),
  );
  await latchkey.rotationsSettled();
  return ClientRequestToken;
}
