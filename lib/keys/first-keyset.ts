import type { Secret } from '../aws/secret.ts';
import { generateKeyset, type Keyset, keysetOf, serializeKeyset, signingKeysOf } from './keyset.ts';
import { type JwksStore, publishSigningKey } from './public-key-store.ts';

/** The version of the secret that the first keyset is: of two that make one at once, one succeeds. */
const FIRST_VERSION = 'latchkey-first-keyset-00000000000000';

export interface FirstKeysetOptions {
  /** The signing-keys secret. */
  secret: Pick<Secret, 'read' | 'put'>;
  jwks: JwksStore;
  /** Seconds since the epoch. */
  now: number;
}

/**
 * Makes the first signing keys. Where there are some already, only makes sure that their public halves are
 * published. May be repeated, and run twice at once.
 *
 * @throws {MalformedKeysetError} where the secret holds something else
 */
export async function createFirstKeyset(
  options: FirstKeysetOptions,
): Promise<{ keyset: Keyset; outcome: 'created' | 'present' }> {
  const { secret, jwks, now } = options;
  const present = keysetOf(await secret.read());
  if (present !== undefined) {
    await publishKeyset(jwks, present);
    return { keyset: present, outcome: 'present' };
  }
  const keyset = await generateKeyset(now);
  // Public before anything is signed.
  await publishKeyset(jwks, keyset);
  const outcome = await secret.put(serializeKeyset(keyset), { version: FIRST_VERSION });
  return outcome === 'written' ? { keyset, outcome: 'created' } : createFirstKeyset(options);
}

async function publishKeyset(jwks: JwksStore, keyset: Keyset): Promise<void> {
  await Promise.all(signingKeysOf(keyset).map((key) => publishSigningKey(jwks, key)));
}
