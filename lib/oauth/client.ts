import type { CustomClaims } from './claims.ts';

/** How a client may prove who it is (OIDC Core section 9, RFC 7591 section 2). */
export const AUTHENTICATION_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'none',
] as const;
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number];

/** RFC 6749 sections 4.4 and 4.3. */
export const GRANT_TYPES = ['client_credentials', 'password'] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

declare const hashed: unique symbol;
/** The SHA-256 of a client secret, base64url. A secret has 256 random bits: nothing slower is needed. */
export type SecretHash = string & { readonly [hashed]: true };

/** A party that may ask for tokens (RFC 6749 section 2). Times are seconds since the epoch. */
export interface Client {
  clientId: string;
  name: string;
  grantTypes: readonly GrantType[];
  /** `none` alone makes the client public. */
  authenticationMethods: readonly AuthenticationMethod[];
  /** Oldest first. Two of them live while one overlaps the other. */
  secrets: readonly ClientSecret[];
  /** When each was last used, to the hour: id of the secret -> seconds. Absent in records of old. */
  secretUses?: Readonly<Record<string, number>>;
  /** The secret of Secrets Manager that holds the client's secret, where one does and rotates it. */
  secretName?: string;
  /** What the client is granted: resource server identifier -> scopes. */
  grants: Readonly<Record<string, readonly string[]>>;
  /** Static claims of every token of this client. */
  claims: CustomClaims;
  /** Seconds; undefined leaves it to the resource server. It can only shorten. */
  accessTokenLifetime?: number;
  /** Seconds that a session may lie unused before it can no longer be refreshed. */
  refreshIdleLifetime: number;
  /** Seconds after the login at which refreshing ends however busy the session is. */
  refreshAbsoluteLifetime: number;
  disabled: boolean;
  createdAt: number;
}

export interface ClientSecret {
  hash: SecretHash;
  createdAt: number;
  /** Seconds since the epoch; undefined for a secret that nothing is about to replace. */
  expiresAt?: number;
}

export const DEFAULT_REFRESH_IDLE_LIFETIME = 14 * 24 * 3600;
export const DEFAULT_REFRESH_ABSOLUTE_LIFETIME = 90 * 24 * 3600;

export function isPublicClient(client: Client): boolean {
  return client.authenticationMethods.includes('none');
}
