import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { HttpRequest } from '../http/request.ts';
import type { HttpResponse } from '../http/response.ts';
import { OAuthError } from '../oauth/errors.ts';

/** Bytes. A token request is a few hundred; an assertion makes it a few thousand. */
const LARGEST_BODY = 16 * 1024;

/**
 * The request of an HTTP API's event (payload format 2.0).
 *
 * @throws {OAuthError} `invalid_request` for a body that is too large, or not what it says it is
 */
export function requestOf(event: APIGatewayProxyEventV2): HttpRequest {
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

/**
 * API Gateway sends names in lower case, and cookies apart; what stands in for it elsewhere may do
 * neither.
 */
export function headersOf(event: APIGatewayProxyEventV2): Record<string, string> {
  const { headers = {}, cookies } = event;
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...Object.fromEntries(lower), ...(cookies && { cookie: cookies.join('; ') }) };
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

/** The result that an HTTP API makes the response of. */
export function resultOf(response: HttpResponse): APIGatewayProxyStructuredResultV2 {
  const { status, headers, body, cookies = [] } = response;
  return {
    statusCode: status,
    headers: { ...headers },
    body,
    ...(cookies.length > 0 && { cookies: [...cookies] }),
  };
}
