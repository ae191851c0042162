import { describe, expect, it } from 'vitest';
import { createCookie } from '../../lib/http/cookies.ts';
import { redirect } from '../../lib/http/response.ts';

describe('a redirect', () => {
  it.each(['https://app.example/callback?code=a&state=b', '/login'])(
    'to %s has the browser come with GET, and nobody keep it',
    (location) => {
      expect(redirect(location)).toEqual({
        status: 303,
        headers: { Location: location, 'Cache-Control': 'no-store', Pragma: 'no-cache' },
        body: '',
        cookies: [],
      });
    },
  );

  it('may set cookies', () => {
    const cookie = createCookie({
      name: '__Host-session',
      value: 'id',
      path: '/',
      sameSite: 'Lax',
      httpOnly: true,
      secure: true,
    });
    expect(redirect('/', [cookie]).cookies).toEqual([cookie]);
  });

  it.each([
    '',
    'https://app.example/\r\nSet-Cookie: a=b',
    'https://app.example/\n',
    'https://app.example/\u0000',
    'https://app.example/\u007f',
    'https://app.example/a b',
    '\thttps://app.example/',
    'https://app.example/ä',
  ])('goes to no such place as %j, and does not say which', (location) => {
    expect(() => redirect(location)).toThrow('the location is no URL');
  });
});
