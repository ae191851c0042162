import { type CryptoKey, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessTokenOf, basic, bearer, postForm, request } from './requests.ts';
import { sharedStack } from './shared-stack.ts';

/**
 * The protected API of the demo. `refused` is the status of a token that is not valid: HTTP APIs can only say
 * 403. So does serverless-offline's REST authorizer of type REQUEST, whose event is that of an HTTP API.
 */
const APIS = [
  { name: 'HTTP API', path: '/whoami', refused: 403 },
  { name: 'REST API (TOKEN)', path: '/rest/whoami', refused: 401 },
  { name: 'REST API (REQUEST)', path: '/rest/request/whoami', refused: 403 },
];
const ADMIN_APIS = [
  { name: 'HTTP API', path: '/admin' },
  { name: 'REST API', path: '/rest/admin' },
];

interface Forgery {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: CryptoKey;
}

/** A token that Latchkey would have signed, but for what is changed. */
async function forge({ claims = {}, header = {}, key }: Forgery = {}): Promise<string> {
  const { issuer, keyset, canary } = sharedStack();
  const { kid, privateJwk } = keyset.RS256.current;
  const now = Math.floor(Date.now() / 1000);
  const jwt = new SignJWT({
    iss: issuer,
    sub: 'somebody',
    aud: 'demo',
    iat: now,
    exp: now + 300,
    client_id: 'demo-app',
    scope: 'read:whoami',
    ...claims,
  }).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid, ...header });
  return canary.keep('forged token', await jwt.sign(key ?? privateJwk));
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

const REFUSED = [
  { name: 'what is no token', token: async () => 'garbage' },
  {
    name: 'an expired token',
    token: () => forge({ claims: { exp: Math.floor(Date.now() / 1000) - 60 } }),
  },
  {
    name: 'a token that another key has signed under the name of ours',
    token: async () => {
      const { privateKey } = await generateKeyPair('RS256');
      return forge({ key: privateKey });
    },
  },
  {
    name: 'a token without a signature',
    token: async () => {
      const [, claims] = (await forge()).split('.');
      return `${encode({ alg: 'none', typ: 'at+jwt' })}.${claims}.`;
    },
  },
  { name: 'a token for another audience', token: () => forge({ claims: { aud: 'other' } }) },
  {
    name: 'a token of another issuer',
    token: () => forge({ claims: { iss: 'https://other.example' } }),
  },
  { name: 'a token of another type', token: () => forge({ header: { typ: 'logout+jwt' } }) },
  { name: 'a token with an unknown key', token: () => forge({ header: { kid: 'unknown' } }) },
];

describe('the authorizer', () => {
  let machine: string;
  let person: string;

  beforeAll(async () => {
    const { demo } = sharedStack();
    const { client_id, client_secret } = demo.service;
    const fields = { grant_type: 'client_credentials' };
    machine = accessTokenOf(
      await postForm('/oauth/token', fields, basic(client_id, client_secret)),
    );
    const login = { grant_type: 'password', client_id: demo.app.client_id, ...demo.user };
    person = accessTokenOf(await postForm('/oauth/token', login));
  });

  describe.each(APIS)('in front of an $name', ({ path, refused }) => {
    it('lets a machine through and tells the API who it is', async () => {
      const { status, body } = await request(path, { headers: bearer(machine) });
      expect(status).toBe(200);
      const { client_id } = sharedStack().demo.service;
      expect(body).toMatchObject({ sub: client_id, client_id, scope: 'read:whoami' });
      expect(body).not.toHaveProperty('permissions');
    });

    it('lets a person through and tells the API their permissions', async () => {
      const { status, body } = await request(path, { headers: bearer(person) });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
        client_id: sharedStack().demo.app.client_id,
        scope: 'read:whoami',
        permissions: path === '/whoami' ? ['read:whoami'] : 'read:whoami',
      });
    });

    it('takes the scheme in any case', async () => {
      const headers = { Authorization: `bearer ${machine}` };
      expect((await request(path, { headers })).status).toBe(200);
    });

    it('answers 401 without a token', async () => {
      expect((await request(path)).status).toBe(401);
    });

    it('answers 401 to a token in the query', async () => {
      expect((await request(`${path}?access_token=${machine}`)).status).toBe(401);
    });

    it.each(REFUSED)('refuses $name', async ({ token }) => {
      const answer = await request(path, { headers: bearer(await token()) });
      expect(answer.status).toBe(refused);
      expect(answer.body).not.toHaveProperty('sub');
    });

    it('refuses credentials that are no Bearer token', async () => {
      const { client_id, client_secret } = sharedStack().demo.service;
      const headers = basic(client_id, client_secret);
      expect((await request(path, { headers })).status).toBe(refused);
    });

    it('accepts a token that is like those but right', async () => {
      expect((await request(path, { headers: bearer(await forge()) })).status).toBe(200);
    });
  });

  describe.each(ADMIN_APIS)('in front of a route of an $name with another scope', ({ path }) => {
    it('answers 403 to a token that lacks it', async () => {
      expect((await request(path, { headers: bearer(machine) })).status).toBe(403);
    });

    it('lets a token with it through', async () => {
      const headers = bearer(await forge({ claims: { scope: 'admin:demo' } }));
      expect((await request(path, { headers })).status).toBe(200);
    });

    it('answers 401 without a token', async () => {
      expect((await request(path)).status).toBe(401);
    });
  });
});
