import { isIP } from 'node:net';
import {
  type AuthenticationDependencies,
  authenticateFoundClient,
  type FoundClient,
} from '../clients/authentication.ts';
import type { NoteSecretUse } from '../clients/secret-uses.ts';
import { createEndpoint, type Endpoint } from '../http/endpoint.ts';
import { anyOrigin } from '../http/origins.ts';
import { refuseCredentialsInQuery } from '../http/query.ts';
import type { HttpRequest } from '../http/request.ts';
import { type HttpResponse, jsonResponse, NO_STORE } from '../http/response.ts';
import { requestedAudience, selectAudience } from '../oauth/audience.ts';
import { type Client, GRANT_TYPES, type GrantType, isPublicClient } from '../oauth/client.ts';
import { type ClientCredentials, readClientCredentials } from '../oauth/client-authentication.ts';
import { OAuthError } from '../oauth/errors.ts';
import type { Grant } from '../oauth/grants/grant.ts';
import { type Parameters, parseParameters } from '../oauth/parameters.ts';
import type { ResourceServer } from '../oauth/resource-server.ts';
import {
  type IssueDependencies,
  issueAccessToken,
  type TokenResponse,
} from '../oauth/tokens/issue.ts';
import {
  hashAccessToken,
  type RefreshToken,
  startFamily,
} from '../refresh-tokens/refresh-token.ts';
import type { RefreshTokenStore } from '../refresh-tokens/refresh-token-store.ts';
import type { Log } from '../runtime/log.ts';

export interface TokenDependencies extends IssueDependencies, AuthenticationDependencies {
  findClient: (clientId: string) => Promise<FoundClient>;
  findResourceServer: (identifier: string) => Promise<ResourceServer | undefined>;
  /** Starts whatever a signature will need, so that it is loaded beside the rest. Failures show when signing. */
  prepareToSign: () => void;
  noteSecretUse: NoteSecretUse;
  grants: Record<GrantType, Grant>;
  refreshTokens: Pick<RefreshTokenStore, 'add'>;
  log: Log;
}

/** POST /oauth/token (RFC 6749 section 3.2). */
export function createTokenEndpoint(dependencies: TokenDependencies): Endpoint {
  return createEndpoint({ methods: ['POST'], origins: anyOrigin }, async (request) => {
    refuseCredentialsInQuery(request.query);
    const parameters = parseParameters(request.headers['content-type'], request.body);
    const grantType = readGrantType(parameters);
    const credentials = readClientCredentials(request.headers.authorization, parameters);
    const audience = requestedAudience(parameters);

    dependencies.prepareToSign();
    const [found, named] = await Promise.all([
      dependencies.findClient(credentials.clientId),
      audience === undefined ? undefined : dependencies.findResourceServer(audience),
    ]);
    const client = await authenticateFoundClient(credentials, found, dependencies);
    const noted = dependencies.noteSecretUse(client, credentials);
    try {
      assertMayUse(client, grantType, credentials);
      return await grantToken(dependencies, request, {
        client,
        grantType,
        parameters,
        audience,
        named,
      });
    } finally {
      await noted;
    }
  });
}

interface TokenRequest {
  /** Authenticated. */
  client: Client;
  grantType: GrantType;
  parameters: Parameters;
  /** What the request names; undefined where it names nothing. */
  audience: string | undefined;
  /** The resource server that the request names, looked for; undefined where it names none or that is unknown. */
  named: ResourceServer | undefined;
}

async function grantToken(
  dependencies: TokenDependencies,
  request: HttpRequest,
  { client, grantType, parameters, audience, named }: TokenRequest,
): Promise<HttpResponse> {
  const identifier = selectAudience(audience, Object.keys(client.grants));
  const resourceServer =
    audience === undefined ? await dependencies.findResourceServer(identifier) : named;
  if (resourceServer === undefined) {
    throw new OAuthError('invalid_target', 'The audience is unknown or not granted', {
      detail: 'the client has a grant for a resource server that was removed',
    });
  }

  const authorization = await dependencies.grants[grantType]({
    client,
    resourceServer,
    parameters,
    source: sourceOf(request, client),
  });
  const response = await issueAccessToken(
    { client, resourceServer, authorization, requestedScope: parameters.get('scope') },
    dependencies,
  );
  if (authorization.user !== undefined) {
    await keepRefreshToken(dependencies, response, client, {
      sub: authorization.subject,
      passwordGeneration: authorization.user.passwordGeneration,
      audience: identifier,
      scopes: authorization.scopes,
    });
  }
  dependencies.log.info('token issued', {
    grant_type: grantType,
    client_id: client.clientId,
    audience: identifier,
    sub: authorization.subject,
  });
  return jsonResponse(200, response, NO_STORE);
}

function readGrantType(parameters: Parameters): GrantType {
  const requested = parameters.require('grant_type');
  const grantType = GRANT_TYPES.find((known) => known === requested);
  if (grantType !== undefined) return grantType;
  throw new OAuthError('unsupported_grant_type', 'The grant type is not supported');
}

/** RFC 6749 section 4.4: the client_credentials grant is for confidential clients only. */
function assertMayUse(client: Client, grantType: GrantType, { method }: ClientCredentials): void {
  const isRegistered = client.grantTypes.includes(grantType);
  if (isRegistered && !(grantType === 'client_credentials' && method === 'none')) return;
  throw new OAuthError('unauthorized_client', 'The client may not use this grant type');
}

/**
 * Where a sign-in comes from. A confidential client that signs its users in from its own server tells their
 * address with Auth0's header; nobody else is believed.
 */
function sourceOf({ headers, sourceIp }: HttpRequest, client: Client): string {
  const forwardedFor = headers['auth0-forwarded-for']?.trim() ?? '';
  return isIP(forwardedFor) !== 0 && !isPublicClient(client) ? forwardedFor : sourceIp;
}

/** The refresh token is kept under the access token before anybody learns of that: no answer, no session. */
async function keepRefreshToken(
  { refreshTokens, now, randomId }: TokenDependencies,
  response: TokenResponse,
  client: Client,
  login: Pick<RefreshToken, 'sub' | 'passwordGeneration' | 'audience' | 'scopes'>,
): Promise<void> {
  await refreshTokens.add(
    startFamily({
      accessTokenHash: hashAccessToken(response.access_token),
      familyId: randomId(),
      clientId: client.clientId,
      ...login,
      refreshIdleLifetime: client.refreshIdleLifetime,
      refreshAbsoluteLifetime: client.refreshAbsoluteLifetime,
      now: now(),
    }),
  );
}
