import { type JwksStore, publishSigningKey } from '../keys/jwks-store.ts';
import {
  generateSigningKey,
  type Keyset,
  parseKeyset,
  serializeKeyset,
  signingKeysOf,
} from '../keys/keyset.ts';
import { SIGNING_ALGORITHMS } from '../oauth/access-token.ts';
import { RefusedError } from '../refused-error.ts';
import type { RotatingSecret } from './steps.ts';

export interface CompromiseOptions {
  secret: RotatingSecret;
  jwks: JwksStore;
  /** Seconds since the epoch. */
  now: number;
}

export type Compromise =
  /** It signed: `next` took its place at once, without the period in which verifiers could fetch it. */
  | 'was-current'
  | 'was-next'
  /** It had been retired. */
  | 'was-retired';

/**
 * Puts a key that somebody else may have out of use: another signs, nothing that it signed counts, and the JWKS does
 * not show it. A new key takes the place that becomes free. May be repeated.
 *
 * @throws {RefusedError} for a key that is not known
 */
export async function replaceCompromisedKey(
  kid: string,
  options: CompromiseOptions,
): Promise<Compromise> {
  const { secret, jwks, now } = options;
  const current = await secret.read('AWSCURRENT');
  const keyset = current === undefined ? undefined : parseKeyset(current);
  const place = keyset && placeOf(keyset, kid);
  if (keyset !== undefined && place !== undefined) {
    const fresh = await generateSigningKey(place.algorithm, now);
    const pair = keyset[place.algorithm];
    const replaced =
      place.role === 'current'
        ? { current: pair.next, next: fresh }
        : { current: pair.current, next: fresh };
    const successor: Keyset = { ...keyset, [place.algorithm]: replaced };
    await publishSigningKey(jwks, fresh);
    await abandonRotation(secret, jwks, successor, now);
    await secret.replace(serializeKeyset(successor));
  }
  if ((await jwks.condemn(kid, now)) === 'unknown') {
    throw new RefusedError(`there is no key ${kid}`);
  }
  return place === undefined ? 'was-retired' : `was-${place.role}`;
}

function placeOf(keyset: Keyset, kid: string) {
  for (const algorithm of SIGNING_ALGORITHMS) {
    for (const role of ['current', 'next'] as const) {
      if (keyset[algorithm][role].kid === kid) return { algorithm, role };
    }
  }
  return undefined;
}

/** A rotation that was going on would bring the key back: it ends, and what it had published goes. */
async function abandonRotation(
  secret: RotatingSecret,
  jwks: JwksStore,
  successor: Keyset,
  now: number,
): Promise<void> {
  const { versions } = await secret.describe();
  const kept = new Set(signingKeysOf(successor).map(({ kid }) => kid));
  for (const [version, labels] of Object.entries(versions)) {
    if (!labels.includes('AWSPENDING') || labels.includes('AWSCURRENT')) continue;
    const pending = await secret.read('AWSPENDING', version);
    await secret.unstage(version);
    const orphans = pending === undefined ? [] : signingKeysOf(parseKeyset(pending));
    for (const { kid } of orphans) if (!kept.has(kid)) await jwks.retire(kid, now, now);
  }
}
