import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFetchJson, type FetchJson } from '../../lib/jwt/fetch-json.ts';
import {
  createRemoteKeys,
  IssuerUnavailableError,
  type RemoteKeysOptions,
} from '../../lib/jwt/remote-keys.ts';
import type { VerificationAlgorithm } from '../../lib/jwt/verifier.ts';
import type { LogFields } from '../../lib/runtime/log.ts';
import {
  answer,
  createTestKey,
  hang,
  stall,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '../support/issuer.ts';

const OPENID = '/.well-known/openid-configuration';
const OAUTH = '/.well-known/oauth-authorization-server';

let issuer: TestIssuer;
let rsa: TestKey;
let ec: TestKey;
let time: number;
let warnings: LogFields[];

beforeAll(async () => {
  [rsa, ec] = await Promise.all([createTestKey('RS256'), createTestKey('ES256')]);
});

beforeEach(async () => {
  time = 1_750_000_000;
  warnings = [];
  issuer = await startIssuer();
  issuer.keys = [rsa.publicJwk];
});

afterEach(() => issuer.close());

function remoteKeys(options: Partial<RemoteKeysOptions> = {}) {
  return createRemoteKeys({
    issuer: issuer.issuer,
    fetchJson: createFetchJson({ timeout: 150 }),
    now: () => time,
    log: {
      info: () => {},
      warn: (_, fields = {}) => void warnings.push(fields),
      error: () => {},
    },
    ...options,
  });
}

const headerOf = (key: TestKey) => ({ kid: key.kid, alg: key.alg as VerificationAlgorithm });
const unknown = { kid: 'unknown', alg: 'RS256' } as const;

describe('discovery', () => {
  it('asks nothing before a key is needed', async () => {
    remoteKeys();
    expect(issuer.requests).toEqual([]);
  });

  it('finds the keys of an issuer', async () => {
    const find = remoteKeys();
    expect(await find(headerOf(rsa))).toMatchObject({ kty: 'RSA', n: rsa.publicJwk.n });
    expect(issuer.requests).toEqual([OPENID, '/jwks']);
  });

  it.each([
    { name: 'with a path', path: '/realms/dev', requests: [`/realms/dev${OPENID}`] },
    { name: 'with a slash at its end', path: '/', requests: [OPENID] },
    { name: 'with a path and a slash', path: '/tenant/', requests: [`/tenant${OPENID}`] },
    {
      name: 'with RFC 8414 metadata alone',
      path: '/realms/dev',
      metadataPath: `${OAUTH}/realms/dev`,
      requests: [`/realms/dev${OPENID}`, `${OAUTH}/realms/dev`],
    },
  ])('finds the keys of an issuer $name', async ({ requests, name: _, ...options }) => {
    const other = await startIssuer(options);
    other.keys = [rsa.publicJwk];
    const find = remoteKeys({ issuer: other.issuer });
    expect(await find(headerOf(rsa))).toBeDefined();
    expect(other.requests.slice(0, -1)).toEqual(requests);
    await other.close();
  });

  it.each([
    { name: 'names another issuer', metadata: { issuer: 'https://evil.example' } },
    {
      name: 'names the issuer with a slash more',
      metadata: () => ({ issuer: `${issuer.issuer}/` }),
    },
    { name: 'names no issuer', metadata: { issuer: undefined } },
    { name: 'has no jwks_uri', metadata: { jwks_uri: undefined } },
    { name: 'has a jwks_uri that is no URL', metadata: { jwks_uri: '/jwks' } },
    { name: 'has a jwks_uri over http elsewhere', metadata: { jwks_uri: 'http://198.51.100.1/' } },
    { name: 'has a jwks_uri in a file', metadata: { jwks_uri: 'file:///etc/passwd' } },
  ])('refuses metadata that $name', async ({ metadata }) => {
    issuer.metadata = typeof metadata === 'function' ? metadata() : metadata;
    await expect(remoteKeys()(headerOf(rsa))).rejects.toBeInstanceOf(IssuerUnavailableError);
    expect(issuer.requests).toEqual([OPENID]);
  });

  it('does not follow an issuer elsewhere to a jwks_uri on this machine over http', async () => {
    const asked: string[] = [];
    const fetchJson: FetchJson = async (url) => {
      asked.push(url.href);
      const body = { issuer: 'https://issuer.example', jwks_uri: 'http://127.0.0.1/jwks' };
      return { status: 200, body };
    };
    const find = remoteKeys({ issuer: 'https://issuer.example', fetchJson });
    await expect(find(headerOf(rsa))).rejects.toThrow('the jwks_uri is not an https URL');
    expect(asked).toEqual([`https://issuer.example${OPENID}`]);
  });
});

describe('an issuer that', () => {
  it.each([
    { name: 'never answers', behaviour: hang, reason: 'no answer within 150 ms' },
    { name: 'stops in the middle', behaviour: stall, reason: 'no answer within 150 ms' },
    { name: 'answers 500', behaviour: answer(500, '{}'), reason: 'answered 500' },
    { name: 'answers garbage', behaviour: answer(200, '<html>'), reason: 'not JSON' },
    { name: 'answers null', behaviour: answer(200, 'null'), reason: 'issuer|JWKS' },
    { name: 'answers nothing', behaviour: answer(200, ''), reason: 'not JSON' },
    {
      name: 'redirects',
      behaviour: answer(302, '', { location: 'http://127.0.0.1:9/' }),
      reason: 'answered 302',
    },
    {
      name: 'answers 300 KB',
      behaviour: answer(200, JSON.stringify({ keys: ['x'.repeat(300_000)] })),
      reason: 'more than 262144 bytes',
    },
    {
      name: 'hangs up',
      behaviour: (request: { socket: { destroy(): void } }) => request.socket.destroy(),
      reason: 'socket hang up|ECONNRESET',
    },
  ])('$name is unavailable, at either document', async ({ behaviour, reason }) => {
    for (const path of [OPENID, '/jwks']) {
      issuer.behaviour = { [path]: behaviour };
      const error = await remoteKeys()(headerOf(rsa)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(IssuerUnavailableError);
      expect(String(error)).toMatch(new RegExp(reason));
    }
    expect(warnings).toHaveLength(2);
  });

  it('is not there is unavailable', async () => {
    await issuer.close();
    await expect(remoteKeys()(headerOf(rsa))).rejects.toThrow('ECONNREFUSED');
    issuer = await startIssuer();
  });

  it('drips a byte now and then is cut off all the same', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const drip = setInterval(() => socket.write(' '), 20);
      socket.on('close', () => clearInterval(drip));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(createFetchJson({ timeout: 150 })(new URL(url))).rejects.toThrow('150 ms');
    server.close();
  });

  it('speaks no TLS is unavailable over https', async () => {
    const url = new URL(issuer.issuer.replace('http:', 'https:'));
    await expect(createFetchJson({ timeout: 500 })(url)).rejects.toThrow();
  });
});

describe('the cache', () => {
  it('shares one request among concurrent callers', async () => {
    const find = remoteKeys();
    const found = await Promise.all(Array.from({ length: 20 }, () => find(headerOf(rsa))));
    expect(new Set(found).size).toBe(1);
    expect(issuer.requests).toEqual([OPENID, '/jwks']);
  });

  it('gives the same key object each time, so that it is imported once', async () => {
    const find = remoteKeys();
    expect(await find(headerOf(rsa))).toBe(await find(headerOf(rsa)));
  });

  it('asks again after ten minutes, and not before', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    time += 599;
    await find(headerOf(rsa));
    expect(issuer.requests).toHaveLength(2);
    time += 1;
    await Promise.all([find(headerOf(rsa)), find(headerOf(rsa))]);
    expect(issuer.requests).toEqual([OPENID, '/jwks', '/jwks']);
  });

  it('forgets a key that the issuer withdrew after ten minutes', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    issuer.keys = [];
    time += 600;
    expect(await find(headerOf(rsa))).toBeUndefined();
  });

  it('asks once for an unknown kid, then not before the cool-down ends', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    issuer.keys = [rsa.publicJwk, ec.publicJwk];
    time += 29;
    expect(await find(headerOf(ec))).toBeUndefined();
    time += 1;
    const found = await Promise.all([find(headerOf(ec)), find(headerOf(ec)), find(unknown)]);
    expect(found.map((key) => key !== undefined)).toEqual([true, true, false]);
    expect(issuer.requests).toEqual([OPENID, '/jwks', '/jwks']);
    for (let index = 0; index < 10; index++) await find({ kid: `${index}`, alg: 'RS256' });
    expect(issuer.requests).toHaveLength(3);
  });

  it('serves the last good answer while the issuer is down, and asks once per cool-down', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    issuer.behaviour = { every: answer(503, '') };
    time += 600;
    for (let index = 0; index < 5; index++) expect(await find(headerOf(rsa))).toBeDefined();
    expect(issuer.requests).toHaveLength(3);
    time += 30;
    expect(await find(headerOf(rsa))).toBeDefined();
    expect(issuer.requests).toHaveLength(4);
    expect(warnings[0]).toMatchObject({ issuer: issuer.issuer, keys_known: true });
    issuer.behaviour = {};
    issuer.keys = [ec.publicJwk];
    time += 30;
    expect(await find(headerOf(rsa))).toBeUndefined();
    expect(await find(headerOf(ec))).toBeDefined();
  });

  it('says that a kid is unknown, not that the issuer is down, while it has keys', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    issuer.behaviour = { every: answer(503, '') };
    time += 60;
    expect(await find(unknown)).toBeUndefined();
  });

  it('gives up the last good answer after a day', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    issuer.behaviour = { every: answer(503, '') };
    time += 86_399;
    expect(await find(headerOf(rsa))).toBeDefined();
    time += 1;
    await expect(find(headerOf(rsa))).rejects.toBeInstanceOf(IssuerUnavailableError);
  });

  it('without any keys, asks an issuer that is down every five seconds', async () => {
    const find = remoteKeys();
    issuer.behaviour = { every: answer(503, '') };
    for (let index = 0; index < 5; index++) {
      await expect(find(headerOf(rsa))).rejects.toThrow('answered 503');
    }
    expect(issuer.requests).toHaveLength(1);
    issuer.behaviour = {};
    time += 5;
    expect(await find(headerOf(rsa))).toBeDefined();
  });

  it('discovers anew where the JWKS is no longer at its place', async () => {
    const find = remoteKeys();
    await find(headerOf(rsa));
    issuer.behaviour = { '/jwks': answer(404, '') };
    time += 600;
    await find(headerOf(rsa));
    issuer.behaviour = { '/keys': answer(200, JSON.stringify({ keys: [ec.publicJwk] })) };
    issuer.metadata = { jwks_uri: `${issuer.issuer}/keys` };
    time += 30;
    expect(await find(headerOf(ec))).toBeDefined();
  });
});

describe('a key of the JWKS is left out', () => {
  it.each([
    { name: 'without kid', key: () => ({ ...rsa.publicJwk, kid: undefined }) },
    { name: 'with a number as kid', key: () => ({ ...rsa.publicJwk, kid: 1 }) },
    { name: 'for encryption', key: () => ({ ...rsa.publicJwk, use: 'enc' }) },
    { name: 'that may only encrypt', key: () => ({ ...rsa.publicJwk, key_ops: ['encrypt'] }) },
    { name: 'for another alg', key: () => ({ ...rsa.publicJwk, alg: 'PS256' }) },
    { name: 'of another type', key: () => ({ ...ec.publicJwk, kid: rsa.kid, alg: 'RS256' }) },
    { name: 'with private members', key: () => ({ ...rsa.publicJwk, d: 'AQAB' }) },
    { name: 'that is symmetric', key: () => ({ ...rsa.publicJwk, kty: 'oct', k: 'c2VjcmV0' }) },
    { name: 'that is null', key: () => null },
    { name: 'that is a string', key: () => rsa.kid },
    { name: 'of no type', key: () => ({ ...rsa.publicJwk, kty: undefined }) },
    { name: 'of an inherited type', key: () => ({ ...rsa.publicJwk, kty: 'constructor' }) },
  ])('$name', async ({ key }) => {
    issuer.keys = [key(), ec.publicJwk];
    const find = remoteKeys();
    expect(await find(headerOf(rsa))).toBeUndefined();
    expect(await find(headerOf(ec))).toBeDefined();
  });

  it('on another curve', async () => {
    issuer.keys = [{ ...ec.publicJwk, crv: 'P-384', alg: undefined }];
    expect(await remoteKeys()(headerOf(ec))).toBeUndefined();
  });

  it('but not one that names neither use nor alg', async () => {
    issuer.keys = [{ ...rsa.publicJwk, use: undefined, alg: undefined }];
    expect(await remoteKeys()(headerOf(rsa))).toBeDefined();
  });

  it('and of two with one kid the right one is found by its alg', async () => {
    issuer.keys = [{ ...ec.publicJwk, kid: rsa.kid }, rsa.publicJwk];
    expect(await remoteKeys()(headerOf(rsa))).toMatchObject({ kty: 'RSA' });
  });
});
