import { invalidToken, readUnverifiedJwt } from '../keys/compact-jwt.ts';
import { type FindKey, type VerifiedAccessToken, verifyAccessToken } from '../keys/verifier.ts';
import { createTokenMemory, type RememberedToken } from './token-memory.ts';
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
}

/** Whose token it is. */
export interface Bearer {
  token: VerifiedAccessToken;
  /** Where records are wanted and the token is a person's. */
  user: UserRecord | undefined;
}

/** The most tokens that are remembered. */
const CAPACITY = 1_000;

/**
 * Verifies tokens of the trusted issuers and finds their users, each once per token.
 *
 * @returns a function that throws `OAuthError` `invalid_token`, or what the keys and the users throw
 */
export function createTokenCheck(options: TokenCheckOptions): (text: string) => Promise<Bearer> {
  const { trustedIssuers, keysOf, findUser, now } = options;
  const memory = createTokenMemory(CAPACITY);
  const issuers = new Map(
    trustedIssuers.map((trusted) => [
      trusted.issuer,
      { ...trusted, findKey: keysOf(trusted.issuer) },
    ]),
  );

  async function verify(text: string): Promise<RememberedToken> {
    const { iss } = readUnverifiedJwt(text).claims;
    const trusted = issuers.get(String(iss));
    if (trusted === undefined) throw invalidToken('issuer not trusted');
    const token = await verifyAccessToken(text, { ...trusted, now: now() });
    return memory.remember(text, token);
  }

  /** RFC 9068 section 2.2: a token whose subject is its client is nobody's. */
  async function userOf(known: RememberedToken): Promise<UserRecord | undefined> {
    const { claims, clientId } = known.token;
    const hasUser = issuers.get(claims.iss)?.hasUsers && claims.sub !== clientId;
    if (findUser === undefined || !hasUser) return undefined;
    known.user ??= findUser(claims.sub);
    const lookup = known.user;
    try {
      const user = await lookup;
      if (user === undefined) throw invalidToken('the user was removed or disabled');
      return user;
    } catch (error) {
      if (known.user === lookup) known.user = undefined;
      throw error;
    }
  }

  return async (text) => {
    const known = memory.recall(text, now()) ?? (await verify(text));
    return { token: known.token, user: await userOf(known) };
  };
}
