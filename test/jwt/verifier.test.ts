import { JwtVerifier } from 'aws-jwt-verify';
import fc from 'fast-check';
import { base64url, CompactSign, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AudienceRule,
  CLOCK_TOLERANCE,
  isExpired,
  type VerificationAlgorithm,
  type VerifierOptions,
  verifyAccessToken,
} from '../../lib/jwt/verifier.ts';
import { OAuthError } from '../../lib/oauth/errors.ts';
import { createTestKey, sign, type TestKey } from '../support/issuer.ts';

const NOW = 1_750_000_000;
const ISSUER = 'https://issuer.example/tenant';
const CLAIMS = {
  iss: ISSUER,
  sub: 'user-1',
  aud: 'api',
  client_id: 'client-1',
  azp: 'client-1',
  scope: 'read write',
  permissions: ['create:keys'],
  exp: NOW + 300,
  iat: NOW,
  jti: 'token-1',
};

let rsa: TestKey;
let ec: TestKey;

beforeAll(async () => {
  [rsa, ec] = await Promise.all([createTestKey('RS256'), createTestKey('ES256')]);
});

function options(overrides: Partial<VerifierOptions> = {}): VerifierOptions {
  return {
    issuer: ISSUER,
    findKey: async ({ kid, alg }) =>
      [rsa, ec].find((key) => key.kid === kid && key.alg === alg)?.publicJwk,
    algorithms: ['RS256', 'ES256'],
    audience: { kind: 'audience', anyOf: ['api', 'other-api'] },
    now: NOW,
    ...overrides,
  };
}

async function refusal(token: unknown, overrides: Partial<VerifierOptions> = {}): Promise<string> {
  const error = await verifyAccessToken(token, options(overrides)).then(
    () => expect.unreachable('the token was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OAuthError);
  const { code, description, status, detail = '' } = error as OAuthError;
  expect([code, status, description]).toEqual([
    'invalid_token',
    401,
    'The access token is invalid or expired',
  ]);
  return detail;
}

describe('a good access token', () => {
  it('gives its claims, client, scopes and expiry', async () => {
    const verified = await verifyAccessToken(await sign(rsa, CLAIMS), options());
    expect(verified).toEqual({
      claims: CLAIMS,
      clientId: 'client-1',
      scopes: ['read', 'write'],
      expiresAt: NOW + 300,
    });
  });

  it.each([
    { name: 'typ at+jwt', header: { typ: 'at+jwt' } },
    { name: 'typ AT+JWT', header: { typ: 'AT+JWT' } },
    { name: 'typ application/at+jwt', header: { typ: 'application/at+jwt' } },
    { name: 'typ JWT', header: { typ: 'JWT' } },
    { name: 'typ jwt', header: { typ: 'jwt' } },
    { name: 'no typ', header: { typ: undefined } },
  ])('is accepted with $name', async ({ header }) => {
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'RS256', kid: rsa.kid, ...(header.typ && header) })
      .sign(rsa.privateKey);
    await expect(verifyAccessToken(token, options())).resolves.toBeDefined();
  });

  it.each([
    { name: 'a list of audiences', claims: { aud: ['else', 'other-api'] } },
    { name: 'no scope', claims: { scope: undefined } },
    { name: 'no iat', claims: { iat: undefined } },
    { name: 'token_use access', claims: { token_use: 'access' } },
    { name: 'Keycloak\u2019s typ Bearer', claims: { typ: 'Bearer' } },
    { name: 'no client_id but azp', claims: { client_id: undefined } },
    { name: 'a client_id that differs from azp', claims: { azp: 'client-2' } },
  ])('is accepted with $name', async ({ claims }) => {
    const token = await sign(ec, { ...CLAIMS, ...claims });
    const verified = await verifyAccessToken(token, options());
    expect(verified.clientId).toBe('client-1');
  });

  it.each<VerificationAlgorithm>(['RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES384', 'EdDSA'])(
    'is accepted with %s where it is configured',
    async (alg) => {
      const key = await createTestKey(alg);
      const token = await sign(key, CLAIMS);
      const findKey = async () => key.publicJwk;
      await expect(
        verifyAccessToken(token, options({ algorithms: [alg], findKey })),
      ).resolves.toBeDefined();
      expect(await refusal(token, { findKey })).toBe('algorithm not accepted');
    },
  );

  it('is accepted by aws-jwt-verify as well', async () => {
    const now = Math.floor(Date.now() / 1000);
    const verifier = JwtVerifier.create({
      issuer: ISSUER,
      audience: 'api',
      jwksUri: `${ISSUER}/jwks`,
    });
    const jwks = { keys: [rsa.publicJwk, ec.publicJwk] };
    verifier.cacheJwks(jwks as Parameters<typeof verifier.cacheJwks>[0]);
    for (const key of [rsa, ec]) {
      const token = await sign(key, { ...CLAIMS, iat: now, exp: now + 60 });
      const { claims } = await verifyAccessToken(token, options({ now }));
      expect(await verifier.verify(token)).toEqual(claims);
    }
  });
});

describe('a token is refused', () => {
  it.each([
    { name: 'a number', token: 7 },
    { name: 'undefined', token: undefined },
    { name: 'an object', token: { toString: () => 'a.b.c' } },
    { name: 'the empty string', token: '' },
    { name: 'two parts', token: 'e30.e30' },
    { name: 'five parts, a JWE', token: 'e30.e30.e30.e30.e30' },
    { name: 'another alphabet', token: 'e30.e+0.e30' },
    { name: 'white space', token: 'e30.e30.e30 ' },
    { name: 'a header that is not JSON', token: 'eee.e30.e30' },
    { name: 'a header that is null', token: `${base64url.encode('null')}.e30.e30` },
    { name: 'a header that is a list', token: `${base64url.encode('[]')}.e30.e30` },
    { name: 'invalid UTF-8', token: `${base64url.encode(new Uint8Array([0x22, 0xff]))}.e30.e30` },
  ])('when it is $name', async ({ token }) => {
    await refusal(token);
  });

  it('when it is larger than 8 KB, however good', async () => {
    const token = await sign(rsa, { ...CLAIMS, filler: 'x'.repeat(8_000) });
    expect(await refusal(token)).toBe('too large');
  });

  it.each([
    { name: 'a wrong iss', claims: { iss: `${ISSUER}/` }, detail: 'another issuer' },
    { name: 'no iss', claims: { iss: undefined }, detail: 'another issuer' },
    { name: 'a list as iss', claims: { iss: [ISSUER] }, detail: 'another issuer' },
    { name: 'no sub', claims: { sub: undefined }, detail: 'no sub' },
    { name: 'an empty sub', claims: { sub: '' }, detail: 'no sub' },
    { name: 'a number as sub', claims: { sub: 1 }, detail: 'no sub' },
    { name: 'no exp', claims: { exp: undefined }, detail: 'no exp' },
    { name: 'a string as exp', claims: { exp: `${NOW + 300}` }, detail: 'no exp' },
    { name: 'null as exp', claims: { exp: null }, detail: 'no exp' },
    { name: 'a string as iat', claims: { iat: '1' }, detail: 'not valid yet' },
    { name: 'no aud', claims: { aud: undefined }, detail: 'another audience' },
    { name: 'another aud', claims: { aud: 'apis' }, detail: 'another audience' },
    { name: 'other audiences', claims: { aud: ['x', 'y'] }, detail: 'another audience' },
    { name: 'an object as aud', claims: { aud: { api: 1 } }, detail: 'malformed aud' },
    { name: 'numbers as aud', claims: { aud: ['api', 1] }, detail: 'malformed aud' },
    { name: 'a list as scope', claims: { scope: ['read'] }, detail: 'malformed scope' },
    { name: 'a number as client_id', claims: { client_id: 1 }, detail: 'malformed client_id' },
    { name: 'a number as azp', claims: { azp: 1 }, detail: 'malformed azp' },
    {
      name: 'a string as permissions',
      claims: { permissions: 'x' },
      detail: 'malformed permissions',
    },
    { name: 'token_use id', claims: { token_use: 'id' }, detail: 'wrong token_use' },
    ...['ID', 'Refresh', 'Offline', 'Logout', 'DPoP', 'bearer', '', null, ['Bearer']].map(
      (typ) => ({
        name: `the claim typ ${JSON.stringify(typ)}`,
        claims: { typ },
        detail: 'no access token: its claim typ is another',
      }),
    ),
    { name: 'nonce', claims: { nonce: 'n' }, detail: 'no access token: it has nonce' },
    { name: 'at_hash', claims: { at_hash: 'h' }, detail: 'no access token: it has at_hash' },
    { name: 'c_hash', claims: { c_hash: 'h' }, detail: 'no access token: it has c_hash' },
    { name: 's_hash', claims: { s_hash: 'h' }, detail: 'no access token: it has s_hash' },
    { name: 'events', claims: { events: {} }, detail: 'no access token: it has events' },
    { name: 'cnf', claims: { cnf: { jkt: 'x' } }, detail: 'no access token: it has cnf' },
  ])('with $name', async ({ claims, detail }) => {
    expect(await refusal(await sign(rsa, { ...CLAIMS, ...claims }))).toBe(detail);
  });

  it.each([
    { name: 'no kid', header: { kid: undefined }, detail: 'no kid' },
    { name: 'an empty kid', header: { kid: '' }, detail: 'no kid' },
    { name: 'an unknown kid', header: { kid: 'unknown' }, detail: 'no such key' },
    { name: 'typ dpop+jwt', header: { typ: 'dpop+jwt' }, detail: 'wrong typ' },
    { name: 'typ logout+jwt', header: { typ: 'logout+jwt' }, detail: 'wrong typ' },
    { name: 'typ id_token', header: { typ: 'id_token' }, detail: 'wrong typ' },
    { name: 'typ secevent+jwt', header: { typ: 'secevent+jwt' }, detail: 'wrong typ' },
    { name: 'an empty typ', header: { typ: '' }, detail: 'wrong typ' },
    { name: 'jku', header: { jku: 'https://evil.example' }, detail: 'header parameter jku' },
    { name: 'x5u', header: { x5u: 'https://evil.example' }, detail: 'header parameter x5u' },
    { name: 'x5c', header: { x5c: ['MII'] }, detail: 'header parameter x5c' },
    { name: 'jwk', header: { jwk: { kty: 'RSA' } as JWK }, detail: 'header parameter jwk' },
    { name: 'b64', header: { b64: true }, detail: 'header parameter b64' },
  ])('with $name in the header', async ({ header, detail }) => {
    expect(await refusal(await sign(rsa, CLAIMS, header))).toBe(detail);
  });

  it('with crit, even for something known', async () => {
    const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(CLAIMS)))
      .setProtectedHeader({ alg: 'RS256', kid: rsa.kid, crit: ['b64'], b64: true })
      .sign(rsa.privateKey);
    expect(await refusal(token)).toBe('header parameter crit');
  });

  it('without a signature: alg none', async () => {
    const token = new UnsecuredJWT(CLAIMS).encode();
    await refusal(token);
    expect(await refusal(`${token}e30`)).toBe('algorithm not accepted');
  });

  it.each(['HS256', 'HS384', 'HS512'])('with %s, its secret the public key', async (alg) => {
    const secret = new TextEncoder().encode(JSON.stringify(rsa.publicJwk));
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg, kid: rsa.kid, typ: 'at+jwt' })
      .sign(secret);
    expect(await refusal(token)).toBe('algorithm not accepted');
  });

  it('with an alg that the key is not for', async () => {
    const token = await sign(rsa, CLAIMS, { kid: ec.kid });
    expect(await refusal(token)).toBe('no such key');
    const findKey = async () => ec.publicJwk;
    expect(await refusal(token, { findKey })).toBe('signature or key');
  });

  it.each([
    { name: 'for encryption', member: { use: 'enc' } },
    { name: 'for another alg', member: { alg: 'PS256' } },
    { name: 'that may not verify', member: { key_ops: ['encrypt'] } },
    { name: 'that is garbage', member: { n: '!' } },
    { name: 'that is symmetric', member: { kty: 'oct', k: 'c2VjcmV0' } },
  ])('with a key $name', async ({ member }) => {
    const findKey = async () => ({ ...rsa.publicJwk, ...member }) as JWK;
    expect(await refusal(await sign(rsa, CLAIMS), { findKey })).toBe('signature or key');
  });

  it('with an RSA key of 1024 bits', async () => {
    const { subtle } = globalThis.crypto;
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const pair = await subtle.generateKey(
      { ...algorithm, modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) },
      true,
      ['sign', 'verify'],
    );
    const header = { alg: 'RS256', kid: 'weak' };
    const input = [header, CLAIMS].map((part) => base64url.encode(JSON.stringify(part))).join('.');
    const signature = await subtle.sign(algorithm, pair.privateKey, Buffer.from(input));
    const token = `${input}.${base64url.encode(new Uint8Array(signature))}`;
    const findKey = async () => (await subtle.exportKey('jwk', pair.publicKey)) as JWK;
    expect(await refusal(token, { findKey })).toBe('signature or key');
  });

  it('with any one character changed', async () => {
    const token = await sign(ec, CLAIMS);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...'ABCDwxyz0189-_'),
        async (index, character) => {
          const changed = token.slice(0, index) + character + token.slice(index + 1);
          fc.pre(changed !== token && index !== token.length - 1);
          await refusal(changed);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('whatever it is made of', async () => {
    const part = fc.oneof(fc.json(), fc.string()).map((text) => base64url.encode(text));
    const jwt = fc.tuple(part, part, part).map((parts) => parts.join('.'));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), jwt), async (token) => {
        await refusal(token);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the clock', () => {
  it.each([
    { name: 'at exp', claims: { exp: NOW } },
    { name: 'one second before the tolerance ends', claims: { exp: NOW - CLOCK_TOLERANCE + 1 } },
    { name: 'when issued up to the tolerance ahead', claims: { iat: NOW + CLOCK_TOLERANCE } },
    { name: 'when valid from up to the tolerance ahead', claims: { nbf: NOW + CLOCK_TOLERANCE } },
  ])('accepts a token $name', async ({ claims }) => {
    const token = await sign(ec, { ...CLAIMS, ...claims });
    await expect(verifyAccessToken(token, options())).resolves.toBeDefined();
  });

  it.each([
    { name: 'past exp', claims: { exp: NOW - CLOCK_TOLERANCE }, detail: 'expired' },
    { name: 'from the future', claims: { iat: NOW + 31 }, detail: 'not valid yet' },
    { name: 'for the future', claims: { nbf: NOW + 31 }, detail: 'not valid yet' },
  ])('refuses a token $name', async ({ claims, detail }) => {
    expect(await refusal(await sign(ec, { ...CLAIMS, ...claims }))).toBe(detail);
  });

  it('accepts an expired token where that is spelled out', async () => {
    const token = await sign(ec, { ...CLAIMS, exp: NOW - 1_000_000 });
    const verified = await verifyAccessToken(token, options({ allowExpired: true }));
    expect(isExpired(verified, NOW)).toBe(true);
  });

  it.each([
    { name: 'from the future', claims: { iat: NOW + 31 } },
    { name: 'for the future', claims: { nbf: NOW + 31 } },
    { name: 'without exp', claims: { exp: undefined } },
  ])('still refuses an expired token $name', async ({ claims }) => {
    const token = await sign(ec, { ...CLAIMS, exp: NOW - 1_000_000, ...claims });
    await refusal(token, { allowExpired: true });
  });
});

describe('the audience rule', () => {
  const clientIds: AudienceRule = { kind: 'client-ids', anyOf: ['client-1'] };

  it.each([
    { name: 'client_id', claims: { client_id: 'client-1', azp: undefined } },
    { name: 'azp', claims: { client_id: undefined, azp: 'client-1' } },
  ])('accepts a listed client by $name, without aud', async ({ claims }) => {
    const token = await sign(ec, { ...CLAIMS, aud: undefined, ...claims });
    await expect(verifyAccessToken(token, options({ audience: clientIds }))).resolves.toBeDefined();
  });

  it.each([
    { name: 'another client', claims: { client_id: 'client-2' } },
    { name: 'no client', claims: { client_id: undefined, azp: undefined } },
  ])('refuses a token of $name', async ({ claims }) => {
    const token = await sign(ec, { ...CLAIMS, ...claims });
    expect(await refusal(token, { audience: clientIds })).toBe('another audience');
  });

  const bare = { ...CLAIMS, aud: undefined, scope: undefined };

  it.each([
    { name: 'typ at+jwt', header: { typ: 'at+jwt' }, claims: {} },
    { name: 'typ application/at+jwt', header: { typ: 'application/AT+JWT' }, claims: {} },
    { name: 'token_use access', header: { typ: 'JWT' }, claims: { token_use: 'access' } },
    { name: 'a scope', header: { typ: undefined }, claims: { scope: 'read' } },
  ])('takes $name of a listed client for the mark of an access token', async (marked) => {
    const token = await sign(ec, { ...bare, ...marked.claims }, marked.header);
    await expect(verifyAccessToken(token, options({ audience: clientIds }))).resolves.toBeDefined();
  });

  it.each([
    { name: 'with typ JWT', header: { typ: 'JWT' }, claims: {} },
    { name: 'without typ', header: { typ: undefined }, claims: {} },
    { name: 'for the client itself', header: { typ: 'JWT' }, claims: { aud: 'client-1' } },
  ])('refuses what may be an ID token of a listed client: $name', async ({ header, claims }) => {
    const token = await sign(ec, { ...bare, ...claims }, header);
    expect(await refusal(token, { audience: clientIds })).toBe('no mark of an access token');
    await expect(
      verifyAccessToken(token, options({ audience: { kind: 'none' } })),
    ).resolves.toBeDefined();
  });

  it('accepts any audience where that is spelled out', async () => {
    const token = await sign(ec, { ...CLAIMS, aud: 'else' });
    await expect(
      verifyAccessToken(token, options({ audience: { kind: 'none' } })),
    ).resolves.toBeDefined();
  });
});

it('passes on what the key source throws, and asks it only about tokens that are otherwise right', async () => {
  const failure = new Error('the issuer is down');
  const findKey = async () => {
    throw failure;
  };
  const good = await sign(ec, CLAIMS);
  await expect(verifyAccessToken(good, options({ findKey }))).rejects.toBe(failure);
  expect(await refusal(await sign(ec, { ...CLAIMS, exp: 1 }), { findKey })).toBe('expired');
});
