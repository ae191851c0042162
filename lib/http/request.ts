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
