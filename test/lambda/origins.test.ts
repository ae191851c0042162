import { expect, it } from 'vitest';
import { namedOrigins } from '../../lib/http/origins.ts';
import { allowOrigins } from '../../lib/lambda/origins.ts';
import { surround } from './surround.ts';

const handler = async () => ({ statusCode: 200, headers: { ETag: '"1"' } });

it('an answer tells the page that asked whether it may read it', async () => {
  const origins = namedOrigins(['https://app.example']);
  const headers = { Origin: 'https://app.example' };
  expect((await surround(allowOrigins(origins), handler, { headers })).headers).toEqual({
    ETag: '"1"',
    'Access-Control-Allow-Origin': 'https://app.example',
    'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag',
    Vary: 'Origin',
  });
});

it('an answer tells pages nothing where nothing was said of origins', async () => {
  const headers = { origin: 'https://app.example' };
  expect(await surround(allowOrigins(undefined), handler, { headers })).toEqual(await handler());
});
