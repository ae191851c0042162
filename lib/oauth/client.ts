import type { SecretHash } from '../clients/client-secret.ts';
import type { AuthenticationMethod } from './client-authentication.ts';
import type { GrantType } from './grants/grant.ts';
import type { CustomClaims } from './tokens/access-token.ts';

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
