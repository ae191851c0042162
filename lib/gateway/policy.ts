import { type Pattern, reachOf, resourceOf } from './path-pattern.ts';
import { losses, planPolicy } from './policy-plan.ts';
import {
  isAllowed,
  METHODS,
  mayCall,
  type RouteRequest,
  type RouteTable,
  routesOf,
  templateSegments,
} from './routes.ts';

export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: { Action: 'execute-api:Invoke'; Effect: 'Allow' | 'Deny'; Resource: string[] }[];
}

export interface PolicyRequest {
  /** `arn:aws:execute-api:eu-west-1:123456789012:api/stage` */
  stageArn: string;
  /** Undefined where every valid token may call every route. */
  routes: RouteTable | undefined;
  /** The token's. */
  scopes: readonly string[];
  /** The request that is asked about. */
  request: RouteRequest;
}

/** API Gateway takes resources of at most 512 characters in a policy. */
const LONGEST_RESOURCE = 512;

/** @param stageArn undefined where the event had none that could be read */
export function denyEverything(stageArn: string | undefined): PolicyDocument {
  return documentOf([], [stageArn === undefined ? '*' : `${stageArn}/*`]);
}

/**
 * Everything that a token with these scopes may call, since API Gateway may keep the policy and use it for every
 * route. An IAM `*` spans slashes: what an allowed route's resource reaches beyond the route is denied again.
 *
 * A path of a declared route that needs other scopes is never allowed. Nor is a path of no declared route, with
 * one exception: below a parameter, where the token may call a route that is as deep, no policy can tell the two
 * apart. The request that is asked about is always denied where it should be.
 */
export function policyFor({ stageArn, routes, scopes, request }: PolicyRequest): PolicyDocument {
  if (routes === undefined) return documentOf([`${stageArn}/*`], []);
  const allow = new Set<string>();
  const deny = new Set<string>();
  for (const method of METHODS) {
    const plan = planPolicy(routesOf(routes, method), (route) => mayCall(route, scopes));
    const resource = (pattern: Pattern) => `${stageArn}/${method}/${resourceOf(pattern)}`;
    for (const pattern of plan.allow) allow.add(resource(pattern));
    for (const pattern of plan.deny) deny.add(resource(pattern));
  }
  if (allow.size === 0) return denyEverything(stageArn);
  if (!isAllowed(routes, request, scopes)) {
    const denied = requestResources(routes, request, scopes);
    for (const resource of denied) deny.add(shortened(`${stageArn}/${resource}`));
  }
  return documentOf([...allow], [...deny]);
}

function documentOf(allow: string[], deny: string[]): PolicyDocument {
  const statement = (Effect: 'Allow' | 'Deny', Resource: string[]) =>
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
  const template = routePath === undefined ? undefined : templateSegments(routePath);
  const allowed = routesOf(table, method).filter((route) => mayCall(route, scopes));
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
