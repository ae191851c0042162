import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type Keyset, parseKeyset } from './keyset.ts';

/**
 * Reads the signing keys from Secrets Manager; undefined where none were made yet.
 *
 * @throws {MalformedKeysetError} where the secret holds something else
 */
export async function readKeyset(
  secretsManager: SecretsManagerClient,
  secretId: string,
): Promise<Keyset | undefined> {
  try {
    const { SecretString } = await secretsManager.send(
      new GetSecretValueCommand({ SecretId: secretId }),
    );
    return SecretString === undefined ? undefined : parseKeyset(SecretString);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
