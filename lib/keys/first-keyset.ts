import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { generateKeyset, type Keyset, signingKeysOf } from './keyset.ts';
import { readKeyset, writeKeyset } from './keyset-store.ts';
import { type JwksStore, publishSigningKey } from './public-key-store.ts';

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
  const outcome = await writeKeyset(secretsManager, secretId, FIRST_VERSION, keyset);
  return outcome === 'written' ? { keyset, outcome: 'created' } : createFirstKeyset(options);
}

async function publishKeyset(jwks: JwksStore, keyset: Keyset): Promise<void> {
  await Promise.all(signingKeysOf(keyset).map((key) => publishSigningKey(jwks, key)));
}
