import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type FunctionName,
  startLatchkey,
  type TestLatchkey,
  type TestRequest,
} from '../support/latchkey.ts';

let latchkey: TestLatchkey;
beforeAll(async () => {
  latchkey = await startLatchkey();
  await latchkey.createKeys();
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterAll(() => latchkey.close());

const headers = { origin: 'https://app.example' };
const ANY = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag',
};
const ENDPOINTS: { name: FunctionName; method: 'GET' | 'POST'; status: number }[] = [
  { name: 'token', method: 'POST', status: 400 },
  { name: 'refresh', method: 'POST', status: 401 },
  { name: 'jwks', method: 'GET', status: 200 },
  { name: 'metadata', method: 'GET', status: 200 },
];

describe.each(ENDPOINTS)('pages of any origin may read of $name', ({ name, method, status }) => {
  const preflight = {
    'Access-Control-Allow-Methods': method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS',
    'Access-Control-Allow-Headers': 'authorization, content-type',
    'Access-Control-Max-Age': '86400',
  };
  it.each<{ what: string; request: TestRequest; status: number; more?: object }>([
    { what: 'the answer', request: { method }, status },
    {
      what: 'the answer to a preflight',
      request: { method: 'OPTIONS' },
      status: 204,
      more: preflight,
    },
    { what: 'the refusal of a method', request: { method: 'DELETE' }, status: 405 },
    {
      what: 'the refusal of a body that is too large',
      request: { method, body: 'x'.repeat(16 * 1024 + 1) },
      status: 413,
    },
    {
      what: 'the refusal of a body that is malformed',
      request: { method, body: '!', isBase64Encoded: true },
      status: 400,
    },
  ])('$what', async ({ request, more = {}, ...expected }) => {
    const answer = await latchkey.call(name, { headers, ...request });
    expect(answer.status).toBe(expected.status);
    const names = /^(access-control-.*|vary)$/i;
    const told = Object.entries(answer.headers).filter(([header]) => names.test(header));
    expect(Object.fromEntries(told)).toEqual({ ...ANY, ...more });
  });
});
