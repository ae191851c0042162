import type { Secret } from '../aws/secret.ts';
import { pendingVersion } from '../aws/secret-description.ts';
import {
  generateSigningKey,
  type Keyset,
  keysetOf,
  type SigningKey,
  serializeKeyset,
  signingKeysOf,
} from '../keys/keyset.ts';
import { type JwksStore, publishSigningKey } from '../keys/public-key-store.ts';
import { SIGNING_ALGORITHMS } from '../oauth/resource-server.ts';
import { RefusedError } from '../runtime/refused-error.ts';

export interface CompromiseOptions {
  secret: Pick<Secret, 'describe' | 'read' | 'current' | 'moveLabel' | 'replace'>;
  jwks: JwksStore;
  /** Seconds since the epoch. */
  now: number;
}

export type Compromise =
  /** It signed: `next` took its place at once, without the period in which verifiers could fetch it. */
  | 'was-current'
  | 'was-next'
  /** It had been retired, or a rotation was about to bring it. */
  | 'was-retired';

const MOST_ATTEMPTS = 5;

/**
 * Puts a key that somebody else may have out of use: nothing that it signed counts, the JWKS does not show it, and
 * another signs. A new key takes the place that becomes free. May be repeated, and run beside a rotation.
 *
 * @throws {RefusedError} for a key that is not known
 */
export async function replaceCompromisedKey(
  kid: string,
  { secret, jwks, now }: CompromiseOptions,
): Promise<Compromise> {
  // First of all: from here on no rotation brings the key to sign.
  if ((await jwks.condemn(kid, now)) === 'unknown') {
    throw new RefusedError(`there is no key ${kid}`);
  }
  let fresh: SigningKey | undefined;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    await withdrawPending({ secret, jwks, now });
    const current = await secret.current();
    const keyset = keysetOf(current?.value);
    const place = keyset && placeOf(keyset, kid);
    if (keyset === undefined || place === undefined) return 'was-retired';

    const { algorithm, role } = place;
    // A kid belongs to one algorithm: the next attempt can use the same key.
    fresh ??= await generateSigningKey(algorithm, now);
    await publishSigningKey(jwks, fresh);
    const pair = keyset[algorithm];
    const signs = role === 'current' ? pair.next : pair.current;
    const successor = { ...keyset, [algorithm]: { current: signs, next: fresh } };
    const outcome = await secret.replace(serializeKeyset(successor), current?.version);
    if (outcome === 'replaced') return `was-${role}`;
  }
  throw new RefusedError('a rotation was faster every time: repeat this');
}

function placeOf(keyset: Keyset, kid: string) {
  for (const algorithm of SIGNING_ALGORITHMS) {
    for (const role of ['current', 'next'] as const) {
      if (keyset[algorithm][role].kid === kid) return { algorithm, role };
    }
  }
  return undefined;
}

/** A rotation that is going on began with the key: it ends, and what it alone had published goes. */
async function withdrawPending({ secret, jwks, now }: CompromiseOptions): Promise<void> {
  const version = pendingVersion(await secret.describe());
  if (version === undefined) return;
  const kept = kidsOf(await secret.read());
  const pending = await secret.read('AWSPENDING', version);
  await secret.moveLabel('AWSPENDING', { from: version });
  for (const kid of kidsOf(pending)) if (!kept.has(kid)) await jwks.retire(kid, now, now);
}

function kidsOf(value: string | undefined): Set<string> {
  const keyset = keysetOf(value);
  return new Set(keyset === undefined ? [] : signingKeysOf(keyset).map(({ kid }) => kid));
}
