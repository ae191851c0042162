import type { CustomClaims } from './claims.ts';

/** A person. What proves who they are stands apart, in `passwords`. */
export interface User {
  /** Never given to anybody else, even when the user is removed (RFC 7519 section 4.1.2). */
  sub: string;
  username: string;
  /** What the user may do: these scopes can be granted to a client on the user's behalf. */
  permissions: readonly string[];
  roles: readonly string[];
  claims: CustomClaims;
  disabled: boolean;
  /** Counts the user's passwords: what was signed in with an earlier one can no longer be refreshed. */
  passwordGeneration: number;
  /** Seconds since the epoch. */
  createdAt: number;
}
