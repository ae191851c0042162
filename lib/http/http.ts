/** A request, whatever gateway brought it. */
export interface HttpRequest {
  method: string;
  path: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Without the question mark, as it was sent. */
  query: string;
  body: string;
  /** The IP address that the gateway saw. */
  sourceIp: string;
}

export interface HttpResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** One HTTP endpoint: request -> protocol -> response. Throws `OAuthError` for what the client did wrong. */
export type Endpoint = (request: HttpRequest) => Promise<HttpResponse>;

/** RFC 6749 section 5.1: whatever holds a token, or tells of one, is not to be stored. */
export const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): HttpResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
