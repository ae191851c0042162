import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResourceServer } from '../../lib/oauth/resource-server.ts';
import { accessTokenOf, basic, bearer, decode, postForm } from './requests.ts';
import { sharedStack } from './shared-stack.ts';

/** Verifies a token for an audience, knowing nothing but the issuer. Rejects where it is not valid. */
type Verifier = (token: string, audience: string, algorithm: string) => Promise<unknown>;

interface Metadata {
  issuer: string;
  jwks_uri: string;
}

async function discover(): Promise<Metadata> {
  const response = await fetch(`${sharedStack().issuer}/.well-known/openid-configuration`);
  return (await response.json()) as Metadata;
}

const withJose: Verifier = async (token, audience, algorithm) => {
  const { issuer, jwks_uri } = await discover();
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  return jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: [algorithm] });
};

/** It has no discovery, and its own fetcher is `node:https` alone: both are given to it. */
const withAwsJwtVerify: Verifier = async (token, audience) => {
  const { issuer, jwks_uri } = await discover();
  const fetcher = { fetch: async (uri: string) => (await fetch(uri)).arrayBuffer() };
  const verifier = JwtVerifier.create(
    { issuer, audience, jwksUri: jwks_uri },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  );
  return verifier.verify(token);
};

/** RFC 9068 section 4 to the letter. */
const withOauth4webapi: Verifier = async (token, audience, algorithm) => {
  const issuer = new URL(sharedStack().issuer);
  const options = { [oauth.allowInsecureRequests]: true };
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options });
  const server = await oauth.processDiscoveryResponse(issuer, response);
  const request = new Request('http://api.example/', { headers: bearer(token) });
  return oauth.validateJwtAccessToken(server, request, audience, {
    ...options,
    signingAlgorithms: [algorithm],
  });
};

/** An API in Express, asked over HTTP. */
function withExpress({ strict }: { strict: boolean }): Verifier {
  return async (token, audience, algorithm) => {
    const app = express();
    const issuerBaseURL = sharedStack().issuer;
    app.get(
      '/books',
      auth({ issuerBaseURL, audience, tokenSigningAlg: algorithm, strict }),
      requiredScopes('read:books'),
      ({ auth: found }, response) => response.json(found?.payload),
    );
    const server = await listen(createServer(app));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/books`;
      const response = await fetch(url, { headers: bearer(token) });
      if (response.status === 200) return await response.json();
      throw new Error(`${response.status} ${response.headers.get('www-authenticate')}`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  };
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const VERIFIERS = [
  { name: 'jose', verify: withJose },
  { name: 'aws-jwt-verify', verify: withAwsJwtVerify },
  { name: 'oauth4webapi', verify: withOauth4webapi },
  { name: 'express-oauth2-jwt-bearer', verify: withExpress({ strict: false }) },
  { name: 'express-oauth2-jwt-bearer, strict,', verify: withExpress({ strict: true }) },
];

const LOCAL = [
  { algorithm: 'RS256', audience: 'https://rsa.library.example' },
  { algorithm: 'ES256', audience: 'https://elliptic.library.example' },
];

describe.each(LOCAL)('verifiers of $algorithm tokens, by discovery', ({ algorithm, audience }) => {
  let token: string;
  let untyped: string;

  beforeAll(async () => {
    const { parties } = sharedStack();
    const registration = { scopes: { 'read:books': 'Read' }, signingAlgorithm: algorithm };
    const typed = await parties.addResourceServer({ ...registration, identifier: audience });
    const jwt = await parties.addResourceServer({
      ...registration,
      identifier: `${audience}/jwt`,
      tokenType: 'JWT',
    });
    token = await tokenFor(typed, [typed]);
    untyped = await tokenFor(jwt, [typed, jwt]);
  });

  async function tokenFor(resourceServer: ResourceServer, audiences: ResourceServer[]) {
    const { clientId, clientSecret } = await sharedStack().parties.addClient({
      name: `client of ${resourceServer.identifier}`,
      grantTypes: ['client_credentials'],
      audiences,
    });
    const fields = { grant_type: 'client_credentials', audience: resourceServer.identifier };
    return accessTokenOf(await postForm('/oauth/token', fields, basic(clientId, clientSecret)));
  }

  it('get tokens of that algorithm and type', () => {
    expect(decode(token).header).toMatchObject({ alg: algorithm, typ: 'at+jwt' });
    expect(decode(untyped).header).toMatchObject({ alg: algorithm, typ: 'JWT' });
  });

  describe.each(VERIFIERS)('$name', ({ verify }) => {
    it('accepts the token', async () => {
      await expect(verify(token, audience, algorithm)).resolves.toBeTruthy();
    });

    it('refuses it for another audience', async () => {
      await expect(verify(token, 'https://other.example', algorithm)).rejects.toThrow();
    });

    it('refuses it with another claim', async () => {
      const [header, claims = '', signature] = token.split('.');
      const changed = JSON.parse(Buffer.from(claims, 'base64url').toString());
      const forged = Buffer.from(JSON.stringify({ ...changed, sub: 'root' })).toString('base64url');
      const attempt = verify(`${header}.${forged}.${signature}`, audience, algorithm);
      await expect(attempt).rejects.toThrow();
    });
  });

  it('that are strict about at+jwt refuse the type JWT, others do not', async () => {
    const accepts = (verify: Verifier) =>
      verify(untyped, `${audience}/jwt`, algorithm).then(
        () => true,
        () => false,
      );
    expect(await accepts(withExpress({ strict: true }))).toBe(false);
    expect(await accepts(withOauth4webapi)).toBe(false);
    expect(await accepts(withExpress({ strict: false }))).toBe(true);
    expect(await accepts(withAwsJwtVerify)).toBe(true);
  });
});

describe('an API in Express', () => {
  let origin: string;
  let server: Server;

  beforeAll(async () => {
    const app = express();
    app.get(
      '/admin',
      auth({ issuerBaseURL: sharedStack().issuer, audience: 'demo', tokenSigningAlg: 'RS256' }),
      requiredScopes('admin:demo'),
      (_request, response) => response.json({}),
    );
    server = await listen(createServer(app));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
  });

  it('answers 403 where the token lacks a scope, and 401 without a token', async () => {
    const { service } = sharedStack().demo;
    const answer = await postForm(
      '/oauth/token',
      { grant_type: 'client_credentials' },
      basic(service.client_id, service.client_secret),
    );
    const headers = bearer(accessTokenOf(answer));
    expect((await fetch(`${origin}/admin`, { headers })).status).toBe(403);
    expect((await fetch(`${origin}/admin`)).status).toBe(401);
  });
});
