import type { JWK } from 'jose';
import type { Cache } from '../cache.ts';
import { SIGNING_ALGORITHMS } from '../oauth/access-token.ts';
import { OAuthError } from '../oauth/errors.ts';
import type { JwksStore, PublicKey } from './jwks-store.ts';
import { verifyAccessToken } from './verifier.ts';

export interface OwnTokenVerifierDependencies {
  issuer: string;
  keys: Pick<JwksStore, 'find'>;
  cache: Cache<PublicKey>;
  /** Seconds since the epoch. */
  now: () => number;
}

/**
 * Verifies signature, issuer and type of an access token that this server made, whether it has expired or not:
 * what stands behind it decides what it is still good for. A key that has left the JWKS still counts here.
 *
 * @throws {OAuthError} `invalid_token`, with the challenge of RFC 6750 section 3
 */
export function createOwnTokenVerifier(
  dependencies: OwnTokenVerifierDependencies,
): (accessToken: string) => Promise<{ clientId: string }> {
  const { issuer, keys, cache, now } = dependencies;
  const findKey = async ({ kid, alg }: { kid: string; alg: string }): Promise<JWK | undefined> => {
    const key = await cache.get(kid, () => keys.find(kid));
    return key?.jwk.alg === alg ? key.jwk : undefined;
  };
  return async (accessToken) => {
    const { clientId } = await verify(accessToken, findKey, issuer, now());
    if (clientId !== undefined) return { clientId };
    throw new OAuthError('invalid_token', 'The access token is not valid', {
      detail: 'no client_id',
    });
  };
}

async function verify(
  accessToken: string,
  findKey: Parameters<typeof verifyAccessToken>[1]['findKey'],
  issuer: string,
  now: number,
) {
  try {
    return await verifyAccessToken(accessToken, {
      issuer,
      findKey,
      algorithms: SIGNING_ALGORITHMS,
      audience: { kind: 'none' },
      now,
      allowExpired: true,
    });
  } catch (error) {
    if (!(error instanceof OAuthError) || error.code !== 'invalid_token') throw error;
    throw new OAuthError('invalid_token', error.description, {
      ...(error.detail && { detail: error.detail }),
      headers: { 'WWW-Authenticate': 'Bearer realm="latchkey", error="invalid_token"' },
      cause: error,
    });
  }
}
