import {
  generateKeyset,
  generateSigningKey,
  type Keyset,
  keysetOf,
  type PublicJwk,
  type SigningKey,
  serializeKeyset,
  signingKeysOf,
} from '../keys/keyset.ts';
import { type JwksStore, publishSigningKey } from '../keys/public-key-store.ts';
import { KEPT_AFTER_RETIREMENT, PUBLIC_AFTER_RETIREMENT } from '../keys/retention.ts';
import { SIGNING_ALGORITHMS } from '../oauth/resource-server.ts';
import { type Rotation, RotationRefusedError } from './steps.ts';

export interface SigningKeyRotationDependencies {
  jwks: Pick<JwksStore, 'publish' | 'retire' | 'find'>;
  /** The published JWKS, fetched as any client fetches it. */
  fetchJwks: () => Promise<{ keys: PublicJwk[] }>;
  /** Signs with the key and verifies with the published one. Throws where that fails. */
  prove: (key: SigningKey, published: PublicJwk) => Promise<void>;
  /** Seconds that a key has to be public before it signs: as long as verifiers may cache keys. */
  minimumPublicAge: number;
  /** Seconds since the epoch. */
  now: () => number;
  /** Resolves after so many milliseconds. */
  wait: (milliseconds: number) => Promise<void>;
}

/** Milliseconds between two looks at the JWKS, which shows a new key when its own cache has grown old. */
const LOOK_INTERVAL = 2_000;
const MOST_LOOKS = 15;

/**
 * The rotation of the signing keys. What is promoted has been public for a whole period, and for `minimumPublicAge`
 * at least, so that no verifier ever meets a key that it has not had the time to fetch.
 */
export function createSigningKeyRotation(dependencies: SigningKeyRotationDependencies): Rotation {
  const { jwks, fetchJwks, prove, minimumPublicAge, now, wait } = dependencies;

  /** @throws {RotationRefusedError} Secrets Manager tries again later */
  function assertNextIsKnown(keyset: Keyset): void {
    const youngest = Math.max(...SIGNING_ALGORITHMS.map((name) => keyset[name].next.createdAt));
    if (now() >= youngest + minimumPublicAge) return;
    throw new RotationRefusedError('verifiers may not have fetched the next keys yet');
  }

  /** What was retired, or found out, never signs again: not by a rotation that began before that either. */
  async function assertUsable(keys: readonly SigningKey[]): Promise<void> {
    const records = await Promise.all(keys.map(({ kid }) => jwks.find(kid)));
    const isUsable = records.every(
      (record) => record !== undefined && record.publicUntil === undefined,
    );
    if (!isUsable) throw new RotationRefusedError('a key of the new keyset is out of use');
  }

  async function findPublished(keys: readonly SigningKey[]): Promise<PublicJwk[]> {
    for (let look = 1; ; look += 1) {
      const published = (await fetchJwks()).keys;
      const found = keys.flatMap(({ kid }) => published.find((jwk) => jwk.kid === kid) ?? []);
      if (found.length === keys.length) return found;
      if (look === MOST_LOOKS) throw new Error('the published JWKS lacks a key of the new keyset');
      await wait(LOOK_INTERVAL);
    }
  }

  return {
    async create(current) {
      const keyset = keysetOf(current);
      if (keyset !== undefined) assertNextIsKnown(keyset);
      return serializeKeyset(await nextKeyset(keyset, now()));
    },

    async set(pending) {
      const keys = keysOf(pending);
      await Promise.all(keys.map((key) => publishSigningKey(jwks, key)));
      await assertUsable(keys);
    },

    async test(pending) {
      const keys = keysOf(pending);
      if (keys.length === 0) return;
      await assertUsable(keys);
      const published = await findPublished(keys);
      await Promise.all(keys.map((key, index) => prove(key, published[index] ?? {})));
    },

    async retire(previous, current) {
      const kept = new Set(keysOf(current).map(({ kid }) => kid));
      const outgoing = keysOf(previous).filter(({ kid }) => !kept.has(kid));
      const publicUntil = now() + PUBLIC_AFTER_RETIREMENT;
      const expiresAt = now() + KEPT_AFTER_RETIREMENT;
      await Promise.all(outgoing.map(({ kid }) => jwks.retire(kid, publicUntil, expiresAt)));
    },
  };
}

/** None where no keyset was made yet: then there is nothing to publish, to test or to retire. */
function keysOf(value: string): SigningKey[] {
  const keyset = keysetOf(value);
  return keyset === undefined ? [] : signingKeysOf(keyset);
}

async function nextKeyset(keyset: Keyset | undefined, now: number): Promise<Keyset> {
  if (keyset === undefined) return generateKeyset(now);
  const pairs = SIGNING_ALGORITHMS.map(async (algorithm) => {
    const next = await generateSigningKey(algorithm, now);
    return [algorithm, { current: keyset[algorithm].next, next }] as const;
  });
  return Object.fromEntries(await Promise.all(pairs)) as Keyset;
}
