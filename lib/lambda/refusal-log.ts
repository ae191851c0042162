import { asOAuthError } from '../http/error-response.ts';
import type { Log } from '../runtime/log.ts';
import type { Middleware } from './middleware.ts';

/** A line for each request that was refused: an error where the fault is ours. */
export function logRefusals(log: Log): Middleware {
  return {
    onError({ error, event }) {
      const { status, code, detail, description } = asOAuthError(error);
      const level = status >= 500 ? 'error' : 'info';
      log[level]('request refused', {
        error: code,
        detail: detail ?? description,
        status,
        method: event.requestContext?.http?.method,
        route: event.routeKey,
      });
    },
  };
}
