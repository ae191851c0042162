/** A cookie for the host that sets it, and for no other: there is no `Domain`. */
export interface CookieOptions {
  /** `__Host-` in front of it has browsers refuse it from anybody but this host, over https. */
  name: string;
  /**
   * What the cookie grammar allows: visible ASCII without quotes, commas, semicolons and
   * backslashes.
   */
  value: string;
  /** Seconds; 0 removes it. Undefined for as long as the browser is open. */
  maxAge?: number;
  path: string;
  sameSite: 'Strict' | 'Lax' | 'None';
  httpOnly: boolean;
  secure: boolean;
}

declare const checked: unique symbol;

/** The value of a `Set-Cookie`. Only `createCookie` makes one. */
export type Cookie = string & { readonly [checked]: true };

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** The `cookie-octet` of RFC 6265bis section 4.1.1. */
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/;

/** Bytes of name and value together. Browsers ignore what is longer (RFC 6265bis section 5.6). */
const LARGEST = 4096;

/**
 * A cookie to be set (RFC 6265bis section 4.1.1).
 *
 * @throws {TypeError} for what a browser would misread or ignore. It tells the name alone.
 */
export function createCookie(options: CookieOptions): Cookie {
  const { name, value, maxAge, path, sameSite, httpOnly, secure } = options;
  if (!TOKEN.test(name)) throw new TypeError('the name of a cookie is no token');
  assertCookie(VALUE.test(value), name, 'has a value that cannot be sent');
  assertCookie(name.length + value.length <= LARGEST, name, 'is too large');
  assertCookie(PATH.test(path), name, 'has no path');
  assertCookie(isMaxAge(maxAge), name, 'has an age that is no whole number of seconds');
  assertCookie(secure || sameSite !== 'None', name, 'must be secure to be sent by other sites');
  assertCookie(secure || !/^__(secure|host)-/i.test(name), name, 'must be secure');
  assertCookie(path === '/' || !/^__host-/i.test(name), name, 'must be for the whole host');
  const text = [
    `${name}=${value}`,
    `Path=${path}`,
    ...(maxAge === undefined ? [] : [`Max-Age=${maxAge}`]),
    `SameSite=${sameSite}`,
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(secure ? ['Secure'] : []),
  ].join('; ');
  return text as Cookie;
}

function isMaxAge(maxAge: number | undefined): boolean {
  return maxAge === undefined || (Number.isSafeInteger(maxAge) && maxAge >= 0);
}

function assertCookie(holds: boolean, name: string, problem: string): void {
  if (!holds) throw new TypeError(`the cookie ${name} ${problem}`);
}

/**
 * The value of the cookie of that name in a request's `Cookie` header; undefined where there is
 * none. A malformed cookie is none, and so is one with blanks around its name that the grammar does
 * not have: browsers let anybody set those, and a server that trims them takes them for `__Host-`.
 * Where two have the name, neither counts: one may be planted by a neighbouring host, and nothing
 * says which (RFC 6265bis section 4.2.2).
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '').split(';').flatMap((pair) => {
    const [, found, value = ''] = /^[ \t]*([^ \t=][^=]*)=([\s\S]*)$/.exec(pair) ?? [];
    return found === name ? [value] : [];
  });
  const [value = ''] = values;
  return values.length === 1 && VALUE.test(value) ? value : undefined;
}
