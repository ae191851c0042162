import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSecretHandle } from '../../lib/aws/secret.ts';
import { createSecretsManager } from '../../lib/aws/secrets-manager.ts';
import { withDeadline } from '../../lib/lambda/deadline.ts';
import { createRotationHandler } from '../../lib/rotation/handler.ts';
import { LOCAL_CREDENTIALS_ENVIRONMENT } from '../../local/aws/credentials.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager/server.ts';
import { type Fault, type FaultProxy, startProxy } from '../support/proxy.ts';

const ROTATION = { create: vi.fn(), set: vi.fn(), test: vi.fn(), retire: vi.fn() };

let server: Awaited<ReturnType<typeof startSecretsManager>>;
let proxy: FaultProxy;
beforeEach(async () => {
  server = await startSecretsManager();
  proxy = await startProxy(server.endpoint);
  for (const [name, value] of Object.entries(LOCAL_CREDENTIALS_ENVIRONMENT)) {
    vi.stubEnv(name, value);
  }
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', proxy.endpoint);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
  await server.close();
});

describe('a rotation step', () => {
  it.each<{ fault: Fault; name: string }>([
    { fault: 'throttle', name: 'ThrottlingException' },
    { fault: 'break', name: 'InternalServerError' },
    { fault: 'reset', name: 'TimeoutError' },
  ])('says which store was at fault, in which call, and how: $fault', async ({ fault, name }) => {
    proxy.fault = () => fault;
    const secretsManager = createSecretsManager();
    const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const handler = createRotationHandler({
      secretOf: (secretId) => createSecretHandle(secretsManager, secretId),
      rotationOf: () => ROTATION,
      withDeadline,
      log,
    });
    const event = { Step: 'createSecret', SecretId: 'a', ClientRequestToken: 'v' } as const;
    const reason = `Secrets Manager DescribeSecret: ${name}`;
    await expect(handler(event)).rejects.toThrow(`createSecret failed: ${reason}`);
    expect(log.error).toHaveBeenCalledWith('rotation step failed', {
      step: 'createSecret',
      secret: 'a',
      version: 'v',
      reason,
    });
    secretsManager.destroy();
  });
});
