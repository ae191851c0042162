import { calculateJwkThumbprint, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessTokenOf, basic, bearer, type Fields, postForm, request } from './requests.ts';
import { sharedStack } from './shared-stack.ts';

const TOKEN = [
  '/oauth/token',
  '/token',
  '/oauth2/token',
  '/realms/dev/protocol/openid-connect/token',
];
const JWKS = ['/.well-known/jwks.json', '/certs', '/realms/dev/protocol/openid-connect/certs'];
const METADATA = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server/realms/dev',
  '/realms/dev/.well-known/openid-configuration',
];
const DOCUMENTS = [...JWKS, ...METADATA];
const POSTS = [...TOKEN, '/oauth/refresh'];
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

describe.each(TOKEN)('%s', (path) => {
  it('answers with a token that nobody may store', async () => {
    const { client_id, client_secret } = sharedStack().demo.service;
    const fields = { grant_type: 'client_credentials' };
    const answer = await postForm(path, fields, basic(client_id, client_secret));
    expect(accessTokenOf(answer)).toMatch(/^eyJ/);
    expectNoStore(answer.headers);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });
});

describe.each(POSTS)('%s', (path) => {
  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])('refuses %s with 405', async (method) => {
    const answer = await request(path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
    expectNoStore(answer.headers);
    if (method !== 'HEAD') expect(answer.body.error).toBe('invalid_request');
  });

  it('may be called by pages of any origin', async () => {
    await expectPreflight(path, 'POST');
    const answer = await postForm(path, {}, { Origin: 'https://app.example' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expectNoStore(answer.headers);
  });
});

describe.each(DOCUMENTS)('%s', (path) => {
  it('is JSON that anybody may fetch and keep', async () => {
    const { status, headers, body } = await request(path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('cache-control')).toMatch(/^public, max-age=\d+$/);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('etag')).toMatch(/^"[\w-]+"$/);
    expect(body).not.toEqual({});
  });

  it('is answered 304 to who has it already', async () => {
    const etag = (await request(path)).headers.get('etag') ?? '';
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await request(path, { headers: { 'If-None-Match': known } });
      expect(answer.status).toBe(304);
      expect(answer.text).toBe('');
      expect(answer.headers.get('etag')).toBe(etag);
    }
    const other = await request(path, { headers: { 'If-None-Match': '"other"' } });
    expect(other.status).toBe(200);
  });

  it('has the same headers, and no body, for HEAD', async () => {
    const get = await request(path);
    const head = await request(path, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
    for (const name of ['content-type', 'etag', 'cache-control', 'access-control-allow-origin']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
  });

  it('may be fetched by pages of any origin', async () => {
    await expectPreflight(path, 'GET');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('refuses %s with 405', async (method) => {
    const answer = await request(path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect(answer.body.error).toBe('invalid_request');
  });

  it('tells the same whatever host it is asked as', async () => {
    const { port, issuer } = sharedStack();
    const expected = (await request(path)).text;
    expect((await request(`http://127.0.0.1:${port}${path}`)).text).toBe(expected);
    const forwarded = { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' };
    expect((await request(`${issuer}${path}`, { headers: forwarded })).text).toBe(expected);
  });
});

describe('the JWKS', () => {
  let keys: (JWK & { kid: string })[];

  beforeAll(async () => {
    const { body } = await request('/.well-known/jwks.json');
    keys = body.keys as typeof keys;
  });

  it('is the same at every path', async () => {
    for (const path of JWKS) expect((await request(path)).body).toEqual({ keys });
  });

  it('has the current and the next key of each algorithm', () => {
    const { RS256, ES256 } = sharedStack().keyset;
    const expected = [RS256.current, RS256.next, ES256.current, ES256.next];
    const byKid = (one: { kid: string }, other: { kid: string }) => (one.kid < other.kid ? -1 : 1);
    expect(keys.map(({ kid, alg }) => ({ kid, alg })).sort(byKid)).toEqual(
      expected.map(({ kid, algorithm }) => ({ kid, alg: algorithm })).sort(byKid),
    );
  });

  it('has public members alone, for signatures, named by their thumbprints', async () => {
    for (const key of keys) {
      expect(Object.keys(key).filter((member) => PRIVATE_MEMBERS.includes(member))).toEqual([]);
      expect(key.use).toBe('sig');
      expect(key.kid).toBe(await calculateJwkThumbprint(key));
    }
  });
});

describe('the metadata', () => {
  it('is the same at every path, and its issuer is that of the tokens to the byte', async () => {
    const { issuer } = sharedStack();
    for (const path of METADATA) {
      expect((await request(path)).body).toMatchObject({
        issuer,
        token_endpoint: `${issuer}/oauth/token`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        grant_types_supported: ['client_credentials', 'password'],
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256', 'ES256'],
      });
    }
  });
});

describe('everything else', () => {
  it.each(['/nothing', '/oauth', '/oauth/nothing', '/.well-known/nothing', '/realms/dev/nothing'])(
    '%s is answered 404',
    async (path) => {
      expect((await request(path)).status).toBe(404);
      expect((await request(path, { method: 'POST' })).status).toBe(404);
      expect((await request(path, { headers: bearer('garbage') })).status).toBe(404);
    },
  );
});

function expectNoStore(headers: Headers): void {
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('pragma')).toBe('no-cache');
}

/** What a browser needs to hear before it calls. Here serverless-offline answers, in front of the functions. */
async function expectPreflight(path: string, method: string): Promise<void> {
  const preflight: Fields = {
    Origin: 'https://app.example',
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': 'authorization,content-type',
  };
  const { status, headers } = await request(path, { method: 'OPTIONS', headers: preflight });
  expect([200, 204]).toContain(status);
  expect(['*', 'https://app.example']).toContain(headers.get('access-control-allow-origin'));
  expect(headers.get('access-control-allow-methods')).toContain(method);
  expect(headers.get('access-control-allow-headers')).toMatch(/authorization, ?content-type/);
}
