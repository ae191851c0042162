import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createSealer, type Sealer } from './sealed.ts';

/** The secret that the sealing key is derived from. CloudFormation made it at random, nobody has seen it. */
async function readSealingSecret(
  secretsManager: SecretsManagerClient,
  secretId: string,
): Promise<string> {
  const { SecretString } = await secretsManager.send(
    new GetSecretValueCommand({ SecretId: secretId }),
  );
  if (SecretString === undefined || SecretString.length < 43) {
    throw new Error('the sealing-key secret is too short to derive a key from');
  }
  return SecretString;
}

/** A sealer made once and kept: the sealing key does not change while the function lives. */
export function createSealerLoader(
  secretsManager: SecretsManagerClient,
  secretId: string,
): () => Promise<Sealer> {
  let loading: Promise<Sealer> | undefined;
  const load = async () => createSealer(await readSealingSecret(secretsManager, secretId));
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
