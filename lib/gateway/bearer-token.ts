import { invalidToken } from '../jwt/compact-jwt.ts';

/** RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1). */
const BEARER = /^bearer +([\w.~+/-]+=*)$/i;

/**
 * The token of the `Authorization` headers, of which there must be exactly one.
 *
 * @throws {OAuthError} `invalid_token`
 */
export function readBearerToken(authorizations: readonly string[]): string {
  const [authorization, ...others] = authorizations;
  if (authorization === undefined) throw invalidToken('no Authorization header');
  if (others.length > 0) throw invalidToken('several Authorization headers');
  const token = BEARER.exec(authorization.trim())?.[1];
  if (token === undefined) throw invalidToken('no Bearer token');
  return token;
}
