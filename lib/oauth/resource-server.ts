import type { SigningAlgorithm, TokenType } from './tokens/access-token.ts';

/** An API that tokens are for (RFC 6749 section 1.1). */
export interface ResourceServer {
  /** What a request names as `audience` and what the token's `aud` is. */
  identifier: string;
  /** Scope -> what it allows, in words. */
  scopes: Readonly<Record<string, string>>;
  /** Seconds that a token lives. */
  accessTokenLifetime: number;
  signingAlgorithm: SigningAlgorithm;
  tokenType: TokenType;
  /** Whether tokens name the resource server in `aud`; some verifiers refuse a token that does. */
  audienceClaim: boolean;
  /** Whether tokens of people carry their `permissions` and `roles`. */
  permissionsClaim: boolean;
  /** Seconds since the epoch. */
  createdAt: number;
}

export const DEFAULT_ACCESS_TOKEN_LIFETIME = 3600;
/** Seconds. The longest that a retired key has to stay public follows from it. */
export const LONGEST_ACCESS_TOKEN_LIFETIME = 24 * 3600;
