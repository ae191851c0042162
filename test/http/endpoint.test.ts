import { describe, expect, it } from 'vitest';
import { createEndpoint } from '../../lib/http/endpoint.ts';
import type { HttpRequest } from '../../lib/http/request.ts';

const requestOf = (method: string): HttpRequest => ({
  method,
  path: '/',
  headers: { origin: 'https://app.example' },
  query: '',
  body: '',
  sourceIp: '203.0.113.7',
});
const answer = async () => ({ status: 200, headers: { ETag: '"1"' }, body: 'text' });

describe('an endpoint', () => {
  it('answers its methods', async () => {
    const endpoint = createEndpoint({ methods: ['POST'] }, answer);
    expect(await endpoint(requestOf('POST'))).toEqual(await answer());
  });

  it('answers HEAD like GET, without the body', async () => {
    const endpoint = createEndpoint({ methods: ['GET'] }, answer);
    expect(await endpoint(requestOf('HEAD'))).toEqual({ ...(await answer()), body: '' });
  });

  it.each([
    { method: 'GET', methods: ['POST' as const], allow: 'POST, OPTIONS' },
    { method: 'HEAD', methods: ['POST' as const], allow: 'POST, OPTIONS' },
    {
      method: 'DELETE',
      methods: ['GET' as const, 'POST' as const],
      allow: 'GET, POST, HEAD, OPTIONS',
    },
  ])('refuses $method where it has $allow', async ({ method, methods, allow }) => {
    const refusal = createEndpoint({ methods }, answer)(requestOf(method));
    await expect(refusal).rejects.toMatchObject({ status: 405, headers: { Allow: allow } });
  });

  it('that says nothing of origins answers OPTIONS with its methods alone', async () => {
    const endpoint = createEndpoint({ methods: ['POST'] }, answer);
    expect(endpoint.origins).toBeUndefined();
    expect(await endpoint(requestOf('OPTIONS'))).toEqual({
      status: 204,
      headers: { Allow: 'POST, OPTIONS' },
      body: '',
    });
  });

  it('that names an origin answers its preflight', async () => {
    const origins = { exactly: ['https://app.example'] };
    const endpoint = createEndpoint({ methods: ['POST'], origins }, answer);
    expect(endpoint.origins).toBe(origins);
    expect((await endpoint(requestOf('OPTIONS'))).headers).toMatchObject({
      'Access-Control-Allow-Methods': 'POST, OPTIONS',
    });
  });
});
