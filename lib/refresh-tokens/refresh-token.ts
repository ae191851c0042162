import { createHash } from 'node:crypto';
import type { Sealed } from '../sealing/sealed.ts';

declare const hashed: unique symbol;
/** The SHA-256 of an access token, base64url: the name under which the refresh token behind it is kept. */
export type AccessTokenHash = string & { readonly [hashed]: true };

export function hashAccessToken(accessToken: string): AccessTokenHash {
  return createHash('sha256').update(accessToken).digest('base64url') as AccessTokenHash;
}

/**
 * A refresh token. It has no value that could be presented: it stands behind an access token, is found by that
 * token's hash, and moves to the next token when it is used. Times are seconds since the epoch.
 */
export interface RefreshToken {
  accessTokenHash: AccessTokenHash;
  /** All that came from one login, for revoking it together. */
  familyId: string;
  clientId: string;
  sub: string;
  /** Which of the user's passwords the login was with. */
  passwordGeneration: number;
  audience: string;
  scopes: readonly string[];
  /** When the user logged in. */
  startedAt: number;
  /** When it can no longer be used: idle for too long, or the end of the family. */
  usableUntil: number;
  /** When the family ends however busy it is. */
  familyEndsAt: number;
  /** Set by its first use. */
  rotation?: Rotation;
}

export interface Rotation {
  successor: AccessTokenHash;
  at: number;
  /** Until then, a repeated use gets the identical answer. It starts at the first use and is never extended. */
  graceUntil: number;
  answer: Sealed;
}

/** Seconds after the first use in which a repeated one is a retry or a race, not a theft. */
export const GRACE = 60;

export interface RefreshLifetimes {
  /** Seconds */
  refreshIdleLifetime: number;
  /** Seconds */
  refreshAbsoluteLifetime: number;
}

export interface FamilyStart extends RefreshLifetimes {
  accessTokenHash: AccessTokenHash;
  familyId: string;
  clientId: string;
  sub: string;
  passwordGeneration: number;
  audience: string;
  scopes: readonly string[];
  now: number;
}

/** The first refresh token of a login. */
export function startFamily(start: FamilyStart): RefreshToken {
  const { refreshIdleLifetime, refreshAbsoluteLifetime, now, ...token } = start;
  const familyEndsAt = now + refreshAbsoluteLifetime;
  return {
    ...token,
    startedAt: now,
    usableUntil: Math.min(now + refreshIdleLifetime, familyEndsAt),
    familyEndsAt,
  };
}

/** The refresh token that follows, under the next access token. Its scopes can have become fewer. */
export function succeed(
  predecessor: RefreshToken,
  next: { accessTokenHash: AccessTokenHash; scopes: readonly string[] },
  { refreshIdleLifetime }: Pick<RefreshLifetimes, 'refreshIdleLifetime'>,
  now: number,
): RefreshToken {
  const { rotation: _, ...token } = predecessor;
  return {
    ...token,
    ...next,
    usableUntil: Math.min(now + refreshIdleLifetime, predecessor.familyEndsAt),
  };
}

export type RefreshState =
  | { state: 'usable' }
  | { state: 'expired' }
  /** Used a moment ago: the same answer is due. */
  | { state: 'repeated'; answer: Sealed }
  /** Used long ago: somebody holds a token that is not theirs. */
  | { state: 'reused' };

/** @param now seconds since the epoch */
export function stateOf({ rotation, usableUntil }: RefreshToken, now: number): RefreshState {
  if (rotation !== undefined) {
    if (now < rotation.graceUntil) return { state: 'repeated', answer: rotation.answer };
    return { state: 'reused' };
  }
  return { state: now < usableUntil ? 'usable' : 'expired' };
}
