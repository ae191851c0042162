import { isScopeToken } from '../oauth/scope.ts';
import {
  createRouteTable,
  isMethod,
  isSameShape,
  type Route,
  type RouteTable,
  templateSegments,
} from './routes.ts';

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
  const segments = templateSegments(path);
  if (segments === undefined) throw new SyntaxError(`line ${number} has a malformed path`);
  const scopes = scopeText.split(/\s+/).filter((scope) => scope !== '');
  if (!scopes.every(isScopeToken)) throw new SyntaxError(`line ${number} has a malformed scope`);
  return { method: isAny ? 'ANY' : method, segments, scopes };
}
