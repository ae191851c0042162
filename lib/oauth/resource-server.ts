/** The algorithms that tokens can be signed with, chosen per resource server. */
export const SIGNING_ALGORITHMS = ['RS256', 'ES256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** RFC 9068 section 2.1 wants `at+jwt`; verifiers that know only JWTs in general want `JWT`. */
export const TOKEN_TYPES = ['at+jwt', 'JWT'] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];

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

/** Whether it is whole seconds, from one to the longest that a token may live. */
export function isAccessTokenLifetime(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST_ACCESS_TOKEN_LIFETIME;
}
