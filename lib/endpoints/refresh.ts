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
import type { Client } from '../oauth/client.ts';
import { type ClientCredentials, readClientCredentials } from '../oauth/client-authentication.ts';
import { OAuthError } from '../oauth/errors.ts';
import { type Parameters, parseParameters } from '../oauth/parameters.ts';
import type { ResourceServer } from '../oauth/resource-server.ts';
import { availableScopes } from '../oauth/scope.ts';
import {
  type IssueDependencies,
  issueAccessToken,
  type TokenResponse,
} from '../oauth/tokens/issue.ts';
import type { User } from '../oauth/user.ts';
import {
  GRACE,
  hashAccessToken,
  type RefreshToken,
  stateOf,
  succeed,
} from '../refresh-tokens/refresh-token.ts';
import type { RefreshTokenStore } from '../refresh-tokens/refresh-token-store.ts';
import type { RevocationStore } from '../refresh-tokens/revocation-store.ts';
import type { Log } from '../runtime/log.ts';
import type { Sealer } from '../sealing/sealed.ts';

export interface RefreshDependencies extends IssueDependencies, AuthenticationDependencies {
  /** The verified client id of an access token of ours, expired or not. Throws `invalid_token`. */
  verify: (accessToken: string) => Promise<{ clientId: string }>;
  findClient: (clientId: string) => Promise<FoundClient>;
  findResourceServer: (identifier: string) => Promise<ResourceServer | undefined>;
  findUser: (sub: string) => Promise<User | undefined>;
  noteSecretUse: NoteSecretUse;
  refreshTokens: RefreshTokenStore;
  revocations: RevocationStore;
  loadSealer: () => Promise<Sealer>;
  log: Log;
}

/**
 * POST /oauth/refresh: an access token in, expired or not, a new one out. The refresh token behind it never
 * leaves the server; it moves to the new access token (RFC 9700 section 4.14.2).
 */
export function createRefreshEndpoint(dependencies: RefreshDependencies): Endpoint {
  return createEndpoint({ methods: ['POST'], origins: anyOrigin }, async (request) => {
    refuseCredentialsInQuery(request.query);
    const parameters = parseParameters(request.headers['content-type'], request.body);
    const { accessToken, authorization } = readAccessToken(request, parameters);
    const { clientId } = await dependencies.verify(accessToken);
    const credentials = readCredentials(clientId, authorization, parameters);

    const [client, refreshToken] = await Promise.all([
      authenticate(dependencies, credentials),
      dependencies.refreshTokens.find(hashAccessToken(accessToken)),
    ]);
    const noted = dependencies.noteSecretUse(client, credentials);
    try {
      if (refreshToken === undefined) throw refused('no refresh token behind the access token');
      if (refreshToken.clientId !== client.clientId) throw refused('another client');
      return await refresh(dependencies, client, refreshToken);
    } finally {
      await noted;
    }
  });
}

/** RFC 6750 sections 2.1 and 2.2: in the header, or in the body where the header authenticates the client. */
function readAccessToken({ headers }: HttpRequest, parameters: Parameters) {
  const { authorization } = headers;
  const inBody = parameters.get('access_token');
  const inHeader = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (inHeader !== undefined && inBody !== undefined) {
    throw new OAuthError('invalid_request', 'The access token must be sent in one way only');
  }
  const accessToken = inHeader ?? inBody;
  if (accessToken === undefined) {
    throw new OAuthError('invalid_token', 'The request has no access token', {
      headers: { 'WWW-Authenticate': 'Bearer realm="latchkey"' },
    });
  }
  return { accessToken, authorization: inHeader === undefined ? authorization : undefined };
}

/** A confidential client authenticates, a public one is named by its token. */
function readCredentials(
  clientId: string,
  authorization: string | undefined,
  parameters: Parameters,
): ClientCredentials {
  const isNamed = authorization !== undefined || parameters.has('client_id');
  const credentials: ClientCredentials = isNamed
    ? readClientCredentials(authorization, parameters)
    : { method: 'none', clientId };
  if (credentials.clientId !== clientId) throw refused('the token is of another client');
  return credentials;
}

async function authenticate(
  dependencies: RefreshDependencies,
  credentials: ClientCredentials,
): Promise<Client> {
  const found = await dependencies.findClient(credentials.clientId);
  return authenticateFoundClient(credentials, found, dependencies);
}

async function refresh(
  dependencies: RefreshDependencies,
  client: Client,
  refreshToken: RefreshToken,
): Promise<HttpResponse> {
  const { revocations, findUser, findResourceServer, now } = dependencies;
  const [isRevoked, user, resourceServer] = await Promise.all([
    revocations.isFamilyRevoked(refreshToken.familyId),
    findUser(refreshToken.sub),
    findResourceServer(refreshToken.audience),
  ]);
  if (isRevoked) throw refused('the family is revoked');
  if (user === undefined || user.disabled) throw refused('the user was removed or disabled');
  if (refreshToken.passwordGeneration < user.passwordGeneration) {
    throw refused('the password was changed');
  }
  const granted = client.grants[refreshToken.audience];
  if (resourceServer === undefined || granted === undefined) {
    throw refused('the client has no grant for the resource server any more');
  }

  const answered = await settled(dependencies, refreshToken);
  if (answered !== undefined) return answered;

  const available = availableScopes({
    defined: Object.keys(resourceServer.scopes),
    granted,
    permitted: user.permissions,
  });
  const scopes = refreshToken.scopes.filter((scope) => available.includes(scope));
  if (scopes.length === 0 && refreshToken.scopes.length > 0) throw refused('no scope is left');
  const response = await issueAccessToken(
    {
      client,
      resourceServer,
      authorization: { subject: user.sub, scopes, user },
      requestedScope: refreshToken.scopes.join(' ') || undefined,
    },
    dependencies,
  );
  const accessTokenHash = hashAccessToken(response.access_token);
  const successor = succeed(refreshToken, { accessTokenHash, scopes }, client, now());
  return move(dependencies, refreshToken, successor, response);
}

/**
 * The new token's record first, then the claim on the old one: after a crash in between, the old token is as
 * good as before, and the record that nobody knows of is removed when its family ends.
 */
async function move(
  dependencies: RefreshDependencies,
  predecessor: RefreshToken,
  successor: RefreshToken,
  response: TokenResponse,
): Promise<HttpResponse> {
  const { refreshTokens, loadSealer, now, log } = dependencies;
  const body = JSON.stringify(response);
  const sealer = await loadSealer();
  const [answer] = await Promise.all([
    sealer.seal(body, predecessor.accessTokenHash),
    refreshTokens.add(successor),
  ]);
  const at = now();
  const claim = await refreshTokens.claim(predecessor.accessTokenHash, {
    successor: successor.accessTokenHash,
    at,
    graceUntil: at + GRACE,
    answer,
  });
  if (claim.outcome === 'claimed') {
    log.info('token refreshed', { client_id: predecessor.clientId, sub: predecessor.sub });
    return jsonResponse(200, response, NO_STORE);
  }
  await refreshTokens.discard(successor.accessTokenHash);
  if (claim.found === undefined) throw refused('the refresh token is gone');
  const answered = await settled(dependencies, claim.found);
  if (answered === undefined) throw refused('the refresh token expired');
  return answered;
}

/** What there is to say of a token that is not simply usable; undefined where it is. */
async function settled(
  { loadSealer, revocations, now, log }: RefreshDependencies,
  refreshToken: RefreshToken,
): Promise<HttpResponse | undefined> {
  const state = stateOf(refreshToken, now());
  switch (state.state) {
    case 'usable':
      return undefined;
    case 'expired':
      throw refused('the refresh token expired');
    case 'repeated': {
      const sealer = await loadSealer();
      const body = await sealer.open(state.answer, refreshToken.accessTokenHash);
      return jsonResponse(200, JSON.parse(body), NO_STORE);
    }
    case 'reused':
      await revocations.revokeFamily(
        refreshToken.familyId,
        'reuse of a refresh token',
        refreshToken.familyEndsAt,
      );
      log.warn('refresh token reused: family revoked', {
        audit: true,
        family_id: refreshToken.familyId,
        client_id: refreshToken.clientId,
        sub: refreshToken.sub,
      });
      throw refused('reuse of a refresh token');
  }
}

function refused(detail: string): OAuthError {
  return new OAuthError('invalid_grant', 'The access token cannot be refreshed', { detail });
}
