import { describe, expect, it } from 'vitest';
import { anyOrigin, namedOrigins, type Origins } from '../../lib/http/origins.ts';

const APP = 'https://app.example';
const EXPOSED = { 'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag' };
const NAMES = ['https://keys.example', APP];

describe('an answer', () => {
  it.each<{ name: string; origins: Origins; origin: string | undefined; headers: object }>([
    {
      name: 'may be read by pages of any origin, without a word on which one asked',
      origins: anyOrigin,
      origin: APP,
      headers: { 'Access-Control-Allow-Origin': '*', ...EXPOSED },
    },
    {
      name: 'says so also to who names no origin: it may be kept for one who does',
      origins: anyOrigin,
      origin: undefined,
      headers: { 'Access-Control-Allow-Origin': '*', ...EXPOSED },
    },
    {
      name: 'names the one origin that asked, and that it depends on it',
      origins: namedOrigins(NAMES),
      origin: APP,
      headers: { 'Access-Control-Allow-Origin': APP, ...EXPOSED, Vary: 'Origin' },
    },
    {
      name: 'allows cookies where that is said',
      origins: namedOrigins(NAMES, { withCredentials: true }),
      origin: APP,
      headers: {
        'Access-Control-Allow-Origin': APP,
        'Access-Control-Allow-Credentials': 'true',
        ...EXPOSED,
        Vary: 'Origin',
      },
    },
    ...[
      ...['https://other.example', 'https://app.example.evil.example', 'https://sub.app.example'],
      ...['https://app.example:8443', 'http://app.example', 'HTTPS://APP.EXAMPLE'],
      ...['null', '*', '', undefined],
    ].map((origin) => ({
      name: `allows nothing to the origin ${origin}, and says that it depends on it`,
      origins: namedOrigins(NAMES, { withCredentials: true }),
      origin,
      headers: { Vary: 'Origin' },
    })),
  ])('$name', ({ origins, origin, headers }) => {
    expect(origins(origin)).toEqual(headers);
  });
});

describe('an origin that is named', () => {
  it.each([
    ...['null', '*', '', 'app.example', 'https://app.example/', 'https://app.example/path'],
    ...['https://APP.example', 'https://*.example', 'http://app.example', 'file://'],
  ])('is not %j', (name) => {
    expect(() => namedOrigins([name])).toThrow(TypeError);
  });

  it.each(['https://app.example', 'https://app.example:8443', 'http://localhost:5173'])(
    'may be %s',
    (name) => {
      expect(namedOrigins([name])(name)).toHaveProperty('Access-Control-Allow-Origin', name);
    },
  );
});
