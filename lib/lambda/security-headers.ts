import { addHeaders, type Middleware } from './middleware.ts';

const SECURITY_HEADERS = {
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
};

/** The headers that keep browsers from guessing, and from plain HTTP. */
export function securityHeaders(): Middleware {
  return addHeaders(() => SECURITY_HEADERS);
}
