import { OAuthError } from '../oauth/errors.ts';

const CREDENTIALS = new Set([
  ...['client_secret', 'client_assertion', 'username', 'password'],
  ...['access_token', 'refresh_token', 'token', 'assertion', 'code'],
]);

/**
 * RFC 6749 section 2.3.1 and RFC 6750 section 2.3: no credential belongs into a URL, where logs and
 * histories keep it. Refused even where it would not be needed, so that it is noticed.
 *
 * @throws {OAuthError} `invalid_request`
 */
export function refuseCredentialsInQuery(query: string): void {
  for (const name of new URLSearchParams(query).keys()) {
    if (CREDENTIALS.has(name.toLowerCase())) {
      throw new OAuthError('invalid_request', 'Credentials must not be sent in the query string');
    }
  }
}
