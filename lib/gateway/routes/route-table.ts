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
  /** The path of the route that the gateway took, `/users/{id}`, where it is known. Starts with a slash. */
  routePath?: string | undefined;
}

/**
 * What gives a path a second meaning (RFC 3986 section 6.2.2): encoded unreserved characters, encoded slashes,
 * backslashes, encoded or not, and dot segments.
 */
const AMBIGUOUS = /%(?:2[DEF]|3\d|[46][1-9A-F]|[57][\dA]|5[CF]|7E)|\\|\/\.\.?(?:\/|$)/i;

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

/** Whether what stands behind the gateway may take the path for another one. */
export function isAmbiguous(path: string): boolean {
  return AMBIGUOUS.test(path);
}

/**
 * The declared route that decides about a request. Where the gateway tells its own route, that is the one of the
 * same shape, whatever the path looks like: HTTP APIs decode it, and `/files/a%2Fb` becomes `/files/a/b`.
 *
 * Where it does not tell, or its route is a catch-all, the most specific one that the path matches. Where its
 * route is not declared, that must be a `{proxy+}` as well and take in all of the gateway's route: a route that
 * is merely not declared shall not pass for `{id}`.
 */
export function findRoute(
  table: RouteTable,
  { method, path, routePath }: RouteRequest,
): Route | undefined {
  const routes = table.filter((route) => coversMethod(route, method));
  const own = routePath === undefined ? undefined : segmentsOf(routePath);
  if (own === undefined || endsInRest(own)) return findByPath(routes, path);
  const declared = routes.find(({ segments }) => isSameShape(segments, own));
  if (declared !== undefined) return declared;
  const route = findByPath(routes, path);
  const isTakenIn =
    route && endsInRest(route.segments) && matches(route.segments, shapeOf(own).split('/'));
  return isTakenIn ? route : undefined;
}

function findByPath(routes: readonly Route[], path: string): Route | undefined {
  if (isAmbiguous(path)) return undefined;
  const texts = path.slice(1).split('/');
  return routes.find(({ segments }) => matches(segments, texts));
}

/** The routes of one method, the most specific first: `GET` takes the place of `ANY` on the same path. */
export function routesOf(table: RouteTable, method: string): Route[] {
  const routes = new Map<string, Route>();
  for (const route of table) {
    const shape = shapeOf(route.segments);
    if (coversMethod(route, method) && !routes.has(shape)) routes.set(shape, route);
  }
  return [...routes.values()];
}

/** Names of parameters do not count. */
export function isSameShape(one: readonly Segment[], other: readonly Segment[]): boolean {
  return shapeOf(one) === shapeOf(other);
}

/** The segments of a path template, which starts with a slash. serverless-offline writes `{proxy*}`. */
export function segmentsOf(template: string): Segment[] {
  return template
    .slice(1)
    .split('/')
    .map((text) => {
      if (/^\{.*[+*]\}$/.test(text)) return { kind: 'rest' };
      return /^\{.*\}$/.test(text) ? { kind: 'parameter' } : { kind: 'literal', text };
    });
}

/** No literal has a brace, so that a shape is a path that no literal but its own matches. */
function shapeOf(segments: readonly Segment[]): string {
  return segments
    .map((segment) => (segment.kind === 'literal' ? segment.text : `{${segment.kind}}`))
    .join('/');
}

function endsInRest(segments: readonly Segment[]): boolean {
  return segments.at(-1)?.kind === 'rest';
}

function coversMethod(route: Route, method: string): boolean {
  return isMethod(method) && (route.method === method || route.method === 'ANY');
}

function matches(segments: readonly Segment[], path: readonly string[]): boolean {
  const isFitting = endsInRest(segments)
    ? path.length >= segments.length
    : path.length === segments.length;
  if (!isFitting) return false;
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
