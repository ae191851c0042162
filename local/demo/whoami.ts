import type { APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda';

type Event = Partial<APIGatewayProxyEvent> & Partial<APIGatewayProxyEventV2>;

/** Answers with what the authorizer handed over, from a REST API as from an HTTP API. */
export async function handler(event: Event) {
  const context = event.requestContext as { authorizer?: { lambda?: unknown } } | undefined;
  const authorizer = context?.authorizer?.lambda ?? context?.authorizer ?? {};
  return {
    statusCode: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(authorizer),
  };
}
