import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISSUER, startLatchkey, type TestLatchkey, type TestRequest } from '../support/latchkey.ts';

let latchkey: TestLatchkey;
let secret: string;
let publicId: string;
const PASSWORD = 'correct horse battery';

beforeAll(async () => {
  latchkey = await startLatchkey();
  await latchkey.createKeys();
  const api = await latchkey.addResourceServer({
    identifier: 'api',
    scopes: { read: 'Read', write: 'Write', admin: 'Administer' },
    permissionsClaim: true,
  });
  const other = await latchkey.addResourceServer({
    identifier: 'https://other.example.com/',
    scopes: { 'other:read': 'Read' },
    accessTokenLifetime: 60,
    signingAlgorithm: 'ES256',
    tokenType: 'JWT',
    audienceClaim: false,
  });
  const added = await latchkey.addClient({
    name: 'Machine',
    clientId: 'machine',
    grantTypes: ['client_credentials', 'password'],
    audiences: [api],
    scopes: ['read', 'write'],
    claims: { participantId: 'P-1', 'https://example.com/nested': { a: [1, true, null] } },
  });
  secret = added.clientSecret;
  const both = await latchkey.addClient({
    name: 'Both',
    clientId: 'both',
    grantTypes: ['client_credentials'],
    audiences: [api, other],
    accessTokenLifetime: 120,
  });
  secrets.both = both.clientSecret;
  const app = await latchkey.addClient({
    name: 'App',
    grantTypes: ['password'],
    isPublic: true,
    audiences: [api],
  });
  publicId = app.client.clientId;
  await latchkey.addUser({
    username: 'Ada@Example.com',
    password: PASSWORD,
    permissions: ['read', 'create:institution'],
    roles: ['WidgetHost'],
    claims: { 'ucw/appMetaData': { aggregatorId: 7 } },
  });
});
afterAll(() => latchkey.close());

const secrets: Record<string, string> = {};
const machine = () => ({ client_id: 'machine', client_secret: secret });
const machineToken = (body: Record<string, string> = {}, request: TestRequest = {}) =>
  latchkey.token({ grant_type: 'client_credentials', ...machine(), ...body }, request);
const login = (body: Record<string, string> = {}, request: TestRequest = {}) =>
  latchkey.token(
    {
      grant_type: 'password',
      client_id: publicId,
      username: 'ada@example.com',
      password: PASSWORD,
      ...body,
    },
    request,
  );

describe('a token of a machine', () => {
  it('has the header and claims of RFC 9068, azp, and the claims of its client', async () => {
    const { status, json, headers } = await machineToken();
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read write',
    });
    expect(headers).toMatchObject({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    const claims = decodeJwt(json.access_token);
    expect(claims).toEqual({
      iss: ISSUER,
      sub: 'machine',
      aud: 'api',
      exp: (claims.iat ?? 0) + 3600,
      iat: expect.any(Number),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id: 'machine',
      azp: 'machine',
      scope: 'read write',
      participantId: 'P-1',
      'https://example.com/nested': { a: [1, true, null] },
    });
    expect(decodeProtectedHeader(json.access_token)).toEqual({
      alg: 'RS256',
      typ: 'at+jwt',
      kid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    });
  });

  it('verifies with the JWKS, whatever the algorithm', async () => {
    const { json: jwks } = await latchkey.call('jwks', { method: 'GET' });
    const tokens = [
      await machineToken(),
      await machineToken({
        client_id: 'both',
        client_secret: secrets.both ?? '',
        audience: 'https://other.example.com/',
      }),
    ];
    for (const { json } of tokens) {
      const { kid, alg } = decodeProtectedHeader(json.access_token);
      const jwk = jwks.keys.find((key: { kid: string }) => key.kid === kid);
      await compactVerify(json.access_token, await importJWK(jwk, alg));
    }
    expect(tokens.map(({ json }) => decodeProtectedHeader(json.access_token).alg)).toEqual([
      'RS256',
      'ES256',
    ]);
  });

  it('is what its resource server wants: type, algorithm, no aud, its lifetime', async () => {
    const { json } = await machineToken({
      client_id: 'both',
      client_secret: secrets.both ?? '',
      resource: 'https://other.example.com/',
    });
    expect(json.expires_in).toBe(60);
    expect(decodeProtectedHeader(json.access_token)).toMatchObject({ alg: 'ES256', typ: 'JWT' });
    expect(decodeJwt(json.access_token)).not.toHaveProperty('aud');
  });

  it('lives shorter where the client says so', async () => {
    const { json } = await machineToken({
      client_id: 'both',
      client_secret: secrets.both ?? '',
      audience: 'api',
    });
    expect(json.expires_in).toBe(120);
  });

  it('leaves out the scope of the answer where it is the one asked for, in whatever order', async () => {
    expect((await machineToken({ scope: 'write read' })).json).not.toHaveProperty('scope');
    expect((await machineToken({ scope: 'write' })).json).not.toHaveProperty('scope');
  });

  it('comes from JSON as from a form, with Basic as with a body', async () => {
    const json = JSON.stringify({
      grant_type: 'client_credentials',
      ...machine(),
      audience: 'api',
    });
    const fromJson = { body: json, headers: { 'content-type': 'application/json' } };
    expect((await latchkey.call('token', fromJson)).status).toBe(200);
    const basic = Buffer.from(`machine:${secret}`).toString('base64');
    const withBasic = { headers: { Authorization: `Basic ${basic}` } };
    expect((await latchkey.token({ grant_type: 'client_credentials' }, withBasic)).status).toBe(
      200,
    );
  });

  it('comes from a body that the gateway encoded', async () => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...machine() }).toString();
    const request = {
      body: Buffer.from(form).toString('base64'),
      isBase64Encoded: true,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    expect((await latchkey.call('token', request)).status).toBe(200);
  });
});

describe('a token of a person', () => {
  it('has what the client is granted and the user may have, and what is known of the user', async () => {
    const { status, json } = await login();
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read',
    });
    expect(decodeJwt(json.access_token)).toMatchObject({
      sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id: publicId,
      azp: publicId,
      scope: 'read',
      permissions: ['read', 'create:institution'],
      roles: ['WidgetHost'],
      'ucw/appMetaData': { aggregatorId: 7 },
    });
  });

  it('tells of a scope that the user may not have by leaving it out', async () => {
    const { json } = await login({ scope: 'read admin' });
    expect(json.scope).toBe('read');
  });

  it('is for a confidential client too, which authenticates', async () => {
    expect((await login(machine())).status).toBe(200);
    expect((await login({ client_id: 'machine' })).json.error).toBe('invalid_client');
  });

  it.each([
    { name: 'a wrong password', body: { password: 'wrong horse battery' } },
    { name: 'an unknown user', body: { username: 'nobody' } },
    { name: 'a username as long as a body may hold', body: { username: 'x'.repeat(8000) } },
  ])('is not given for $name, all with one answer', async ({ body }) => {
    const { status, json } = await login(body);
    expect(status).toBe(400);
    expect(json).toEqual({
      error: 'invalid_grant',
      error_description: 'The username or password is wrong',
    });
  });
});

describe('the address that guessing is slowed by', () => {
  const wrong = (clientId: object, forwardedFor: string, sourceIp: string) =>
    login(
      { ...clientId, username: 'victim', password: 'a wrong password' },
      { headers: { 'Auth0-Forwarded-For': forwardedFor }, sourceIp },
    );
  const attempts = async (attempt: (n: number) => Promise<{ status: number }>) => {
    const statuses = [];
    for (let n = 0; n < 11; n += 1) statuses.push((await attempt(n)).status);
    return statuses.at(-1);
  };

  it('is what a confidential client says it is', async () => {
    expect(await attempts((n) => wrong(machine(), `192.0.2.${n}`, '198.51.100.1'))).toBe(400);
  });

  it('is the one that the gateway saw, where a public client says another', async () => {
    expect(await attempts((n) => wrong({}, `192.0.2.${n}`, '198.51.100.2'))).toBe(429);
  });

  it('is the one that the gateway saw, where a confidential client says nothing that is one', async () => {
    expect(await attempts((n) => wrong(machine(), `junk${n}`, '198.51.100.3'))).toBe(429);
  });
});

describe('the token endpoint refuses', () => {
  it.each<{ name: string; body: Record<string, string>; error: string; status?: number }>([
    { name: 'a request without a grant type', body: { grant_type: '' }, error: 'invalid_request' },
    {
      name: 'an unknown grant type',
      body: { grant_type: 'implicit' },
      error: 'unsupported_grant_type',
    },
    {
      name: 'the refresh_token grant: no such token is ever given out',
      body: { grant_type: 'refresh_token', refresh_token: 'x' },
      error: 'unsupported_grant_type',
    },
    {
      name: 'a wrong secret',
      body: { client_secret: 'wrong' },
      error: 'invalid_client',
      status: 401,
    },
    {
      name: 'an unknown client',
      body: { client_id: 'nobody' },
      error: 'invalid_client',
      status: 401,
    },
    {
      name: 'a client id as long as a body may hold',
      body: { client_id: 'x'.repeat(8000) },
      error: 'invalid_client',
      status: 401,
    },
    {
      name: 'a confidential client without its secret',
      body: { client_secret: '' },
      error: 'invalid_client',
      status: 401,
    },
    { name: 'an unknown audience', body: { audience: 'nowhere' }, error: 'invalid_target' },
    {
      name: 'an audience as long as a body may hold',
      body: { audience: 'x'.repeat(8000) },
      error: 'invalid_target',
    },
    {
      name: 'an audience that is not granted',
      body: { audience: 'https://other.example.com/' },
      error: 'invalid_target',
    },
    {
      name: 'an audience and another resource',
      body: { audience: 'api', resource: 'other' },
      error: 'invalid_target',
    },
    { name: 'an unknown scope', body: { scope: 'read nothing' }, error: 'invalid_scope' },
    { name: 'a scope that is not granted', body: { scope: 'admin' }, error: 'invalid_scope' },
    { name: 'a malformed scope', body: { scope: 'a  b' }, error: 'invalid_scope' },
    {
      name: 'a password grant without a username',
      body: { grant_type: 'password', password: 'x' },
      error: 'invalid_request',
    },
  ])('$name', async ({ body, error, status = 400 }) => {
    const response = await machineToken(body);
    expect(response.json).toEqual({ error, error_description: expect.any(String) });
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  });

  it('an audience that is left out where there are several', async () => {
    const { json } = await machineToken({ client_id: 'both', client_secret: secrets.both ?? '' });
    expect(json.error).toBe('invalid_target');
  });

  it('a grant type that the client is not registered for', async () => {
    const { json } = await machineToken({
      client_id: 'both',
      client_secret: secrets.both ?? '',
      grant_type: 'password',
    });
    expect(json.error).toBe('unauthorized_client');
  });

  it('client_credentials of a public client', async () => {
    const { json } = await latchkey.token({
      grant_type: 'client_credentials',
      client_id: publicId,
    });
    expect(json.error).toBe('unauthorized_client');
  });

  it('Basic that fails, with a challenge', async () => {
    const headers = { authorization: `Basic ${Buffer.from('machine:wrong').toString('base64')}` };
    const response = await latchkey.token({ grant_type: 'client_credentials' }, { headers });
    expect(response.status).toBe(401);
    expect(response.headers['WWW-Authenticate']).toMatch(/^Basic realm=/);
  });

  it.each([
    {
      name: 'a body above 16 KB',
      request: { body: { grant_type: 'x'.repeat(17_000) } },
      status: 413,
    },
    {
      name: 'a body that is not base64',
      request: { body: 'a*b', isBase64Encoded: true },
      status: 400,
    },
    {
      name: 'a body that is not UTF-8',
      request: { body: '/w==', isBase64Encoded: true },
      status: 400,
    },
    { name: 'an empty body', request: { body: '' }, status: 400 },
    {
      name: 'a secret in the query string',
      request: { query: 'client_secret=x', body: {} },
      status: 400,
    },
    {
      name: 'a password in the query string',
      request: { query: 'a=b&Password=x', body: {} },
      status: 400,
    },
    {
      name: 'another content type',
      request: { body: 'x', headers: { 'content-type': 'text/plain' } },
      status: 400,
    },
  ])('$name', async ({ request, status }) => {
    const response = await latchkey.call('token', request);
    expect(response.status).toBe(status);
    expect(response.json.error).toBe('invalid_request');
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'])(
    '%s, and says what it takes',
    async (method) => {
      const { status, headers } = await latchkey.call('token', { method });
      expect(status).toBe(405);
      expect(headers.Allow).toBe('POST, OPTIONS');
    },
  );
});

describe('the token endpoint', () => {
  it('answers the preflight of a browser', async () => {
    const { status, headers } = await latchkey.call('token', { method: 'OPTIONS' });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'POST, OPTIONS',
    });
  });

  it('gives a disabled client nothing', async () => {
    const api = await latchkey.stores.resourceServers.find('api');
    const { client, clientSecret } = await latchkey.addClient({
      name: 'Disabled',
      grantTypes: ['client_credentials'],
      audiences: api ? [api] : [],
    });
    await latchkey.stores.clients.setDisabled(client.clientId, true);
    const { json } = await machineToken({
      client_id: client.clientId,
      client_secret: clientSecret,
    });
    expect(json.error).toBe('invalid_client');
  });

  it('never lets a claim of a client or a user take the place of one of its own', async () => {
    const api = await latchkey.stores.resourceServers.find('api');
    await expect(
      latchkey.addClient({
        name: 'Impostor',
        grantTypes: ['client_credentials'],
        audiences: api ? [api] : [],
        claims: { sub: 'somebody else' },
      }),
    ).rejects.toThrow(/reserved/);
  });
});
