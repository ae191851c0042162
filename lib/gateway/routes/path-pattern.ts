import type { Segment } from './route-table.ts';

/**
 * What stands in the place of segments of a path. In a policy `*` spans slashes, so that only a route's meaning
 * has an element for exactly one segment.
 */
export type Element = { literal: string } | 'one segment' | 'some text' | 'any text';

export type Pattern = readonly Element[];

/** The paths that the route means. */
export function meaningOf(segments: readonly Segment[]): Pattern {
  return segments.map((segment) => {
    if (segment.kind === 'literal') return { literal: segment.text };
    return segment.kind === 'parameter' ? 'one segment' : 'some text';
  });
}

/** The paths that the route's resource in a policy matches. */
export function reachOf(segments: readonly Segment[]): Pattern {
  return segments.map((segment) =>
    segment.kind === 'literal' ? { literal: segment.text } : 'some text',
  );
}

/** The paths that the resource matches because the parameter at `index` takes in this many slashes, or more. */
export function excessOf(segments: readonly Segment[], index: number, slashes: number): Pattern {
  const spanning = new Array<Element>(slashes + 1).fill('any text');
  return reachOf(segments).toSpliced(index, 1, ...spanning);
}

/** The pattern as a resource of a policy has it. */
export function resourceOf(pattern: Pattern): string {
  return pattern
    .map((element) => {
      if (element === 'some text') return '?*';
      return typeof element === 'string' ? '*' : element.literal;
    })
    .join('/');
}

/** Whether there is a path that both match. An empty segment counts as any other, so that it rather says yes. */
export function overlap(one: Pattern, other: Pattern): boolean {
  if (differEarly(one, other)) return false;
  const [a, b] = [stepsOf(one), stepsOf(other)];
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [i, j] = next;
    const state = i * (b.length + 1) + j;
    if (seen.has(state)) continue;
    seen.add(state);
    if (i === a.length && j === b.length) return true;
    const [x, y] = [a[i], b[j]];
    if (x === 'any number') open.push([i + 1, j]);
    if (y === 'any number') open.push([i, j + 1]);
    if (x === undefined || y === undefined || !agree(x, y)) continue;
    open.push([x === 'any number' ? i : i + 1, y === 'any number' ? j : j + 1]);
  }
  return false;
}

/** Most pairs of routes have different literals in one place, before anything that takes in slashes. */
function differEarly(one: Pattern, other: Pattern): boolean {
  for (const [index, x] of one.entries()) {
    const y = other[index];
    if (y === undefined || isSpanning(x) || isSpanning(y)) return false;
    if (typeof x !== 'string' && typeof y !== 'string' && x.literal !== y.literal) return true;
  }
  return false;
}

function isSpanning(element: Element): boolean {
  return element === 'some text' || element === 'any text';
}

type Step = { literal: string } | 'one' | 'any number';

function stepsOf(pattern: Pattern): Step[] {
  return pattern.flatMap((element): Step[] => {
    if (typeof element !== 'string') return [element];
    return element === 'one segment' ? ['one'] : ['one', 'any number'];
  });
}

function agree(x: Step, y: Step): boolean {
  return typeof x === 'string' || typeof y === 'string' || x.literal === y.literal;
}
