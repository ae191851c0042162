import { isScopeToken } from '../../oauth/scope.ts';
import {
  createRouteTable,
  isAmbiguous,
  isMethod,
  isSameShape,
  type Route,
  type RouteTable,
  segmentsOf,
} from './route-table.ts';

/** Characters. A resource in a policy may have 512, the ARN of the stage among them. */
const LONGEST_TEMPLATE = 256;

/** RFC 3986 section 3.3 without `*`, which is a wildcard in a policy, and `;`, which ends a declaration. */
const LITERAL = "[\\w.~!$&'()+,=:@%-]+";
const NAME = '[\\w.-]+';
const TEMPLATE = new RegExp(`^(?:/(?:${LITERAL}|\\{${NAME}\\}))*(?:/(?:\\{${NAME}\\+\\})?)?$`);

/**
 * Reads declarations, one per line or separated by semicolons: `GET /users/{id}: read:users`. Several scopes are
 * all needed; none means any valid token.
 *
 * @throws {SyntaxError} that names the line
 */
export function parseRouteScopes(text: string): RouteTable {
  const lines = text
    .split(/[\n;]/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '');
  if (lines.length === 0) throw new SyntaxError('declares no route');
  const routes: (Route & { number: number })[] = [];
  for (const { line, number } of lines) {
    const route = parseLine(line, number);
    const repeated = routes.find(
      ({ method, segments }) => method === route.method && isSameShape(segments, route.segments),
    );
    if (repeated) throw new SyntaxError(`line ${number} repeats line ${repeated.number}`);
    routes.push({ ...route, number });
  }
  return createRouteTable(routes.map(({ number: _, ...route }) => route));
}

function parseLine(line: string, number: number): Route {
  const [, method, path, scopeText = ''] = /^(\S+)\s+(\S+?)\s*:(?:\s+(.*))?$/.exec(line) ?? [];
  if (method === undefined || path === undefined) {
    throw new SyntaxError(`line ${number} is not of the form "METHOD /path: scope scope"`);
  }
  const isAny = method === 'ANY' || method === '*';
  if (!isAny && !isMethod(method)) throw new SyntaxError(`line ${number} has an unknown method`);
  const isTemplate = path.length <= LONGEST_TEMPLATE && TEMPLATE.test(path) && !isAmbiguous(path);
  if (!isTemplate) throw new SyntaxError(`line ${number} has a malformed path`);
  const scopes = scopeText.split(/\s+/).filter((scope) => scope !== '');
  if (!scopes.every(isScopeToken)) throw new SyntaxError(`line ${number} has a malformed scope`);
  return { method: isAny ? 'ANY' : method, segments: segmentsOf(path), scopes };
}
