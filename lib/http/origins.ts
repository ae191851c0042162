import { isSecureUrl } from '../runtime/secure-url.ts';

/**
 * Whose pages may read an endpoint's answers (the Fetch standard's CORS protocol). An endpoint that
 * reads cookies, or what else a browser sends by itself, is never for any origin.
 *
 * @returns what an answer to that `Origin` tells browsers, refusals and preflights included
 */
export type Origins = (origin: string | undefined) => Readonly<Record<string, string>>;

const EXPOSED = { 'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag' };

export const anyOrigin: Origins = () => ({ 'Access-Control-Allow-Origin': '*', ...EXPOSED });

/**
 * @param exactly as browsers write them: `https://app.example`
 * @param withCredentials whether their requests may bring cookies
 * @throws {TypeError} for what no browser writes, or anybody on the way can take: `null`, http, a
 * path
 */
export function namedOrigins(
  exactly: readonly string[],
  { withCredentials = false }: { withCredentials?: boolean } = {},
): Origins {
  for (const name of exactly) {
    const isExact = URL.canParse(name) && new URL(name).origin === name && !name.includes('*');
    if (!isExact || !isSecureUrl(new URL(name))) throw new TypeError(`${name} is no https origin`);
  }
  return (origin) => {
    if (origin === undefined || !exactly.includes(origin)) return { Vary: 'Origin' };
    return {
      'Access-Control-Allow-Origin': origin,
      ...EXPOSED,
      ...(withCredentials && { 'Access-Control-Allow-Credentials': 'true' }),
      Vary: 'Origin',
    };
  };
}
