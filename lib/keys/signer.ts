import { importJWK, SignJWT } from 'jose';
import { OAuthError } from '../oauth/errors.ts';
import type { SigningAlgorithm, TokenType } from '../oauth/resource-server.ts';
import type { AccessTokenClaims } from '../oauth/tokens/access-token.ts';
import type { Keyset, SigningKey } from './keyset.ts';

export interface SigningOptions {
  algorithm: SigningAlgorithm;
  tokenType: TokenType;
}

/** Signs the claims of an access token; the JWT in compact form. */
export type SignAccessToken = (
  claims: AccessTokenClaims,
  options: SigningOptions,
) => Promise<string>;

export interface SignerDependencies {
  /** The keyset, from a cache; undefined where there is none yet. */
  loadKeyset: () => Promise<Keyset | undefined>;
}

/**
 * Signs with the current key of the algorithm.
 *
 * @throws {OAuthError} `temporarily_unavailable` where no signing keys were made yet
 */
export function createSigner({ loadKeyset }: SignerDependencies): SignAccessToken {
  const imported = new WeakMap<SigningKey, ReturnType<typeof importJWK>>();
  return async (claims, { algorithm, tokenType }) => {
    const keyset = await loadKeyset();
    if (keyset === undefined) {
      throw new OAuthError('temporarily_unavailable', 'The service is temporarily unavailable', {
        detail: 'there are no signing keys: run `latchkey keys create`',
        headers: { 'Retry-After': '60' },
      });
    }
    const { current } = keyset[algorithm];
    const key = imported.get(current) ?? importJWK(current.privateJwk, algorithm);
    imported.set(current, key);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: tokenType, kid: current.kid })
      .sign(await key);
  };
}
