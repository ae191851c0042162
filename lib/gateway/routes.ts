/** The methods that API Gateway knows, which `ANY` stands for. */
export const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

export type Segment =
  | { kind: 'literal'; text: string }
  /** `{id}`: one segment, which is not empty. */
  | { kind: 'parameter' }
  /** `{proxy+}`: all the rest of the path, which is not empty. */
  | { kind: 'rest' };

/** A route and the scopes that a token must have, all of them, to call it. */
export interface Route {
  method: Method | 'ANY';
  segments: readonly Segment[];
  scopes: readonly string[];
}

/** The most specific route first. */
export type RouteTable = readonly Route[];

export interface RouteRequest {
  method: string;
  /** Without the stage; starts with a slash. */
  path: string;
  /** The path of the gateway's own route, `/users/{id}`, where it is known. */
  routePath?: string | undefined;
}

/** Characters. A resource in a policy may have 512, the ARN of the stage among them. */
const LONGEST_TEMPLATE = 256;

/** RFC 3986 section 3.3 without `*`, which is a wildcard in a policy, and `;`, which ends a declaration. */
const LITERAL = /^[\w.~!$&'()+,=:@%-]+$/;

export function isMethod(text: string): text is Method {
  return (METHODS as readonly string[]).includes(text);
}

export function createRouteTable(routes: readonly Route[]): RouteTable {
  return routes.toSorted(bySpecificity);
}

/** Whether a token with these scopes may make the request. Without a table, every valid token may. */
export function isAllowed(
  table: RouteTable | undefined,
  request: RouteRequest,
  scopes: readonly string[],
): boolean {
  if (table === undefined) return true;
  const route = findRoute(table, request);
  return route !== undefined && mayCall(route, scopes);
}

export function mayCall(route: Route, scopes: readonly string[]): boolean {
  return route.scopes.every((scope) => scopes.includes(scope));
}

/** The most specific of the declared routes that the path matches, or that are the gateway's own. */
export function findRoute(table: RouteTable, request: RouteRequest): Route | undefined {
  const path = request.path.slice(1).split('/');
  const template = request.routePath && templateSegments(request.routePath);
  return table.find(
    (route) =>
      coversMethod(route, request.method) &&
      (matches(route.segments, path) || (template && isSameShape(route.segments, template))),
  );
}

/** The routes of one method, the most specific first: `GET` takes the place of `ANY` on the same path. */
export function routesOf(table: RouteTable, method: string): Route[] {
  const routes = table.filter((route) => coversMethod(route, method));
  return routes.filter(
    ({ segments }, index) =>
      !routes.slice(0, index).some((earlier) => isSameShape(earlier.segments, segments)),
  );
}

/** Names of parameters do not count. */
export function isSameShape(one: readonly Segment[], other: readonly Segment[]): boolean {
  return shapeOf(one) === shapeOf(other);
}

/** The segments of a path template; undefined where no route can have it. */
export function templateSegments(template: string): Segment[] | undefined {
  if (!template.startsWith('/') || template.length > LONGEST_TEMPLATE) return undefined;
  const texts = template.slice(1).split('/');
  const segments = texts.map((text, index) => parseSegment(text, index === texts.length - 1));
  return segments.every((segment) => segment !== undefined) ? segments : undefined;
}

function parseSegment(text: string, isLast: boolean): Segment | undefined {
  if (/^\{[\w.-]+\}$/.test(text)) return { kind: 'parameter' };
  if (isLast && /^\{[\w.-]+\+\}$/.test(text)) return { kind: 'rest' };
  if (LITERAL.test(text) || (isLast && text === '')) return { kind: 'literal', text };
  return undefined;
}

function shapeOf(segments: readonly Segment[]): string {
  return segments
    .map((segment) => (segment.kind === 'literal' ? segment.text : `{${segment.kind}}`))
    .join('/');
}

function coversMethod(route: Route, method: string): boolean {
  return isMethod(method) && (route.method === method || route.method === 'ANY');
}

function matches(segments: readonly Segment[], path: readonly string[]): boolean {
  const endsInRest = segments.at(-1)?.kind === 'rest';
  if (endsInRest ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((segment, index) => {
    if (segment.kind === 'rest') return path.slice(index).join('/') !== '';
    return segment.kind === 'literal' ? path[index] === segment.text : path[index] !== '';
  });
}

/** From the left: a literal before a parameter before the rest; then a method before `ANY`. */
function bySpecificity(one: Route, other: Route): number {
  const [a, b] = [rankOf(one), rankOf(other)];
  return a < b ? -1 : Number(a > b);
}

function rankOf({ method, segments }: Route): string {
  const ranks = { literal: '0', parameter: '1', rest: '2' };
  return segments.map(({ kind }) => ranks[kind]).join('') + (method === 'ANY' ? ' ANY' : ' ');
}
