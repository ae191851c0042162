import { OAuthError } from '../oauth/errors.ts';
import { assertOrigins, type Origins, preflightHeaders } from './origins.ts';
import type { HttpRequest } from './request.ts';
import type { HttpResponse } from './response.ts';

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
  assertOrigins(origins);
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  const allow = allowed.join(', ');
  async function endpoint(request: HttpRequest): Promise<HttpResponse> {
    if (request.method === 'OPTIONS') {
      const preflight = preflightHeaders(origins, request.headers.origin, allow);
      return { status: 204, headers: { Allow: allow, ...preflight }, body: '' };
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
