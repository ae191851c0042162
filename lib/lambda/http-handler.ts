import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { asOAuthError, errorResponse } from '../http/error-response.ts';
import type { Endpoint, HttpRequest, HttpResponse } from '../http/http.ts';
import { OAuthError } from '../oauth/errors.ts';
import type { InvocationContext } from '../runtime/invocation-signal.ts';
import type { Log } from '../runtime/log.ts';
import { withDeadline } from './deadline.ts';

/** Bytes. A token request is a few hundred; an assertion makes it a few thousand. */
const LARGEST_BODY = 16 * 1024;

/** Milliseconds that are kept to tell the client to come again. */
const TIME_TO_ANSWER = 250;

const SECURITY_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After, ETag',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
};

/** The Lambda handler of an endpoint behind an HTTP API (payload format 2.0). */
export function lambdaHandler(endpoint: Endpoint, { log }: { log: Log }) {
  // Middy's own time limit is off: every handler has the same.
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
    timeoutEarlyInMillis: 0,
  })
    .use({
      onError(execution) {
        const { error, event } = execution;
        logError(log, error, event);
        execution.response = resultOf(errorResponse(error));
      },
    })
    .handler(async (event, context: InvocationContext) => {
      const deadline = { remaining: context.getRemainingTimeInMillis?.(), reserve: TIME_TO_ANSWER };
      return resultOf(await withDeadline(deadline, () => endpoint(requestOf(event))));
    });
}

function requestOf(event: APIGatewayProxyEventV2): HttpRequest {
  const { http } = event.requestContext;
  return {
    method: http.method.toUpperCase(),
    path: event.rawPath,
    headers: headersOf(event),
    query: event.rawQueryString ?? '',
    body: bodyOf(event),
    sourceIp: http.sourceIp,
  };
}

/** API Gateway sends names in lower case; what stands in for it elsewhere may not. */
function headersOf({ headers }: APIGatewayProxyEventV2): Record<string, string> {
  const lower = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return Object.fromEntries(lower);
}

function bodyOf({ body, isBase64Encoded }: APIGatewayProxyEventV2): string {
  if (!body) return '';
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > LARGEST_BODY) {
    throw new OAuthError('invalid_request', 'The body is too large', { status: 413 });
  }
  if (isBase64Encoded && bytes.toString('base64') !== body) {
    throw new OAuthError('invalid_request', 'The body is not valid base64');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OAuthError('invalid_request', 'The body is not valid UTF-8', { cause });
  }
}

function resultOf({ status, headers, body }: HttpResponse): APIGatewayProxyStructuredResultV2 {
  return { statusCode: status, headers: { ...SECURITY_HEADERS, ...headers }, body };
}

function logError(log: Log, thrown: unknown, event: APIGatewayProxyEventV2): void {
  const { status, code, detail, description } = asOAuthError(thrown);
  const level = status >= 500 ? 'error' : 'info';
  log[level]('request refused', {
    error: code,
    detail: detail ?? description,
    status,
    method: event.requestContext?.http?.method,
    route: event.routeKey,
  });
}
