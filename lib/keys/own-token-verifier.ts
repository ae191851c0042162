import type { JWK } from 'jose';
import { invalidToken } from '../jwt/compact-jwt.ts';
import { verifyAccessToken } from '../jwt/verifier.ts';
import { SIGNING_ALGORITHMS } from '../oauth/resource-server.ts';
import type { Cache } from '../runtime/cache.ts';
import type { JwksStore, PublicKey } from './public-key-store.ts';

export interface OwnTokenVerifierDependencies {
  issuer: string;
  keys: Pick<JwksStore, 'find'>;
  cache: Cache<PublicKey>;
  /** Seconds since the epoch. */
  now: () => number;
}

/**
 * Verifies signature, issuer and type of an access token that this server made, whether it has expired or not:
 * what stands behind it decides what it is still good for. A key that has left the JWKS by age still counts here.
 *
 * @throws {OAuthError} `invalid_token`, with the challenge of RFC 6750 section 3
 */
export function createOwnTokenVerifier(
  dependencies: OwnTokenVerifierDependencies,
): (accessToken: string) => Promise<{ clientId: string }> {
  const { issuer, keys, cache, now } = dependencies;
  const findKey = async ({ kid, alg }: { kid: string; alg: string }): Promise<JWK | undefined> => {
    const key = await cache.get(kid, () => keys.find(kid));
    return key?.jwk.alg === alg && key.condemnedAt === undefined ? key.jwk : undefined;
  };
  return async (accessToken) => {
    const { clientId } = await verifyAccessToken(accessToken, {
      issuer,
      findKey,
      algorithms: SIGNING_ALGORITHMS,
      audience: { kind: 'none' },
      now: now(),
      allowExpired: true,
    });
    if (clientId !== undefined) return { clientId };
    throw invalidToken('no client_id');
  };
}
