import { OAuthError } from '../oauth/errors.ts';
import type { Origins } from './origins.ts';
import type { HttpRequest } from './request.ts';
import type { HttpResponse } from './response.ts';

/** Seconds that a browser may remember the answer to a preflight. */
const PREFLIGHT_AGE = 86_400;

/**
 * One HTTP endpoint: request -> protocol -> response. Throws `OAuthError` for what the client did
 * wrong.
 */
export interface Endpoint {
  (request: HttpRequest): Promise<HttpResponse>;
  /** Whose pages may read its answers, refusals included. Nobody's where it says nothing. */
  readonly origins?: Origins;
}

export interface EndpointOptions {
  methods: readonly ('GET' | 'POST')[];
  origins?: Origins;
}

/**
 * What every endpoint has in common: only its methods (RFC 9110 section 15.5.6), HEAD where there
 * is GET, an answer to preflights, and a word on whose pages may read it.
 */
export function createEndpoint(
  { methods, origins }: EndpointOptions,
  answer: (request: HttpRequest) => Promise<HttpResponse>,
): Endpoint {
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  const allow = allowed.join(', ');

  /** Nothing to a page that may not read the answers. */
  function preflightHeaders({ headers }: HttpRequest) {
    const mayRead = 'Access-Control-Allow-Origin' in (origins?.(headers.origin) ?? {});
    if (!mayRead) return undefined;
    return {
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': 'authorization, content-type',
      'Access-Control-Max-Age': String(PREFLIGHT_AGE),
    };
  }

  async function endpoint(request: HttpRequest): Promise<HttpResponse> {
    if (request.method === 'OPTIONS') {
      return { status: 204, headers: { Allow: allow, ...preflightHeaders(request) }, body: '' };
    }
    if (!allowed.includes(request.method)) {
      throw new OAuthError('invalid_request', `The method must be ${methods.join(' or ')}`, {
        status: 405,
        headers: { Allow: allow },
      });
    }
    const response = await answer(request);
    return request.method === 'HEAD' ? { ...response, body: '' } : response;
  }
  return Object.assign(endpoint, origins && { origins });
}
