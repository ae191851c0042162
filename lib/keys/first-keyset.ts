import {
  PutSecretValueCommand,
  ResourceExistsException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { JwksStore } from './jwks-store.ts';
import { generateKeyset, type Keyset, publicJwk, serializeKeyset } from './keyset.ts';
import { readKeyset } from './keyset-store.ts';

/** The version of the secret that the first keyset is: of two that make one at once, one succeeds. */
const FIRST_VERSION = 'latchkey-first-keyset-00000000000000';

export interface FirstKeysetOptions {
  secretsManager: SecretsManagerClient;
  secretId: string;
  jwks: JwksStore;
  /** Seconds since the epoch. */
  now: number;
}

/**
 * Makes the first signing keys. Where there are some already, only makes sure that their public halves are
 * published. May be repeated, and run twice at once.
 */
export async function createFirstKeyset(
  options: FirstKeysetOptions,
): Promise<{ keyset: Keyset; outcome: 'created' | 'present' }> {
  const { secretsManager, secretId, jwks, now } = options;
  const present = await readKeyset(secretsManager, secretId);
  if (present !== undefined) {
    await publishKeyset(jwks, present);
    return { keyset: present, outcome: 'present' };
  }
  const keyset = await generateKeyset(now);
  // Public before anything is signed.
  await publishKeyset(jwks, keyset);
  try {
    await secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        ClientRequestToken: FIRST_VERSION,
        SecretString: serializeKeyset(keyset),
      }),
    );
    return { keyset, outcome: 'created' };
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error;
    return createFirstKeyset(options);
  }
}

async function publishKeyset(jwks: JwksStore, keyset: Keyset): Promise<void> {
  const keys = Object.values(keyset).flatMap(({ current, next }) => [current, next]);
  await Promise.all(
    keys.map((key) =>
      jwks.publish({ kid: key.kid, jwk: publicJwk(key), createdAt: key.createdAt }),
    ),
  );
}
