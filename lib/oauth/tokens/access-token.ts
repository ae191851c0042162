import { type ClaimValue, type CustomClaims, isReservedClaim } from '../claims.ts';
import type { Client } from '../client.ts';
import type { Authorization } from '../grants/grant.ts';
import type { ResourceServer } from '../resource-server.ts';
import { formatScope } from '../scope.ts';
import type { User } from '../user.ts';

/** The claims of an access token: RFC 9068 section 2.2, and `azp`, which services own records by. */
export interface AccessTokenClaims {
  iss: string;
  sub: string;
  aud?: string;
  exp: number;
  iat: number;
  jti: string;
  client_id: string;
  azp: string;
  scope?: string;
  permissions?: readonly string[];
  roles?: readonly string[];
  [custom: string]: ClaimValue | undefined;
}

export interface AccessTokenRequest {
  issuer: string;
  client: Client;
  resourceServer: ResourceServer;
  authorization: Authorization;
  /** Seconds since the epoch. */
  now: number;
  /** Unique for every token. */
  tokenId: string;
}

/** Seconds that the token lives: the resource server's, or less where the client's is shorter. */
export function accessTokenLifetime(client: Client, resourceServer: ResourceServer): number {
  return Math.min(client.accessTokenLifetime ?? Infinity, resourceServer.accessTokenLifetime);
}

export function accessTokenClaims(request: AccessTokenRequest): AccessTokenClaims {
  const { client, resourceServer, authorization, now } = request;
  const { user } = authorization;
  return {
    ...unreserved(client.claims),
    ...unreserved(user?.claims ?? {}),
    iss: request.issuer,
    sub: authorization.subject,
    ...(resourceServer.audienceClaim && { aud: resourceServer.identifier }),
    exp: now + accessTokenLifetime(client, resourceServer),
    iat: now,
    jti: request.tokenId,
    client_id: client.clientId,
    azp: client.clientId,
    ...(authorization.scopes.length > 0 && { scope: formatScope(authorization.scopes) }),
    ...(user && resourceServer.permissionsClaim && peopleClaims(user)),
  };
}

/**
 * RFC 9068 section 2.2.3.1 has `roles`; `permissions` is what existing services read: all that the user has, whatever
 * the client is granted, and whether or not a client can ask for it as a scope.
 */
function peopleClaims({ permissions, roles }: User) {
  return { permissions, ...(roles.length > 0 && { roles }) };
}

function unreserved(claims: CustomClaims): CustomClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !isReservedClaim(name)));
}
