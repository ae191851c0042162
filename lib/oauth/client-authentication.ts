import type { Client } from './client.ts';
import { OAuthError } from './errors.ts';
import { formDecode, type Parameters } from './parameters.ts';

/** What a request presented, before anything of it is believed. */
export type ClientCredentials =
  | { method: 'client_secret_basic' | 'client_secret_post'; clientId: string; clientSecret: string }
  | { method: 'none'; clientId: string };

const FAILED = 'Client authentication failed';

/**
 * Reads the client's credentials: exactly one way of presenting them (RFC 6749 section 2.3).
 *
 * @param authorization the value of the Authorization header; undefined where it serves another purpose
 * @throws {OAuthError} `invalid_request` for two ways at once, `invalid_client` for a malformed or absent one
 */
export function readClientCredentials(
  authorization: string | undefined,
  parameters: Parameters,
): ClientCredentials {
  const clientId = parameters.get('client_id');
  const clientSecret = parameters.get('client_secret');
  if (authorization !== undefined) return readBasic(authorization, clientId, clientSecret);
  if (clientId === undefined) {
    throw new OAuthError('invalid_client', FAILED, { detail: 'no client credentials' });
  }
  if (clientSecret === undefined) return { method: 'none', clientId };
  return { method: 'client_secret_post', clientId, clientSecret };
}

function readBasic(
  authorization: string,
  clientIdParameter: string | undefined,
  clientSecretParameter: string | undefined,
): ClientCredentials {
  const credentials = parseBasic(authorization);
  if (clientSecretParameter !== undefined) {
    throw new OAuthError('invalid_request', 'The client must authenticate in one way only');
  }
  if (clientIdParameter !== undefined && clientIdParameter !== credentials.clientId) {
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
  }
  return credentials;
}

/** RFC 6749 section 2.3.1 over RFC 7617: both halves are form-encoded, then joined with the first colon. */
function parseBasic(authorization: string): ClientCredentials {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const bytes = Buffer.from(encoded ?? '', 'base64');
  if (encoded === undefined || bytes.toString('base64') !== encoded) {
    throw basicFailed('malformed Basic credentials');
  }
  const pair = bytes.toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) throw basicFailed('Basic credentials without a colon');
  try {
    const clientId = formDecode(pair.slice(0, colon));
    const clientSecret = formDecode(pair.slice(colon + 1));
    if (clientId !== '') return { method: 'client_secret_basic', clientId, clientSecret };
  } catch {
    throw basicFailed('Basic credentials are not form-encoded');
  }
  throw basicFailed('Basic credentials without a client_id');
}

export interface ClientAuthenticationOptions {
  /** Compares in constant time, against every live secret, and takes the same path for an unknown client. */
  verifySecret: (client: Client | undefined, secret: string) => boolean;
}

/**
 * The client that the credentials belong to. An unknown client, a disabled one, a wrong secret and a way that is
 * not the client's all look the same from outside.
 *
 * @throws {OAuthError} `invalid_client`, with `WWW-Authenticate` where Basic was tried (RFC 6749 section 5.2)
 */
export function authenticateClient(
  credentials: ClientCredentials,
  client: Client | undefined,
  { verifySecret }: ClientAuthenticationOptions,
): Client {
  const proven = credentials.method === 'none' || verifySecret(client, credentials.clientSecret);
  const refusal = refusalOf(credentials, client, proven);
  if (refusal === undefined && client !== undefined) return client;
  if (credentials.method === 'client_secret_basic') throw basicFailed(refusal);
  throw new OAuthError('invalid_client', FAILED, { ...(refusal && { detail: refusal }) });
}

function refusalOf(
  { method }: ClientCredentials,
  client: Client | undefined,
  proven: boolean,
): string | undefined {
  if (client === undefined) return 'unknown client';
  if (!client.authenticationMethods.includes(method))
    return `${method} is not a way of this client`;
  if (!proven) return 'wrong or expired secret';
  if (client.disabled) return 'disabled client';
  return undefined;
}

function basicFailed(detail: string | undefined): OAuthError {
  return new OAuthError('invalid_client', FAILED, {
    ...(detail && { detail }),
    headers: { 'WWW-Authenticate': 'Basic realm="latchkey", charset="UTF-8"' },
  });
}
