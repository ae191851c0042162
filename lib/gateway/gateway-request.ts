/** Who asks: REST API (TOKEN and REQUEST authorizers) or HTTP API (payload formats 1.0 and 2.0). */
export type GatewayShape = 'rest-token' | 'rest-request' | 'http-1.0' | 'http-2.0';

/** A request as the authorizer sees it, whatever gateway asks. */
export interface GatewayRequest {
  shape: GatewayShape;
  /** The values of all `Authorization` headers. The query is never looked at. */
  authorizations: readonly string[];
  /** Upper case. */
  method: string;
  /**
   * Without the stage; starts with a slash. As the client sent it through a REST API; percent-decoded by an
   * HTTP API, so that a slash in it may be no separator.
   */
  path: string;
  /**
   * The path of the gateway's own route, `/users/{id}`; undefined where the event does not tell, and for
   * `$default`.
   */
  routePath: string | undefined;
  /** The ARN of the API's stage, `arn:aws:execute-api:eu-west-1:123456789012:api/stage`; undefined if malformed. */
  stageArn: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Nothing in the part that goes into a policy may be a wildcard there. */
const INVOCATION_ARN =
  /^(arn:[\w-]+:execute-api:[\w-]*:[\w-]*:[\w-]+\/[\w$-]+)\/([A-Za-z]+)(?:\/(.*))?$/s;

/** The request in an authorizer's event; undefined where the event is none that API Gateway sends. */
export function readGatewayRequest(event: unknown): GatewayRequest | undefined {
  const fields = fieldsOf(event);
  if (fields.type === 'TOKEN') return readTokenEvent(fields);
  if (fields.version === '2.0') return readVersion2(fields);
  if (fields.type !== 'REQUEST') return undefined;
  if (fields.version === '1.0') return readRequestEvent(fields, 'http-1.0');
  return fields.version === undefined ? readRequestEvent(fields, 'rest-request') : undefined;
}

function readTokenEvent({ authorizationToken, methodArn }: Fields): GatewayRequest {
  return {
    shape: 'rest-token',
    authorizations: typeof authorizationToken === 'string' ? [authorizationToken] : [],
    routePath: undefined,
    ...readArn(methodArn),
  };
}

function readRequestEvent(fields: Fields, shape: GatewayShape): GatewayRequest {
  return {
    shape,
    authorizations: authorizationsOf(fields),
    routePath: /^\/.*$/s.exec(text(fields.resource) ?? '')?.[0],
    ...readArn(fields.methodArn),
  };
}

/**
 * The ARN has the path without the stage. Where it has the route's template instead, as serverless-offline
 * sends it, the raw path tells, whose stage is to be taken off.
 */
function readVersion2(fields: Fields): GatewayRequest {
  const context = fieldsOf(fields.requestContext);
  const http = fieldsOf(context.http);
  const arn = readArn(fields.routeArn);
  const isConcrete = arn.stageArn !== undefined && !arn.path.includes('{');
  return {
    shape: 'http-2.0',
    authorizations: authorizationsOf(fields),
    method: (text(http.method) ?? arn.method).toUpperCase(),
    path: isConcrete ? arn.path : withoutStage(text(fields.rawPath) ?? '', text(context.stage)),
    routePath: /^[A-Z]+ (\/.*)$/.exec(text(fields.routeKey) ?? '')?.[1],
    stageArn: arn.stageArn,
  };
}

function readArn(arn: unknown): Pick<GatewayRequest, 'method' | 'path' | 'stageArn'> {
  const [, stageArn, method = '', path = ''] = INVOCATION_ARN.exec(text(arn) ?? '') ?? [];
  return { stageArn, method: method.toUpperCase(), path: `/${path}` };
}

function withoutStage(rawPath: string, stage = ''): string {
  const prefix = `/${stage}`;
  const path = rawPath === prefix ? '/' : rawPath;
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}

/** HTTP APIs send names in lower case, REST APIs and serverless-offline as the client wrote them. */
function authorizationsOf({ headers, multiValueHeaders }: Fields): string[] {
  const repeated = headerValues(multiValueHeaders).flat();
  const single = headerValues(headers).filter((value) => !repeated.includes(value));
  return [...repeated, ...single].map((value) => text(value) ?? '');
}

function headerValues(headers: unknown): unknown[] {
  return Object.entries(fieldsOf(headers))
    .filter(([name, value]) => name.toLowerCase() === 'authorization' && value !== undefined)
    .map(([, value]) => value);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
