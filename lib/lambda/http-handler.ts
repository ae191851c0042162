import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Endpoint } from '../http/endpoint.ts';
import { errorResponse } from '../http/error-response.ts';
import type { HttpResponse } from '../http/response.ts';
import type { InvocationContext } from '../runtime/invocation-signal.ts';
import type { Log } from '../runtime/log.ts';
import { withDeadline } from './deadline.ts';
import { answerErrors } from './errors.ts';
import { requestOf, resultOf } from './http-event.ts';
import { allowOrigins } from './origins.ts';
import { logRefusals } from './refusal-log.ts';
import { securityHeaders } from './security-headers.ts';

/** Milliseconds that are kept to tell the client to come again. */
const TIME_TO_ANSWER = 250;

export interface LambdaHandlerOptions {
  log: Log;
  /** What an error becomes: JSON, unless people are to read it. */
  toResponse?: (error: unknown) => HttpResponse;
}

/**
 * The Lambda handler of an endpoint behind an HTTP API (payload format 2.0). Answers and errors
 * pass the middlewares from the last to the first: an error is logged, becomes a response, and has
 * its headers like any other.
 */
export function lambdaHandler(
  endpoint: Endpoint,
  { log, toResponse = errorResponse }: LambdaHandlerOptions,
) {
  // Middy's own time limit is off: all handlers have the same.
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
    timeoutEarlyInMillis: 0,
  })
    .use(securityHeaders())
    .use(allowOrigins(endpoint.origins))
    .use(answerErrors(toResponse))
    .use(logRefusals(log))
    .handler(async (event, context: InvocationContext) => {
      const deadline = {
        remaining: context.getRemainingTimeInMillis?.(),
        reserve: TIME_TO_ANSWER,
      };
      return resultOf(await withDeadline(deadline, () => endpoint(requestOf(event))));
    });
}
