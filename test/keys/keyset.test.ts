import { calculateJwkThumbprint } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecret } from '../../lib/aws/secret.ts';
import {
  generateKeyset,
  keysetOf,
  parseKeyset,
  publicJwk,
  serializeKeyset,
} from '../../lib/keys/keyset.ts';
import { publishedKeys } from '../../lib/keys/public-key-store.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';

describe('a keyset', () => {
  it('has a current and a next key for each algorithm, named by their thumbprints', async () => {
    const keyset = await generateKeyset(1000);
    expect(Object.keys(keyset).sort()).toEqual(['ES256', 'RS256']);
    const keys = Object.values(keyset).flatMap(({ current, next }) => [current, next]);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(4);
    for (const key of keys) {
      expect(key.kid).toBe(await calculateJwkThumbprint(publicJwk(key)));
      expect(key.createdAt).toBe(1000);
    }
    expect(parseKeyset(serializeKeyset(keyset))).toEqual(keyset);
  });

  it('shows of a key what is public, and no more', async () => {
    const { RS256, ES256 } = await generateKeyset(0);
    expect(Object.keys(publicJwk(RS256.current)).sort()).toEqual([
      'alg',
      'e',
      'kid',
      'kty',
      'n',
      'use',
    ]);
    expect(Object.keys(publicJwk(ES256.current)).sort()).toEqual([
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
      'y',
    ]);
  });

  it.each([
    '',
    'text',
    'null',
    '{}',
    '{"version":2,"keys":{}}',
    '{"version":1}',
    '{"version":1,"keys":{"RS256":{}}}',
  ])('is not what is in %j, and the error quotes nothing', (secret) => {
    expect(() => parseKeyset(secret)).toThrow(
      /^the signing-keys secret (holds no keyset|has no .* keys)$/,
    );
  });
});

describe('a secret that CloudFormation has just filled', () => {
  it('holds no keyset yet', () => {
    expect(keysetOf(undefined)).toBeUndefined();
    expect(keysetOf('a1B2'.repeat(16))).toBeUndefined();
    expect(() => keysetOf('a1B2'.repeat(15))).toThrow('holds no keyset');
  });
});

describe('the JWKS', () => {
  it('shows a key until it is retired', () => {
    const keys = [
      { kid: 'signing', jwk: { kid: 'signing' }, createdAt: 0 },
      { kid: 'retiring', jwk: { kid: 'retiring' }, createdAt: 0, publicUntil: 100 },
    ];
    expect(publishedKeys(keys, 99).map(({ kid }) => kid)).toEqual(['signing', 'retiring']);
    expect(publishedKeys(keys, 100).map(({ kid }) => kid)).toEqual(['signing']);
  });
});

describe('the first keyset', () => {
  let latchkey: TestLatchkey;
  beforeAll(async () => {
    latchkey = await startLatchkey();
  });
  afterAll(() => latchkey.close());

  it('is made once, by however many at once, and all of it is public before it signs', async () => {
    const results = await Promise.all(Array.from({ length: 4 }, () => latchkey.createKeys()));
    expect(results.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    const kept = keysetOf(
      await readSecret(latchkey.secretsManager, latchkey.environment.SIGNING_KEYS_SECRET),
    );
    for (const { keyset } of results) expect(keyset).toEqual(kept);
    const { json } = await latchkey.call('jwks', { method: 'GET' });
    const published = json.keys.map(({ kid }: { kid: string }) => kid);
    for (const { current, next } of Object.values(kept ?? {})) {
      expect(published).toEqual(expect.arrayContaining([current.kid, next.kid]));
    }
  });

  it('is served without a private member, with ETag, 304, HEAD and CORS', async () => {
    const { text, headers, status } = await latchkey.call('jwks', { method: 'GET' });
    expect(status).toBe(200);
    expect(text).not.toMatch(/"(d|p|q|dp|dq|qi|k)":/);
    expect(headers).toMatchObject({
      'Content-Type': 'application/json',
      'Cache-Control': 'public, max-age=300',
      'Access-Control-Allow-Origin': '*',
    });
    const etag = `${headers.ETag}`;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await latchkey.call('jwks', {
        method: 'GET',
        headers: { 'If-None-Match': known },
      });
      expect(again).toMatchObject({ status: 304, text: '' });
      expect(again.headers.ETag).toBe(etag);
    }
    const head = await latchkey.call('jwks', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '', headers });
    const post = await latchkey.call('jwks', { method: 'POST' });
    expect(post).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD, OPTIONS' } });
  });
});
