import { OAuthError } from '../oauth/errors.ts';
import { TimeOverError } from '../runtime/invocation-signal.ts';
import { StoreUnavailableError } from '../runtime/store-unavailable-error.ts';
import { type HttpResponse, jsonResponse, NO_STORE } from './response.ts';

/** Seconds that a client is asked to wait where a store is down, or the time ran out. */
const RETRY_AFTER = 2;

/**
 * The response that an error becomes (RFC 6749 section 5.2). Anything but an `OAuthError` is a
 * fault of ours: the client learns nothing of it.
 */
export function errorResponse(error: unknown): HttpResponse {
  const { status, code, description, headers } = asOAuthError(error);
  return jsonResponse(
    status,
    { error: code, error_description: description },
    { ...NO_STORE, ...headers },
  );
}

export function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof StoreUnavailableError || error instanceof TimeOverError) {
    return new OAuthError('temporarily_unavailable', 'The service is temporarily unavailable', {
      detail: error.message,
      headers: { 'Retry-After': String(RETRY_AFTER) },
      cause: error,
    });
  }
  return new OAuthError('server_error', 'The service failed to answer', {
    detail: describe(error),
    cause: error,
  });
}

/**
 * Where an unforeseen error came from. Its message stays out of the log: it may quote what the
 * client sent.
 */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is not an Error was thrown';
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...frames.slice(0, 5).map((frame) => frame.trim())].join(' ');
}
