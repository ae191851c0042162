import type { Client } from '../client.ts';
import type { Authorization } from '../grants/grant.ts';
import type { ResourceServer } from '../resource-server.ts';
import { formatScope, parseScope } from '../scope.ts';
import { type AccessTokenClaims, accessTokenClaims, accessTokenLifetime } from './access-token.ts';

/** RFC 6749 section 5.1. */
export interface TokenResponse {
  access_token: string;
  token_type: 'Bearer';
  /** Seconds */
  expires_in: number;
  scope?: string;
}

export interface IssueDependencies {
  issuer: string;
  sign: (
    claims: AccessTokenClaims,
    options: {
      algorithm: ResourceServer['signingAlgorithm'];
      tokenType: ResourceServer['tokenType'];
    },
  ) => Promise<string>;
  /** Seconds since the epoch. */
  now: () => number;
  /** A new identifier that nobody can guess. */
  randomId: () => string;
}

export interface IssueRequest {
  client: Client;
  resourceServer: ResourceServer;
  authorization: Authorization;
  /** The `scope` that was asked for: the answer tells the token's where it differs. */
  requestedScope: string | undefined;
}

/** Makes the access token and the response that carries it. */
export async function issueAccessToken(
  { client, resourceServer, authorization, requestedScope }: IssueRequest,
  { issuer, sign, now, randomId }: IssueDependencies,
): Promise<TokenResponse> {
  const claims = accessTokenClaims({
    issuer,
    client,
    resourceServer,
    authorization,
    now: now(),
    tokenId: randomId(),
  });
  const accessToken = await sign(claims, {
    algorithm: resourceServer.signingAlgorithm,
    tokenType: resourceServer.tokenType,
  });
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: accessTokenLifetime(client, resourceServer),
    ...(!isSameScope(requestedScope, authorization.scopes) && {
      scope: formatScope(authorization.scopes),
    }),
  };
}

/** A token without scopes has nothing to tell: the syntax of section 3.3 knows no empty scope. */
function isSameScope(requested: string | undefined, scopes: readonly string[]): boolean {
  const asked = requested === undefined ? [] : parseScope(requested);
  return asked.length === scopes.length && asked.every((scope) => scopes.includes(scope));
}
