import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type Keyset, keysetOf, serializeKeyset } from './keyset.ts';

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
    return keysetOf(SecretString);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/**
 * Makes the keyset the current version of the secret. `taken` where the version exists with another value: of two
 * that write the same version at once, one succeeds.
 *
 * @param version 32 to 64 characters
 */
export async function writeKeyset(
  secretsManager: SecretsManagerClient,
  secretId: string,
  version: string,
  keyset: Keyset,
): Promise<'written' | 'taken'> {
  try {
    await secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        ClientRequestToken: version,
        SecretString: serializeKeyset(keyset),
      }),
    );
    return 'written';
  } catch (error) {
    if (error instanceof ResourceExistsException) return 'taken';
    throw error;
  }
}
