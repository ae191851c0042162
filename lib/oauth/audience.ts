import { OAuthError } from './errors.ts';
import type { Parameters } from './parameters.ts';

/**
 * The resource server that a request names with `audience` or with RFC 8707's `resource`; undefined where it
 * names none. A token is for one resource server: two different names are refused.
 *
 * @throws {OAuthError} `invalid_target`
 */
export function requestedAudience(parameters: Parameters): string | undefined {
  const named = new Set([parameters.get('audience') ?? [], parameters.all('resource')].flat());
  if (named.size > 1) {
    throw new OAuthError('invalid_target', 'A token can be for one resource server only');
  }
  return [...named][0];
}

/**
 * The resource server that the token will be for: the one that was asked for, if the client has a grant there, or
 * the client's only one.
 *
 * @throws {OAuthError} `invalid_target`
 */
export function selectAudience(requested: string | undefined, granted: readonly string[]): string {
  if (requested !== undefined) {
    if (granted.includes(requested)) return requested;
    throw new OAuthError('invalid_target', 'The audience is unknown or not granted', {
      detail: 'the client has no grant for the requested audience',
    });
  }
  const [only] = granted;
  if (only !== undefined && granted.length === 1) return only;
  throw new OAuthError('invalid_target', 'The request must name an audience', {
    detail: `the client has grants for ${granted.length} resource servers`,
  });
}
