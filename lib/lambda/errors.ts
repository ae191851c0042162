import type { HttpResponse } from '../http/response.ts';
import { resultOf } from './http-event.ts';
import type { Middleware } from './middleware.ts';

/** Answers what was thrown: JSON for programs, or what else an endpoint's callers understand. */
export function answerErrors(errorResponse: (error: unknown) => HttpResponse): Middleware {
  return {
    onError(execution) {
      execution.response = resultOf(errorResponse(execution.error));
    },
  };
}
