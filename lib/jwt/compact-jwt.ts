import { OAuthError } from '../oauth/errors.ts';

/** Characters of the longest token that is looked at. API Gateway gives 10 KB to all headers together. */
const LARGEST_TOKEN = 8_192;

const COMPACT = /^([\w-]+)\.([\w-]+)\.[\w-]+$/;

export type JsonObject = Readonly<Record<string, unknown>>;

/** A JWT that was read, not verified: nothing in it is to be believed. */
export interface UnverifiedJwt {
  text: string;
  header: JsonObject;
  claims: JsonObject;
}

/** The one public text for everything that can be wrong with an access token; `detail` is for the log. */
export function invalidToken(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_token', 'The access token is invalid or expired', {
    detail,
    cause,
    headers: { 'WWW-Authenticate': 'Bearer realm="latchkey", error="invalid_token"' },
  });
}

/**
 * Takes a JWT in compact form apart (RFC 7515 section 7.1), without believing it.
 *
 * @throws {OAuthError} `invalid_token`
 */
export function readUnverifiedJwt(token: unknown): UnverifiedJwt {
  if (typeof token !== 'string') throw invalidToken('not a string');
  if (token.length > LARGEST_TOKEN) throw invalidToken('too large');
  const [, header, claims] = COMPACT.exec(token) ?? [];
  if (header === undefined || claims === undefined) throw invalidToken('not a JWT');
  return { text: token, header: readObject(header), claims: readObject(claims) };
}

function readObject(part: string): JsonObject {
  const value = parseJson(part);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidToken('a part is no JSON object');
  }
  return value as JsonObject;
}

/** The parser's own message would quote the token. */
function parseJson(part: string): unknown {
  try {
    const bytes = Buffer.from(part, 'base64url');
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalidToken('a part is not JSON');
  }
}
