import { OAuthError } from './errors.ts';

/** RFC 6749 section 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export function isScopeToken(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

/**
 * The distinct scope tokens of a `scope` parameter, in the order given.
 *
 * @throws {OAuthError} `invalid_scope` where the syntax of RFC 6749 section 3.3 is not kept
 */
export function parseScope(scope: string): string[] {
  const tokens = scope.split(' ');
  if (!tokens.every(isScopeToken)) {
    throw new OAuthError('invalid_scope', 'The scope is malformed');
  }
  return [...new Set(tokens)];
}

export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ');
}

export interface ScopeRequest {
  /** The `scope` parameter, undefined where it was left out. */
  requested: string | undefined;
  /** What the resource server defines. */
  defined: readonly string[];
  /** What the client is granted there. */
  granted: readonly string[];
  /** What the user may have; undefined where the client acts for itself. */
  permitted?: readonly string[] | undefined;
}

/**
 * The scopes of the token. Left out, `scope` means all that the client is granted and the user may have. A scope
 * that is unknown, or not granted to the client, is refused; what the client may ask but this user may not have is
 * left out, and the response's `scope` tells so (RFC 6749 section 3.3).
 *
 * @throws {OAuthError} `invalid_scope`
 */
export function selectScopes({ requested, defined, granted, permitted }: ScopeRequest): string[] {
  const available = granted.filter((scope) => defined.includes(scope));
  const asked = requested === undefined ? available : parseScope(requested);
  const refused = asked.find((scope) => !available.includes(scope));
  if (refused !== undefined) {
    throw new OAuthError('invalid_scope', 'A requested scope is unknown or not granted', {
      detail: `not granted: ${refused}`,
    });
  }
  const selected = permitted ? asked.filter((scope) => permitted.includes(scope)) : asked;
  if (requested !== undefined && selected.length === 0) {
    throw new OAuthError('invalid_scope', 'A requested scope is unknown or not granted', {
      detail: 'the user may have none of the requested scopes',
    });
  }
  return selected;
}
