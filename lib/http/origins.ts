import { isSecureUrl } from '../runtime/secure-url.ts';

/**
 * Whose pages may read an endpoint's answers (the Fetch standard's CORS protocol): those of any
 * origin, or of those named. An endpoint that reads cookies, or what else a browser sends by
 * itself, never says `*`.
 */
export type Origins = '*' | NamedOrigins;

export interface NamedOrigins {
  /** As browsers write them: `https://app.example`. */
  exactly: readonly string[];
  /** Their requests may bring cookies. */
  withCredentials?: true;
}

type Headers = Readonly<Record<string, string>>;

/** Seconds that a browser may remember the answer to a preflight. */
const PREFLIGHT_AGE = 86_400;

const EXPOSED = { 'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag' };

/**
 * @throws {TypeError} for a name that no browser writes, or that anybody on the way can take:
 * `null`, http, a path
 */
export function assertOrigins(origins: Origins | undefined): void {
  if (origins === undefined || origins === '*') return;
  for (const name of origins.exactly) {
    const isExact = URL.canParse(name) && new URL(name).origin === name && !name.includes('*');
    if (!isExact || !isSecureUrl(new URL(name))) throw new TypeError(`${name} is no https origin`);
  }
}

/**
 * What every answer tells browsers, refusals and preflights included.
 *
 * @param origin the request's `Origin`
 */
export function originHeaders(origins: Origins | undefined, origin: string | undefined): Headers {
  if (origins === undefined) return {};
  if (origins === '*') return { 'Access-Control-Allow-Origin': '*', ...EXPOSED };
  if (origin === undefined || !origins.exactly.includes(origin)) return { Vary: 'Origin' };
  return {
    'Access-Control-Allow-Origin': origin,
    ...EXPOSED,
    ...(origins.withCredentials && { 'Access-Control-Allow-Credentials': 'true' }),
    Vary: 'Origin',
  };
}

/**
 * What the answer to a preflight tells besides: nothing to a page that may not read the answers.
 */
export function preflightHeaders(
  origins: Origins | undefined,
  origin: string | undefined,
  methods: string,
): Headers {
  if (!('Access-Control-Allow-Origin' in originHeaders(origins, origin))) return {};
  return {
    'Access-Control-Allow-Methods': methods,
    'Access-Control-Allow-Headers': 'authorization, content-type',
    'Access-Control-Max-Age': String(PREFLIGHT_AGE),
  };
}
