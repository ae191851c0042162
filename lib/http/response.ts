import type { Cookie } from './cookies.ts';

export interface HttpResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Those to set. */
  cookies?: readonly Cookie[];
}

/** RFC 6749 section 5.1: whatever holds a token, or tells of one, is not to be stored. */
export const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): HttpResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * 303 (RFC 9700 section 4.12): the browser comes with GET. After 307 it would send its form, and the
 * password in it, once more.
 *
 * @param location a URL, or a path on this host
 * @throws {TypeError} for what is no URL's text. It is not told: it may hold a code
 */
export function redirect(location: string, cookies: readonly Cookie[] = []): HttpResponse {
  if (!/^[\x21-\x7e]+$/.test(location)) throw new TypeError('the location is no URL');
  return { status: 303, headers: { Location: location, ...NO_STORE }, body: '', cookies };
}
