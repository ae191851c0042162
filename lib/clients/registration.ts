import { randomUUID } from 'node:crypto';
import { type CustomClaims, reservedClaimOf } from '../oauth/claims.ts';
import {
  AUTHENTICATION_METHODS,
  type AuthenticationMethod,
  type Client,
  DEFAULT_REFRESH_ABSOLUTE_LIFETIME,
  DEFAULT_REFRESH_IDLE_LIFETIME,
  GRANT_TYPES,
  type GrantType,
} from '../oauth/client.ts';
import {
  isAccessTokenLifetime,
  LONGEST_ACCESS_TOKEN_LIFETIME,
  type ResourceServer,
} from '../oauth/resource-server.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { generateClientSecret, hashClientSecret } from './client-secret.ts';

export interface ClientRegistration {
  name: string;
  /** Random where left out. */
  clientId?: string | undefined;
  grantTypes: readonly string[];
  /** Without a secret, for applications that cannot keep one. */
  isPublic?: boolean | undefined;
  /** Where left out, a confidential client may present its secret in Basic or in the body. */
  authenticationMethod?: string | undefined;
  /** The resource servers that the client is granted scopes at. */
  audiences: readonly ResourceServer[];
  /** Each granted wherever it is defined; where left out, all that the audiences define. */
  scopes?: readonly string[] | undefined;
  claims?: CustomClaims | undefined;
  /** Seconds, each. */
  accessTokenLifetime?: number | undefined;
  refreshIdleLifetime?: number | undefined;
  refreshAbsoluteLifetime?: number | undefined;
}

/**
 * The client that an operator described, and its secret, which exists nowhere else: undefined for a public one.
 *
 * @param now seconds since the epoch
 * @throws {RefusedError}
 */
export function newClient(
  registration: ClientRegistration,
  now: number,
): { client: Client; clientSecret: string | undefined } {
  const clientId = registration.clientId ?? randomUUID();
  // A colon would end the id in Basic; the rest of VSCHAR is fine (RFC 6749 appendix A.1).
  if (!/^[\x21-\x39\x3b-\x7e]{1,256}$/.test(clientId)) {
    throw new RefusedError('a client id is 1 to 256 visible ASCII characters without a colon');
  }
  const { accessTokenLifetime, claims = {} } = registration;
  if (accessTokenLifetime !== undefined && !isAccessTokenLifetime(accessTokenLifetime)) {
    throw new RefusedError(
      `a token lifetime is 1 to ${LONGEST_ACCESS_TOKEN_LIFETIME} whole seconds`,
    );
  }
  const reserved = reservedClaimOf(claims);
  if (reserved !== undefined) throw new RefusedError(`the claim "${reserved}" is reserved`);
  const authenticationMethods = authenticationMethodsOf(registration);
  const grantTypes = grantTypesOf(registration, authenticationMethods);
  const isPublic = authenticationMethods.includes('none');
  const clientSecret = isPublic ? undefined : generateClientSecret();
  const secrets = clientSecret ? [{ hash: hashClientSecret(clientSecret), createdAt: now }] : [];
  const client: Client = {
    clientId,
    name: registration.name,
    grantTypes,
    authenticationMethods,
    secrets,
    grants: grantsOf(registration),
    claims,
    ...(accessTokenLifetime !== undefined && { accessTokenLifetime }),
    ...refreshLifetimesOf(registration),
    disabled: false,
    createdAt: now,
  };
  return { client, clientSecret };
}

function authenticationMethodsOf({
  isPublic,
  authenticationMethod,
}: ClientRegistration): AuthenticationMethod[] {
  if (authenticationMethod === undefined) {
    return isPublic ? ['none'] : ['client_secret_basic', 'client_secret_post'];
  }
  const method = AUTHENTICATION_METHODS.find((known) => known === authenticationMethod);
  if (method === undefined) {
    throw new RefusedError(
      `an authentication method is one of ${AUTHENTICATION_METHODS.join(', ')}`,
    );
  }
  if (isPublic && method !== 'none') {
    throw new RefusedError('a public client has no secret to authenticate with');
  }
  return [method];
}

function grantTypesOf(
  { grantTypes }: ClientRegistration,
  methods: readonly AuthenticationMethod[],
): GrantType[] {
  if (grantTypes.length === 0) throw new RefusedError('a client needs a grant type');
  return [...new Set(grantTypes)].map((name) => {
    const grantType = GRANT_TYPES.find((known) => known === name);
    if (grantType === undefined) {
      throw new RefusedError(`a grant type is one of ${GRANT_TYPES.join(', ')}`);
    }
    if (grantType === 'client_credentials' && methods.includes('none')) {
      throw new RefusedError('a public client cannot use client_credentials: it has none');
    }
    return grantType;
  });
}

function grantsOf({ audiences, scopes }: ClientRegistration): Client['grants'] {
  if (audiences.length === 0) throw new RefusedError('a client needs an audience');
  const unknown = scopes?.find(
    (scope) => !audiences.some((audience) => Object.hasOwn(audience.scopes, scope)),
  );
  if (unknown !== undefined) {
    throw new RefusedError(`no audience of the client defines the scope "${unknown}"`);
  }
  return Object.fromEntries(
    audiences.map(({ identifier, scopes: defined }) => [
      identifier,
      Object.keys(defined).filter((scope) => scopes?.includes(scope) ?? true),
    ]),
  );
}

function refreshLifetimesOf({
  refreshIdleLifetime = DEFAULT_REFRESH_IDLE_LIFETIME,
  refreshAbsoluteLifetime = DEFAULT_REFRESH_ABSOLUTE_LIFETIME,
}: ClientRegistration) {
  for (const seconds of [refreshIdleLifetime, refreshAbsoluteLifetime]) {
    if (!Number.isInteger(seconds) || seconds < 1) {
      throw new RefusedError('a refresh lifetime is a whole number of seconds, one at least');
    }
  }
  return { refreshIdleLifetime, refreshAbsoluteLifetime };
}
