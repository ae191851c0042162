import { expect } from 'vitest';
import type { ClientParty, UserParty } from './parties.ts';
import { type Answer, basic, type Fields, postForm, request } from './requests.ts';
import { sharedStack } from './shared-stack.ts';

export const AUDIENCE = 'https://errors.example';
export const OTHER_AUDIENCE = 'https://other-errors.example';
export const GRANT = 'grant_type=client_credentials';
export const FORM = 'application/x-www-form-urlencoded';

/** Those who send what is refused. */
export interface Cast {
  /** Confidential, by Basic or in the body, with one grant. */
  service: ClientParty;
  /** Confidential, with grants at two resource servers. */
  broker: ClientParty;
  /** Confidential, `client_credentials` alone, by Basic alone. */
  worker: ClientParty;
  disabled: ClientParty;
  app: ClientParty;
  user: UserParty;
}

export let cast: Cast;

/** Registers the cast, once. */
export async function assembleCast(): Promise<void> {
  cast ??= await register();
}

async function register(): Promise<Cast> {
  const { parties } = sharedStack();
  const api = await parties.addResourceServer({
    identifier: AUDIENCE,
    scopes: { read: 'Read', write: 'Write', admin: 'Administer' },
  });
  const other = await parties.addResourceServer({
    identifier: OTHER_AUDIENCE,
    scopes: { 'other:read': 'Read' },
  });
  const both = { grantTypes: ['client_credentials', 'password'], scopes: ['read', 'write'] };
  return {
    service: await parties.addClient({ name: 'service', audiences: [api], ...both }),
    broker: await parties.addClient({ name: 'broker', audiences: [api, other], ...both }),
    worker: await parties.addClient({
      name: 'worker',
      authenticationMethod: 'client_secret_basic',
      grantTypes: ['client_credentials'],
      audiences: [api],
    }),
    disabled: await parties.addDisabledClient({ name: 'disabled', audiences: [api], ...both }),
    app: await parties.addClient({
      name: 'app',
      isPublic: true,
      grantTypes: ['password'],
      audiences: [api],
    }),
    user: await parties.addUser({ username: 'errol', permissions: ['read'] }),
  };
}

export function basicOf({ clientId, clientSecret }: ClientParty) {
  return basic(clientId, clientSecret);
}

export function bodyOf({ clientId, clientSecret }: ClientParty) {
  return { client_id: clientId, client_secret: clientSecret };
}

/** Sends a form to the token endpoint as it is. */
export function post(body: string, headers: Fields = {}, query = ''): Promise<Answer> {
  return request(`/oauth/token${query}`, {
    method: 'POST',
    headers: { 'Content-Type': FORM, ...headers },
    body,
  });
}

/** A login of the public client. */
export function signIn(fields: Fields): Promise<Answer> {
  const client_id = cast.app.clientId;
  return postForm('/oauth/token', { grant_type: 'password', client_id, ...fields });
}

export interface Refusal {
  name: string;
  send: () => Promise<Answer>;
  error: string;
  /** Where it is not the one that belongs to the error. */
  status?: number;
  /** The beginning of WWW-Authenticate; none may come where it is left out. */
  challenge?: string;
}

/** Sends what is refused, and expects the answer of RFC 6749 section 5.2. */
export async function refuses({ send, status, error, challenge }: Refusal): Promise<void> {
  const answer = await send();
  const isUnauthorized = error === 'invalid_client' || error === 'invalid_token';
  expect(answer.status).toBe(status ?? (isUnauthorized ? 401 : 400));
  expect(answer.body).toEqual({
    error,
    error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('pragma')).toBe('no-cache');
  const found = answer.headers.get('www-authenticate');
  if (challenge === undefined) expect(found).toBeNull();
  else expect(found).toContain(challenge);
}
