import { describe, expect, it } from 'vitest';
import { createEndpoint } from '../../lib/http/endpoint.ts';
import {
  assertOrigins,
  type Origins,
  originHeaders,
  preflightHeaders,
} from '../../lib/http/origins.ts';

const APP = 'https://app.example';
const EXPOSED = { 'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag' };
const one: Origins = { exactly: ['https://keys.example', APP] };

describe('an answer', () => {
  it.each<{
    name: string;
    origins: Origins | undefined;
    origin: string | undefined;
    headers: object;
  }>([
    { name: 'says nothing where nobody may read it', origins: undefined, origin: APP, headers: {} },
    {
      name: 'may be read by pages of any origin, without a word on which one asked',
      origins: '*',
      origin: APP,
      headers: { 'Access-Control-Allow-Origin': '*', ...EXPOSED },
    },
    {
      name: 'says so also to who names no origin: it may be kept for one who does',
      origins: '*',
      origin: undefined,
      headers: { 'Access-Control-Allow-Origin': '*', ...EXPOSED },
    },
    {
      name: 'names the one origin that asked, and that it depends on it',
      origins: one,
      origin: APP,
      headers: { 'Access-Control-Allow-Origin': APP, ...EXPOSED, Vary: 'Origin' },
    },
    {
      name: 'allows cookies where that is said',
      origins: { ...one, withCredentials: true },
      origin: APP,
      headers: {
        'Access-Control-Allow-Origin': APP,
        'Access-Control-Allow-Credentials': 'true',
        ...EXPOSED,
        Vary: 'Origin',
      },
    },
    ...[
      'https://other.example',
      'https://app.example.evil.example',
      'https://sub.app.example',
      'https://app.example:8443',
      'http://app.example',
      'HTTPS://APP.EXAMPLE',
      'null',
      '*',
      '',
      undefined,
    ].map((origin) => ({
      name: `allows nothing to the origin ${origin}, and says that it depends on it`,
      origins: { ...one, withCredentials: true as const },
      origin,
      headers: { Vary: 'Origin' },
    })),
  ])('$name', ({ origins, origin, headers }) => {
    expect(originHeaders(origins, origin)).toEqual(headers);
  });
});

describe('a preflight', () => {
  const allowed = {
    'Access-Control-Allow-Methods': 'GET, OPTIONS',
    'Access-Control-Allow-Headers': 'authorization, content-type',
    'Access-Control-Max-Age': '86400',
  };
  it.each<{ name: string; origins: Origins | undefined; origin: string; headers: object }>([
    { name: 'of a page of any origin is allowed', origins: '*', origin: APP, headers: allowed },
    {
      name: 'of a page of the origin named is allowed',
      origins: one,
      origin: APP,
      headers: allowed,
    },
    { name: 'of another page is not', origins: one, origin: 'https://other.example', headers: {} },
    { name: 'of no page is, where nobody may', origins: undefined, origin: APP, headers: {} },
  ])('$name', ({ origins, origin, headers }) => {
    expect(preflightHeaders(origins, origin, 'GET, OPTIONS')).toEqual(headers);
  });
});

describe('an origin that is named', () => {
  it.each([
    'null',
    '*',
    '',
    'app.example',
    'https://app.example/',
    'https://app.example/path',
    'https://APP.example',
    'https://*.example',
    'http://app.example',
    'file://',
  ])('is not %j', (name) => {
    expect(() =>
      createEndpoint({ methods: ['GET'], origins: { exactly: [name] } }, answer),
    ).toThrow(TypeError);
  });

  it.each(['https://app.example', 'https://app.example:8443', 'http://localhost:5173'])(
    'may be %s',
    (name) => {
      expect(() => assertOrigins({ exactly: [name] })).not.toThrow();
    },
  );
});

const answer = async () => ({ status: 200, headers: {}, body: '' });
