import { describe, expect, it } from 'vitest';
import { createEndpoint } from '../../lib/http/endpoint.ts';
import { anyOrigin, namedOrigins, type Origins } from '../../lib/http/origins.ts';
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

  const allowed = {
    'Access-Control-Allow-Methods': 'POST, OPTIONS',
    'Access-Control-Allow-Headers': 'authorization, content-type',
    'Access-Control-Max-Age': '86400',
  };
  const app = namedOrigins(['https://app.example']);
  const other = namedOrigins(['https://other.example']);
  it.each<{ name: string; origins?: Origins; more: object }>([
    { name: 'of a page of any origin', origins: anyOrigin, more: allowed },
    { name: 'of a page of the origin that it names', origins: app, more: allowed },
    { name: 'of another page with its methods alone', origins: other, more: {} },
    { name: 'with its methods alone where it says nothing of origins', more: {} },
  ])('answers the preflight $name', async ({ origins, more }) => {
    const endpoint = createEndpoint({ methods: ['POST'], ...(origins && { origins }) }, answer);
    expect(endpoint.origins).toBe(origins);
    expect(await endpoint(requestOf('OPTIONS'))).toEqual({
      status: 204,
      headers: { Allow: 'POST, OPTIONS', ...more },
      body: '',
    });
  });
});
