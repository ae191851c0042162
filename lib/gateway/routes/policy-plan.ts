import { excessOf, meaningOf, overlap, type Pattern, reachOf, resourceOf } from './path-pattern.ts';
import type { Route, Segment } from './route-table.ts';

/** What a policy allows and denies of one method's paths. A denial wins over every allowance. */
export interface PolicyPlan {
  allow: readonly Pattern[];
  deny: readonly Pattern[];
}

/** A route, and its paths as it means them and as its resource in a policy reaches. */
interface Candidate {
  segments: readonly Segment[];
  meaning: Pattern;
  reach: Pattern;
  isAllowed: boolean;
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
  const candidates = routes.map((route): Candidate => {
    const { segments } = route;
    const [meaning, reach] = [meaningOf(segments), reachOf(segments)];
    return { segments, meaning, reach, isAllowed: mayCall(route) };
  });
  const allowed = candidates.filter(({ isAllowed }) => isAllowed);
  const forbidden = candidates.filter(({ isAllowed }) => !isAllowed);
  const deny = new Map<string, Pattern>();
  const add = (pattern: Pattern) => deny.set(resourceOf(pattern), pattern);
  for (const [index, { isAllowed, meaning }] of candidates.entries()) {
    if (!isAllowed) continue;
    for (const earlier of candidates.slice(0, index)) {
      if (!earlier.isAllowed && overlap(meaning, earlier.meaning)) add(earlier.reach);
    }
  }
  for (const { segments } of allowed) {
    for (const [index, { kind }] of segments.entries()) {
      if (kind === 'parameter') denialsOfExcess(segments, index, allowed, forbidden).forEach(add);
    }
  }
  return { allow: allowed.map(({ reach }) => reach), deny: [...deny.values()] };
}

/** How many of the routes lose paths of theirs to a denial. @param meanings of the routes */
export function losses(denial: Pattern, meanings: readonly Pattern[]): number {
  return meanings.filter((meaning) => overlap(denial, meaning)).length;
}

/** Denies what a resource matches because a parameter took in slashes, as far as allowed routes let it. */
function denialsOfExcess(
  segments: readonly Segment[],
  index: number,
  allowed: readonly Candidate[],
  forbidden: readonly Candidate[],
): Pattern[] {
  const meanings = allowed.map(({ meaning }) => meaning);
  const excess = excessOf(segments, index, 1);
  const price = losses(excess, meanings);
  if (price === 0) return [excess];
  const reaches = forbidden
    .filter(({ meaning }) => overlap(excess, meaning))
    .map(({ reach }) => reach);
  if (reaches.some((reach) => losses(reach, meanings) >= price)) return [excess];
  const deepest = Math.max(...allowed.map((route) => route.segments.length));
  const deeper = Array.from({ length: deepest }, (_, more) => excessOf(segments, index, more + 2));
  const harmless = deeper.find((pattern) => losses(pattern, meanings) === 0);
  return [...reaches, ...(harmless ? [harmless] : [])];
}
