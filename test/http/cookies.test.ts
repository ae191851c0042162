import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CookieOptions, createCookie, readCookie } from '../../lib/http/cookies.ts';

const session: CookieOptions = {
  name: '__Host-session',
  value: 'dGhlIGlk',
  path: '/',
  sameSite: 'Lax',
  httpOnly: true,
  secure: true,
};

describe('a cookie that is set', () => {
  it.each<{ name: string; cookie: CookieOptions; text: string }>([
    {
      name: 'lives as long as the browser is open',
      cookie: session,
      text: '__Host-session=dGhlIGlk; Path=/; SameSite=Lax; HttpOnly; Secure',
    },
    {
      name: 'lives for so many seconds',
      cookie: { ...session, maxAge: 3600 },
      text: '__Host-session=dGhlIGlk; Path=/; Max-Age=3600; SameSite=Lax; HttpOnly; Secure',
    },
    {
      name: 'is removed',
      cookie: { ...session, value: '', maxAge: 0 },
      text: '__Host-session=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly; Secure',
    },
    {
      name: 'may be for scripts, for a path and without TLS, on a laptop',
      cookie: {
        name: 'theme',
        value: 'a=b',
        path: '/login',
        sameSite: 'Strict',
        httpOnly: false,
        secure: false,
      },
      text: 'theme=a=b; Path=/login; SameSite=Strict',
    },
  ])('$name', ({ cookie, text }) => {
    expect(createCookie(cookie)).toBe(text);
  });

  it.each<{ name: string; change: Partial<CookieOptions> }>([
    { name: 'no name', change: { name: '' } },
    { name: 'a blank in its name', change: { name: 'a b' } },
    { name: 'an equals sign in its name', change: { name: 'a=b' } },
    { name: 'a semicolon in its value', change: { value: 'a; Domain=example' } },
    { name: 'a line break in its value', change: { value: 'a\r\nSet-Cookie: b=c' } },
    { name: 'a quote in its value', change: { value: '"a"' } },
    { name: 'a comma in its value', change: { value: 'a,b' } },
    { name: 'a letter beyond ASCII in its value', change: { value: 'ä' } },
    { name: 'more than browsers keep', change: { value: 'a'.repeat(4083) } },
    { name: 'no path', change: { name: 'a', path: '' } },
    { name: 'a path that is none', change: { name: 'a', path: 'login' } },
    { name: 'an attribute in its path', change: { name: 'a', path: '/; Domain=example' } },
    { name: 'half a second', change: { maxAge: 0.5 } },
    { name: 'a negative age', change: { maxAge: -1 } },
    { name: 'an age that is no number', change: { maxAge: Number.NaN } },
    { name: '__Host- and no Secure', change: { secure: false } },
    { name: '__Host- and a path', change: { path: '/login' } },
    { name: '__host- and a path', change: { name: '__host-session', path: '/login' } },
    { name: '__Secure- and no Secure', change: { name: '__Secure-session', secure: false } },
    { name: 'SameSite=None and no Secure', change: { name: 'a', sameSite: 'None', secure: false } },
  ])('must not have $name, and whoever tries learns nothing of its value', ({ change }) => {
    const cookie = { ...session, ...change };
    expect(() => createCookie(cookie)).toThrow(TypeError);
    expect(() => createCookie(cookie)).not.toThrow(cookie.value || 'dGhlIGlk');
  });

  it('may be just as large as browsers keep', () => {
    const value = 'a'.repeat(4096 - session.name.length);
    expect(createCookie({ ...session, value })).toContain(value);
  });
});

describe('a cookie that is read', () => {
  it.each([
    { name: 'alone', header: '__Host-session=abc', value: 'abc' },
    { name: 'among others', header: 'a=1; __Host-session=abc; b=2', value: 'abc' },
    { name: 'beside malformed ones', header: 'a; =b; "; __Host-session=abc;;', value: 'abc' },
    { name: 'with an equals sign in it', header: '__Host-session=a=b==', value: 'a=b==' },
    { name: 'empty', header: '__Host-session=', value: '' },
    { name: 'nowhere', header: 'a=1', value: undefined },
    { name: 'where there is no header', header: undefined, value: undefined },
    { name: 'in another case', header: '__host-session=abc', value: undefined },
    { name: 'without a value', header: '__Host-session', value: undefined },
    { name: 'in quotes', header: '__Host-session="abc"', value: undefined },
    { name: 'with a comma', header: '__Host-session=a,b', value: undefined },
    { name: 'with a blank in it', header: '__Host-session=a b', value: undefined },
    { name: 'with a control character', header: '__Host-session=a\u0000', value: undefined },
    { name: 'with a letter beyond ASCII', header: '__Host-session=ä', value: undefined },
    { name: 'as the value of no name', header: '=__Host-session=abc', value: undefined },
    {
      name: 'after a blank that is none',
      header: 'a=1;\u2000__Host-session=abc',
      value: undefined,
    },
    { name: 'before a blank', header: '__Host-session =abc', value: undefined },
    { name: 'twice', header: '__Host-session=abc; __Host-session=def', value: undefined },
    { name: 'twice the same', header: '__Host-session=abc; __Host-session=abc', value: undefined },
    {
      name: 'twice, once malformed',
      header: '__Host-session=abc; __Host-session="',
      value: undefined,
    },
  ])('$name is $value', ({ header, value }) => {
    expect(readCookie(header, '__Host-session')).toBe(value);
  });

  it('is what was set, whatever it was', () => {
    const visible = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(fc.oneof(visible, fc.base64String(), fc.string({ unit: 'binary' })), (value) => {
        let text: string;
        try {
          text = createCookie({ ...session, value });
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        const [pair, ...attributes] = text.split('; ');
        expect(attributes).toEqual(['Path=/', 'SameSite=Lax', 'HttpOnly', 'Secure']);
        expect(readCookie(`a=1; ${pair}; b=2`, session.name)).toBe(value);
      }),
    );
  });

  it('is one that could be set, or none, whatever the header', () => {
    const pair = fc
      .tuple(fc.constantFrom('a', ' a', '\ta', '', 'b'), fc.string())
      .map((parts) => parts.join('='));
    const header = fc.oneof(
      fc.array(pair).map((pairs) => pairs.join(';')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(header, (text) => {
        const value = readCookie(text, 'a');
        if (value !== undefined) createCookie({ ...session, name: 'a', value });
      }),
    );
  });

  it('takes no time to find in a header made of blanks', () => {
    const blanks = ' \t'.repeat(100_000);
    const started = performance.now();
    expect(readCookie(`${blanks}=${blanks}a;${blanks}a${blanks}`, 'a')).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
