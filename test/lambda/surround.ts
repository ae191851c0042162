import middy from '@middy/core';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import type { Middleware } from '../../lib/lambda/middleware.ts';
import { eventOf, type TestRequest } from '../support/latchkey.ts';

/** The result of a handler that this middleware alone surrounds. */
export function surround(
  middleware: Middleware,
  handler: () => Promise<APIGatewayProxyStructuredResultV2>,
  request: TestRequest = {},
): Promise<APIGatewayProxyStructuredResultV2> {
  const surrounded = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(middleware)
    .handler(handler);
  return surrounded(eventOf(request), {} as Context);
}
