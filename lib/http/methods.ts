import { OAuthError } from '../oauth/errors.ts';
import type { Endpoint } from './http.ts';

/** Seconds that a browser may remember the answer to a preflight. */
const PREFLIGHT_AGE = 86_400;

/**
 * What every endpoint has in common: only its methods (RFC 9110 section 15.5.6), HEAD where there is GET, and
 * answers to browsers of any origin. No cookie is ever read behind it, so an origin has nothing to gain.
 */
export function withMethods(methods: readonly ('GET' | 'POST')[], endpoint: Endpoint): Endpoint {
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  const allow = allowed.join(', ');
  return async (request) => {
    if (request.method === 'OPTIONS') {
      return {
        status: 204,
        headers: {
          Allow: allow,
          'Access-Control-Allow-Methods': allow,
          'Access-Control-Allow-Headers': 'authorization, content-type',
          'Access-Control-Max-Age': String(PREFLIGHT_AGE),
        },
        body: '',
      };
    }
    if (!allowed.includes(request.method)) {
      throw new OAuthError('invalid_request', `The method must be ${methods.join(' or ')}`, {
        status: 405,
        headers: { Allow: allow },
      });
    }
    const response = await endpoint(request);
    return request.method === 'HEAD' ? { ...response, body: '' } : response;
  };
}
