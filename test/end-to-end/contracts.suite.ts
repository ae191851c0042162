import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Handler } from 'express';
import { auth, claimIncludes, requiredScopes } from 'express-oauth2-jwt-bearer';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientParty, UserParty } from './parties.ts';
import {
  type Answer,
  accessTokenOf,
  basic,
  bearer,
  decode,
  postForm,
  postJson,
  request,
} from './requests.ts';
import { sharedStack } from './shared-stack.ts';

const NO_CLIENT: ClientParty = { clientId: '', clientSecret: '' };
const NO_USER: UserParty = { sub: '', username: '', password: '' };

/** One of UCP's services: its routes, each behind the middleware that it has there. */
async function startService(audience: string, routes: Record<string, Handler>) {
  const app = express();
  const issuerBaseURL = sharedStack().issuer;
  for (const [path, guard] of Object.entries(routes)) {
    app.get(
      path,
      auth({ issuerBaseURL, audience, tokenSigningAlg: 'RS256' }),
      guard,
      ({ auth: found }, response) => response.json(found?.payload),
    );
  }
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    call: (path: string, token: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: bearer(token) }),
    close: () => server.close(),
  };
}

describe('UCP (ucw-app)', () => {
  describe('a customer’s server', () => {
    let client = NO_CLIENT;
    let service: Awaited<ReturnType<typeof startService>>;

    beforeAll(async () => {
      const { parties } = sharedStack();
      const widget = await parties.addResourceServer({
        identifier: 'ucp-widget-interactions',
        scopes: { 'read:widget-endpoints': 'Read', 'write:widget-endpoints': 'Write' },
      });
      client = await parties.addClient({
        name: 'a customer of UCP',
        grantTypes: ['client_credentials'],
        audiences: [widget],
      });
      service = await startService('ucp-widget-interactions', {
        '/institutions/cacheList': requiredScopes('read:widget-endpoints'),
        '/admin': requiredScopes('read:everything'),
      });
    });

    afterAll(() => {
      service.close();
    });

    /** Byte for byte what ucw-app sends. */
    const requestToken = () =>
      postJson('/oauth/token', {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        audience: 'ucp-widget-interactions',
        grant_type: 'client_credentials',
      });

    it('gets a token with all that it is granted, and how long it lasts', async () => {
      const answer = await requestToken();
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
      const { claims } = decode(accessTokenOf(answer));
      expect(claims).toMatchObject({
        iss: sharedStack().issuer,
        aud: 'ucp-widget-interactions',
        azp: client.clientId,
        sub: client.clientId,
        scope: 'read:widget-endpoints write:widget-endpoints',
      });
      expect(Number(claims.exp) - Number(claims.iat)).toBe(3600);
    });

    it('is let in where its scope is required, and nowhere else', async () => {
      const token = accessTokenOf(await requestToken());
      const allowed = await service.call('/institutions/cacheList', token);
      expect(allowed.status).toBe(200);
      expect(await allowed.json()).toMatchObject({ azp: client.clientId });
      expect((await service.call('/admin', token)).status).toBe(403);
    });

    it('gets an error that is no token for a wrong secret', async () => {
      const answer = await postJson('/oauth/token', {
        client_id: client.clientId,
        client_secret: 'wrong',
        audience: 'ucp-widget-interactions',
        grant_type: 'client_credentials',
      });
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({
        error: 'invalid_client',
        error_description: 'Client authentication failed',
      });
    });
  });

  describe('a person', () => {
    let client = NO_CLIENT;
    let user = NO_USER;
    let service: Awaited<ReturnType<typeof startService>>;

    beforeAll(async () => {
      const { parties } = sharedStack();
      const hostedApps = await parties.addResourceServer({
        identifier: 'ucp-hosted-apps',
        scopes: {
          'create:keys': 'Create',
          'read:keys': 'Read',
          'delete:keys': 'Delete',
          'rotate:keys': 'Rotate',
        },
        permissionsClaim: true,
      });
      client = await parties.addClient({
        name: 'the hosted apps of UCP',
        isPublic: true,
        grantTypes: ['password'],
        audiences: [hostedApps],
      });
      user = await parties.addUser({
        username: 'Widget.Host@Example.com',
        permissions: [
          'create:keys',
          'read:keys',
          'create:institution',
          'sync:aggregatorInstitutions',
        ],
        roles: ['WidgetHost'],
        claims: { 'ucw/appMetaData': { aggregatorId: 7 }, 'ucw/roles': ['WidgetHost'] },
      });
      service = await startService('ucp-hosted-apps', {
        '/keys': requiredScopes('create:keys'),
        '/institutions': claimIncludes('permissions', 'create:institution'),
        '/rotation': requiredScopes('rotate:keys'),
      });
    });

    afterAll(() => {
      service.close();
    });

    const signIn = (scope: string) =>
      postJson('/oauth/token', {
        username: user.username,
        password: user.password,
        grant_type: 'password',
        scope,
        audience: 'ucp-hosted-apps',
        client_id: client.clientId,
      });

    it('signs in with JSON, and the token tells permissions and the claims of the namespace', async () => {
      const answer = await signIn('create:keys read:keys');
      expect(answer.body).not.toHaveProperty('scope');
      expect(answer.body).not.toHaveProperty('refresh_token');
      expect(decode(accessTokenOf(answer)).claims).toMatchObject({
        sub: user.sub,
        azp: client.clientId,
        aud: 'ucp-hosted-apps',
        scope: 'create:keys read:keys',
        permissions: [
          'create:keys',
          'read:keys',
          'create:institution',
          'sync:aggregatorInstitutions',
        ],
        roles: ['WidgetHost'],
        'ucw/appMetaData': { aggregatorId: 7 },
        'ucw/roles': ['WidgetHost'],
      });
    });

    it('gets the scopes that are theirs of those that were asked for, and is told which', async () => {
      const answer = await signIn('create:keys rotate:keys');
      expect(answer.body).toMatchObject({ scope: 'create:keys' });
      expect(decode(accessTokenOf(answer)).claims).toMatchObject({ scope: 'create:keys' });
    });

    it('is let in by scope and by permission', async () => {
      const token = accessTokenOf(await signIn('create:keys'));
      expect((await service.call('/keys', token)).status).toBe(200);
      expect((await service.call('/institutions', token)).status).toBe(200);
      expect((await service.call('/rotation', token)).status).toBe(403);
    });
  });
});

describe('a password login with the refresh token kept behind', () => {
  let client = NO_CLIENT;
  let user = NO_USER;

  beforeAll(async () => {
    const { parties } = sharedStack();
    const backOffice = await parties.addResourceServer({
      identifier: 'https://back-office.example',
      scopes: { 'read:orders': 'Read', 'write:orders': 'Write' },
      permissionsClaim: true,
    });
    client = await parties.addClient({
      name: 'the back office',
      authenticationMethod: 'client_secret_post',
      grantTypes: ['password', 'client_credentials'],
      audiences: [backOffice],
    });
    user = await parties.addUser({ username: 'clerk', permissions: ['read:orders'] });
  });

  const credentials = () => ({ client_id: client.clientId, client_secret: client.clientSecret });
  const login = () =>
    postForm('/oauth/token', {
      grant_type: 'password',
      username: user.username,
      password: user.password,
      ...credentials(),
    });
  const refresh = (token: string) => postForm('/oauth/refresh', credentials(), bearer(token));

  it('answers a login with an access token and without a refresh token', async () => {
    const answer = await login();
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).sort()).toEqual([
      'access_token',
      'expires_in',
      'scope',
      'token_type',
    ]);
  });

  it('trades the access token for a new one, again and again', async () => {
    const first = accessTokenOf(await login());
    const answer = await refresh(first);
    expect(Object.keys(answer.body).sort()).toEqual(['access_token', 'expires_in', 'token_type']);
    const second = accessTokenOf(answer);
    const third = accessTokenOf(await refresh(second));
    expect(new Set([first, second, third]).size).toBe(3);
    const { exp, iat, jti, ...same } = decode(first).claims;
    expect(decode(third).claims).toMatchObject(same);
    expect(decode(third).claims.jti).not.toBe(jti);
  });

  it('gives ten refreshes of one token at once the identical answer', async () => {
    const token = accessTokenOf(await login());
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it('takes the access token in the body where the header authenticates the client', async () => {
    const { demo } = sharedStack();
    const authorization = basic(demo.service.client_id, demo.service.client_secret);
    const fields = { grant_type: 'password', ...demo.user };
    const token = accessTokenOf(await postForm('/oauth/token', fields, authorization));
    const answer = await postForm('/oauth/refresh', { access_token: token }, authorization);
    expect(decode(accessTokenOf(answer)).claims).toMatchObject({ azp: demo.service.client_id });
  });

  it('refreshes no token that nobody has signed in for', async () => {
    const fields = { grant_type: 'client_credentials', ...credentials() };
    const answer = await refresh(accessTokenOf(await postForm('/oauth/token', fields)));
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('invalid_grant');
  });
});

describe('OCEN', () => {
  let client = NO_CLIENT;

  beforeAll(async () => {
    const { parties } = sharedStack();
    const network = await parties.addResourceServer({
      identifier: 'ocen-network',
      scopes: {},
      tokenType: 'JWT',
    });
    client = await parties.addClient({
      name: 'a participant of OCEN',
      grantTypes: ['client_credentials'],
      audiences: [network],
      claims: { participantId: 'lender-42' },
    });
  });

  const requestToken = (path: string) =>
    postForm(path, {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
    });

  it.each([
    ['/realms/dev/protocol/openid-connect/token', '/realms/dev/protocol/openid-connect/certs'],
    ['/token', '/certs'],
  ])('gets its token at %s and verifies it with the keys at %s', async (tokenPath, certsPath) => {
    const { issuer } = sharedStack();
    const token = accessTokenOf(await requestToken(tokenPath));
    const keys = createRemoteJWKSet(new URL(certsPath, issuer));
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      typ: 'JWT',
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'iat', 'iss', 'sub', 'participantId', 'azp'],
    });
    expect(payload).toMatchObject({ participantId: 'lender-42', azp: client.clientId });
    expect(protectedHeader.kid).toEqual(expect.any(String));
  });

  it('finds the issuer of its tokens in the metadata, of the realm as well', async () => {
    const { issuer } = sharedStack();
    const { claims } = decode(accessTokenOf(await requestToken('/token')));
    for (const path of ['/.well-known', '/realms/dev/.well-known']) {
      const { body } = await request(`${path}/openid-configuration`);
      expect(body.issuer).toBe(issuer);
      expect(claims.iss).toBe(body.issuer);
    }
  });
});

describe('VEDA', () => {
  const scope = 'veda-stac-ingestion-registry-server/stac:register';
  let client = NO_CLIENT;

  beforeAll(async () => {
    const { parties } = sharedStack();
    const registry = await parties.addResourceServer({
      identifier: 'veda-stac-ingestion-registry-server',
      scopes: {
        [scope]: 'Register',
        'veda-stac-ingestion-registry-server/stac:cancel': 'Cancel',
      },
      tokenType: 'JWT',
      audienceClaim: false,
    });
    client = await parties.addClient({
      name: 'the workflows of VEDA',
      authenticationMethod: 'client_secret_basic',
      grantTypes: ['client_credentials'],
      audiences: [registry],
    });
  });

  const requestToken = (): Promise<Answer> =>
    postForm(
      '/oauth2/token',
      { grant_type: 'client_credentials', scope },
      basic(client.clientId, client.clientSecret),
    );

  /** PyJWT's `decode` with RS256 and no audience: it looks `kid` up, and refuses a token that has `aud`. */
  async function decodeAsPyJwt(token: string): Promise<Record<string, unknown>> {
    const { header } = decode(token);
    if (typeof header.kid !== 'string') throw new Error('KeyError: kid');
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', sharedStack().issuer));
    const { payload } = await jwtVerify(token, keys, { algorithms: ['RS256'] });
    if (payload.aud !== undefined) throw new Error('InvalidAudienceError');
    return payload;
  }

  it('gets exactly the three fields that its script takes', async () => {
    const answer = await requestToken();
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).sort()).toEqual(['access_token', 'expires_in', 'token_type']);
    expect(answer.body).toMatchObject({ expires_in: 3600, token_type: 'Bearer' });
  });

  it('gets a token without an audience, which its validators accept', async () => {
    const claims = await decodeAsPyJwt(accessTokenOf(await requestToken()));
    expect(claims).toMatchObject({ iss: sharedStack().issuer, sub: client.clientId, scope });
  });

  it('has validators that refuse a token with an audience', async () => {
    const { service } = sharedStack().demo;
    const authorization = basic(service.client_id, service.client_secret);
    const fields = { grant_type: 'client_credentials' };
    const token = accessTokenOf(await postForm('/oauth2/token', fields, authorization));
    await expect(decodeAsPyJwt(token)).rejects.toThrow('InvalidAudienceError');
  });

  it('is shown an error that it can print', async () => {
    const answer = await postForm(
      '/oauth2/token',
      { grant_type: 'client_credentials', scope: 'veda-stac-ingestion-registry-server/stac:all' },
      basic(client.clientId, client.clientSecret),
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: 'invalid_scope',
      error_description: expect.any(String),
    });
  });
});
