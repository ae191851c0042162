import type { Log } from '../../runtime/log.ts';
import { meaningOf, type Pattern, reachOf, resourceOf } from './path-pattern.ts';
import { losses, planPolicy } from './policy-plan.ts';
import {
  isAllowed,
  isAmbiguous,
  METHODS,
  mayCall,
  type RouteRequest,
  type RouteTable,
  routesOf,
  segmentsOf,
} from './route-table.ts';

export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: {
    Action: 'execute-api:Invoke';
    Effect: 'Allow' | 'Deny';
    Resource: readonly string[];
  }[];
}

export interface PolicyOptions {
  /** Undefined where every valid token may call every route. */
  routes: RouteTable | undefined;
  log: Pick<Log, 'warn'>;
}

export interface PolicyRequest {
  /** `arn:aws:execute-api:eu-west-1:123456789012:api/stage` */
  stageArn: string;
  /** The token's. */
  scopes: readonly string[];
  /** The request that is asked about. */
  request: RouteRequest;
}

/** Bytes of a document that is logged as too large. AWS names 8 KB as the largest answer of an authorizer. */
export const LARGEST_POLICY = 8_000;

/** API Gateway takes resources of at most 512 characters in a policy. */
const LONGEST_RESOURCE = 512;

/** The most plans that are remembered: one per stage and set of scopes. */
const CAPACITY = 100;

/** Resources: what tokens with the same scopes may call of a stage, and what must be denied again. */
interface Plan {
  allow: readonly string[];
  deny: readonly string[];
}

/** @param stageArn undefined where the event had none that could be read */
export function denyEverything(stageArn: string | undefined): PolicyDocument {
  return documentOf([], [stageArn === undefined ? '*' : `${stageArn}/*`]);
}

/**
 * Makes policies of everything that a token may call, since API Gateway may keep the policy and use it for every
 * route. An IAM `*` spans slashes: what an allowed route's resource reaches beyond the route is denied again.
 *
 * A path of a declared route that needs other scopes is never allowed. Nor is a path of no declared route, with
 * one exception: below a parameter, where the token may call a route that is as deep, no policy can tell the two
 * apart. The request that is asked about is always denied where it should be, or where its path is ambiguous,
 * since a policy knows nothing but paths.
 */
export function createPolicies({ routes, log }: PolicyOptions) {
  const declaredScopes = [...new Set(routes?.flatMap((route) => route.scopes))];
  const plans = new Map<string, Plan>();

  function planFor(table: RouteTable, stageArn: string, scopes: readonly string[]): Plan {
    const relevant = declaredScopes.filter((scope) => scopes.includes(scope));
    const key = [stageArn, ...relevant].join(' ');
    const known = plans.get(key);
    if (known !== undefined) return known;
    const plan = makePlan(table, stageArn, scopes);
    const bytes = Buffer.byteLength(JSON.stringify(documentOf(plan.allow, plan.deny)));
    if (bytes > LARGEST_POLICY) log.warn('a policy may be too large for API Gateway', { bytes });
    for (const oldest of plans.keys()) {
      if (plans.size < CAPACITY) break;
      plans.delete(oldest);
    }
    plans.set(key, plan);
    return plan;
  }

  return ({ stageArn, scopes, request }: PolicyRequest): PolicyDocument => {
    if (routes === undefined) return documentOf([`${stageArn}/*`], []);
    const { allow, deny } = planFor(routes, stageArn, scopes);
    if (allow.length === 0) return denyEverything(stageArn);
    if (isAllowed(routes, request, scopes) && !isAmbiguous(request.path)) {
      return documentOf(allow, deny);
    }
    const denied = requestResources(routes, request, scopes);
    return documentOf(allow, [
      ...deny,
      ...denied.map((resource) => shortened(`${stageArn}/${resource}`)),
    ]);
  };
}

/** Each method by its name: `????` for HEAD and POST would match `GET//a` as well, since a `?` is a slash, too. */
function makePlan(table: RouteTable, stageArn: string, scopes: readonly string[]): Plan {
  const allow = new Set<string>();
  const deny = new Set<string>();
  for (const method of METHODS) {
    const plan = planPolicy(routesOf(table, method), (route) => mayCall(route, scopes));
    const resource = (pattern: Pattern) => `${stageArn}/${method}/${resourceOf(pattern)}`;
    for (const pattern of plan.allow) allow.add(resource(pattern));
    for (const pattern of plan.deny) deny.add(resource(pattern));
  }
  return { allow: [...allow], deny: [...deny] };
}

function documentOf(allow: readonly string[], deny: readonly string[]): PolicyDocument {
  const statement = (Effect: 'Allow' | 'Deny', Resource: readonly string[]) =>
    Resource.length === 0 ? [] : [{ Action: 'execute-api:Invoke' as const, Effect, Resource }];
  return {
    Version: '2012-10-17',
    Statement: [...statement('Allow', allow), ...statement('Deny', deny)],
  };
}

/** The request itself; and all requests of the gateway's own route, where no allowed route would lose any. */
function requestResources(
  table: RouteTable,
  { method, path, routePath }: RouteRequest,
  scopes: readonly string[],
): string[] {
  const template = routePath === undefined ? undefined : segmentsOf(routePath);
  const allowed = routesOf(table, method)
    .filter((route) => mayCall(route, scopes))
    .map(({ segments }) => meaningOf(segments));
  const isHarmless = template !== undefined && losses(reachOf(template), allowed) === 0;
  return [
    `${method}${withoutWildcards(path)}`,
    ...(isHarmless ? [`${method}/${resourceOf(reachOf(template))}`] : []),
  ];
}

/** A client may send characters that mean something in a policy: one that stands for any takes their place. */
function withoutWildcards(path: string): string {
  return path.replace(/[*{}"\\]|[^\x21-\x7e]/g, '?');
}

/** Where it is too long, the beginning of it, and so somewhat more. */
function shortened(resource: string): string {
  const isShort = resource.length <= LONGEST_RESOURCE;
  return isShort ? resource : `${resource.slice(0, LONGEST_RESOURCE - 1)}*`;
}
