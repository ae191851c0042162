import { OAuthError } from '../errors.ts';
import { selectScopes } from '../scope.ts';
import type { User } from '../user.ts';
import type { Grant } from './grant.ts';

export type SignIn = (
  username: string,
  password: string,
  source: string,
) => Promise<
  | { outcome: 'signed-in'; user: User }
  | { outcome: 'refused'; detail: string }
  /** `retryAfter` in seconds. */
  | { outcome: 'slowed'; retryAfter: number; detail: string }
>;

/** RFC 6749 section 4.3. What the user may have is the user's permissions. */
export function createPasswordGrant({ signIn }: { signIn: SignIn }): Grant {
  return async ({ client, resourceServer, parameters, source }) => {
    const username = parameters.require('username');
    const password = parameters.require('password');
    const requested = parameters.get('scope');
    const defined = Object.keys(resourceServer.scopes);
    const granted = client.grants[resourceServer.identifier] ?? [];
    // A request that could not succeed with the right password is not worth a guess.
    selectScopes({ requested, defined, granted });

    const attempt = await signIn(username, password, source);
    if (attempt.outcome === 'slowed') {
      throw new OAuthError('too_many_attempts', 'Too many attempts: try again later', {
        detail: attempt.detail,
        headers: { 'Retry-After': String(attempt.retryAfter) },
      });
    }
    if (attempt.outcome === 'refused') {
      throw new OAuthError('invalid_grant', 'The username or password is wrong', {
        detail: attempt.detail,
      });
    }
    const { user } = attempt;
    return {
      subject: user.sub,
      scopes: selectScopes({ requested, defined, granted, permitted: user.permissions }),
      user,
    };
  };
}
