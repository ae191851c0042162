import { describe, expect, it } from 'vitest';
import { readCookie } from '../../lib/http/cookies.ts';
import { requestOf } from '../../lib/lambda/http-event.ts';
import { eventOf } from '../support/latchkey.ts';

describe('the cookies of a request', () => {
  it.each([
    { name: 'apart, as API Gateway does', change: { cookies: ['a=1', 'b=2'] } },
    {
      name: 'apart and as a header',
      change: { cookies: ['a=1', 'b=2'], headers: { cookie: 'b=2' } },
    },
    { name: 'as a header', change: { headers: { Cookie: 'a=1; b=2' } } },
  ])('are read where they come $name', ({ change }) => {
    const { cookie } = requestOf({ ...eventOf({}), ...change }).headers;
    expect(cookie).toBe('a=1; b=2');
    expect(readCookie(cookie, 'b')).toBe('2');
  });

  it('are none where there are none', () => {
    expect(requestOf(eventOf({})).headers).not.toHaveProperty('cookie');
  });
});
