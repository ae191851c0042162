import type { Origins } from '../http/origins.ts';
import { headersOf } from './http-event.ts';
import { addHeaders, type Middleware } from './middleware.ts';

/**
 * Tells browsers whose pages may read the answer, also where the request never came to the
 * endpoint.
 */
export function allowOrigins(origins: Origins | undefined): Middleware {
  return addHeaders((event) => origins?.(headersOf(event).origin) ?? {});
}
