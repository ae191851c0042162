import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** What surrounds an endpoint: one concern each. */
export type Middleware = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

type Headers = Readonly<Record<string, string>>;

/** Adds headers to every answer, refusals included. Those that the answer has already stay. */
export function addHeaders(headersFor: (event: APIGatewayProxyEventV2) => Headers): Middleware {
  function add(execution: Request<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>) {
    const { event, response } = execution;
    execution.response = { ...response, headers: { ...headersFor(event), ...response?.headers } };
  }
  return { after: add, onError: add };
}
