import { expect, it } from 'vitest';
import { securityHeaders } from '../../lib/lambda/security-headers.ts';
import { surround } from './surround.ts';

const SECURITY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Strict-Transport-Security': 'max-age=31536000',
};

it('every answer has the headers that keep browsers from guessing, beside its own', async () => {
  const handler = async () => ({ statusCode: 204, headers: { ETag: '"1"' } });
  expect(await surround(securityHeaders(), handler)).toEqual({
    statusCode: 204,
    headers: { ETag: '"1"', ...SECURITY_HEADERS },
  });
});

it('an answer that has one of them already keeps its own', async () => {
  const own = { 'Strict-Transport-Security': 'max-age=1' };
  const { headers } = await surround(securityHeaders(), async () => ({ headers: own }));
  expect(headers).toEqual({ ...SECURITY_HEADERS, ...own });
});
