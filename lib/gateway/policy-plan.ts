import { excessOf, meaningOf, overlap, type Pattern, reachOf, resourceOf } from './path-pattern.ts';
import type { Route, Segment } from './routes.ts';

/** What a policy allows and denies of one method's paths. A denial wins over every allowance. */
export interface PolicyPlan {
  allow: readonly Pattern[];
  deny: readonly Pattern[];
}

/**
 * The routes that may be called, and what must be denied because their resources reach further than they mean.
 * Where a denial also hits an allowed route, the one that hits the fewest is taken: never is a path allowed
 * whose route may not be called.
 *
 * @param routes of one method, the most specific first
 */
export function planPolicy(
  routes: readonly Route[],
  mayCall: (route: Route) => boolean,
): PolicyPlan {
  const allowed = routes.filter(mayCall);
  const deny = new Map<string, Pattern>();
  const add = (pattern: Pattern) => deny.set(resourceOf(pattern), pattern);
  for (const route of allowed) {
    const meaning = meaningOf(route.segments);
    for (const { segments } of routes.slice(0, routes.indexOf(route))) {
      const isForbidden = !allowed.some((other) => other.segments === segments);
      if (isForbidden && overlap(meaning, meaningOf(segments))) add(reachOf(segments));
    }
  }
  const forbidden = routes.filter((route) => !allowed.includes(route));
  for (const { segments } of allowed) {
    for (const [index, { kind }] of segments.entries()) {
      if (kind === 'parameter') denialsOfExcess(segments, index, allowed, forbidden).forEach(add);
    }
  }
  return { allow: allowed.map(({ segments }) => reachOf(segments)), deny: [...deny.values()] };
}

/** How many of the routes lose paths of theirs to a denial. */
export function losses(denial: Pattern, allowed: readonly Route[]): number {
  return allowed.filter(({ segments }) => overlap(denial, meaningOf(segments))).length;
}

/** Denies what a resource matches because a parameter took in slashes, as far as allowed routes let it. */
function denialsOfExcess(
  segments: readonly Segment[],
  index: number,
  allowed: readonly Route[],
  forbidden: readonly Route[],
): Pattern[] {
  const excess = excessOf(segments, index, 1);
  const price = losses(excess, allowed);
  if (price === 0) return [excess];
  const reaches = forbidden
    .filter((route) => overlap(excess, meaningOf(route.segments)))
    .map((route) => reachOf(route.segments));
  if (reaches.some((reach) => losses(reach, allowed) >= price)) return [excess];
  const deepest = Math.max(...allowed.map((route) => route.segments.length));
  const deeper = Array.from({ length: deepest }, (_, more) => excessOf(segments, index, more + 2));
  const harmless = deeper.find((pattern) => losses(pattern, allowed) === 0);
  return [...reaches, ...(harmless ? [harmless] : [])];
}
