import { invalidToken, readUnverifiedJwt } from '../jwt/compact-jwt.ts';
import { type FindKey, type VerifiedAccessToken, verifyAccessToken } from '../jwt/verifier.ts';
import { createCache } from '../runtime/cache.ts';
import type { Log } from '../runtime/log.ts';
import { createTokenMemory } from './token-memory.ts';
import type { TrustedIssuer } from './trusted-issuers.ts';
import type { FindUserRecord, UserRecord } from './user-record-store.ts';

export interface TokenCheckOptions {
  trustedIssuers: readonly TrustedIssuer[];
  /** The keys of a trusted issuer. */
  keysOf: (issuer: string) => FindKey;
  /** Undefined where users' records are not wanted. */
  findUser: FindUserRecord | undefined;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

/** Whose token it is. */
export interface Bearer {
  token: VerifiedAccessToken;
  /** Where records are wanted and the token is a person's. */
  user: UserRecord | undefined;
}

/** Seconds that a user who was removed or disabled, or has new permissions, may go unnoticed. */
export const USER_RECORD_AGE = 60;
/** Seconds that a user's last record serves beyond that while the users cannot be read. */
export const USER_RECORD_AGE_ON_ERROR = 300;

/** The most tokens that are remembered, and the most users. */
const CAPACITY = 1_000;

/**
 * Verifies tokens of the trusted issuers and finds their users, and remembers both for a while.
 *
 * @returns a function that throws `OAuthError` `invalid_token`, or what the keys and the users throw
 */
export function createTokenCheck(options: TokenCheckOptions): (text: string) => Promise<Bearer> {
  const { trustedIssuers, keysOf, findUser, now, log } = options;
  const memory = createTokenMemory(CAPACITY);
  const users = createCache<UserRecord>({
    maxAge: USER_RECORD_AGE,
    maxAgeOnError: USER_RECORD_AGE_ON_ERROR,
    capacity: CAPACITY,
    now,
    log,
  });
  const issuers = new Map(
    trustedIssuers.map((trusted) => [
      trusted.issuer,
      { ...trusted, findKey: keysOf(trusted.issuer) },
    ]),
  );

  async function verify(text: string): Promise<VerifiedAccessToken> {
    const startedAt = now();
    const { iss } = readUnverifiedJwt(text).claims;
    const trusted = issuers.get(String(iss));
    if (trusted === undefined) throw invalidToken('issuer not trusted');
    const token = await verifyAccessToken(text, { ...trusted, now: startedAt });
    memory.remember(text, token, startedAt);
    return token;
  }

  /** RFC 9068 section 2.2: a token whose subject is its client is nobody's. */
  async function userOf(token: VerifiedAccessToken): Promise<UserRecord | undefined> {
    const { claims, clientId } = token;
    const hasUser = issuers.get(claims.iss)?.hasUsers && claims.sub !== clientId;
    if (findUser === undefined || !hasUser) return undefined;
    const user = await users.get(claims.sub, () => findUser(claims.sub));
    if (user === undefined) throw invalidToken('the user was removed or disabled');
    return user;
  }

  return async (text) => {
    const token = memory.recall(text, now()) ?? (await verify(text));
    return { token, user: await userOf(token) };
  };
}
