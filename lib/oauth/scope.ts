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

/** Where scopes come from: only what all of them name can be had. */
export interface ScopeSources {
  /** What the resource server defines. */
  defined: readonly string[];
  /** What the client is granted there. */
  granted: readonly string[];
  /** What the user may have; undefined where the client acts for itself. */
  permitted?: readonly string[] | undefined;
}

export interface ScopeRequest extends ScopeSources {
  /** The `scope` parameter, undefined where it was left out. */
  requested: string | undefined;
}

/** The scopes that can be had at all. */
export function availableScopes({ defined, granted, permitted = granted }: ScopeSources): string[] {
  return granted.filter((scope) => defined.includes(scope) && permitted.includes(scope));
}

/**
 * The scopes of the token. Left out, `scope` means all that the client is granted and the user may have. A scope
 * that is unknown, or not granted to the client, is refused; what the client may ask but this user may not have is
 * left out, and the response's `scope` tells so (RFC 6749 section 3.3).
 *
 * @throws {OAuthError} `invalid_scope`
 */
export function selectScopes({ requested, ...sources }: ScopeRequest): string[] {
  const { defined, granted } = sources;
  const available = availableScopes({ defined, granted });
  const asked = requested === undefined ? available : parseScope(requested);
  if (!asked.every((scope) => available.includes(scope))) {
    throw new OAuthError('invalid_scope', 'A requested scope is unknown or not granted');
  }
  const permitted = availableScopes(sources);
  const selected = asked.filter((scope) => permitted.includes(scope));
  if (requested !== undefined && selected.length === 0) {
    throw new OAuthError('invalid_scope', 'A requested scope is unknown or not granted', {
      detail: 'the user may have none of the requested scopes',
    });
  }
  return selected;
}
