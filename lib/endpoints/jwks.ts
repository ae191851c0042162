import { createEndpoint, type Endpoint } from '../http/endpoint.ts';
import { anyOrigin } from '../http/origins.ts';
import { publicDocument } from '../http/public-document.ts';
import { type JwksStore, type PublicKey, publishedKeys } from '../keys/public-key-store.ts';
import type { Cache } from '../runtime/cache.ts';

/** Seconds that a verifier may keep the keys. A key is public for far longer before it signs. */
const MAX_AGE = 300;

export interface JwksDependencies {
  keys: Pick<JwksStore, 'list'>;
  cache: Cache<readonly PublicKey[]>;
  /** Seconds since the epoch. */
  now: () => number;
}

/** GET the JWKS (RFC 7517 section 5). */
export function createJwksEndpoint({ keys, cache, now }: JwksDependencies): Endpoint {
  return createEndpoint({ methods: ['GET'], origins: anyOrigin }, async (request) => {
    const known = (await cache.get('all', () => keys.list())) ?? [];
    return publicDocument(request, { keys: publishedKeys(known, now()) }, { maxAge: MAX_AGE });
  });
}
