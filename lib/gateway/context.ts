import type { Bearer } from './token-check.ts';

/** What the API behind the gateway is told: values as they are, for HTTP API with simple responses. */
export type Context = Record<string, unknown>;

/** REST APIs and policies take no arrays and no objects. */
export type FlatContext = Record<string, string | number | boolean>;

/** Keys that have a meaning of their own, here or for the gateway. */
const TAKEN_KEYS = [
  'sub',
  'client_id',
  'scope',
  'permissions',
  'user',
  'principalId',
  'integrationLatency',
  '__proto__',
];

/** The key that a claim has in the context: what is neither letter nor digit becomes `_`, `ucw/roles` `ucw_roles`. */
export function contextKey(claim: string): string {
  return claim.replace(/[^A-Za-z0-9]/g, '_');
}

/**
 * Reads the names of claims, separated by spaces, commas or lines.
 *
 * @throws {SyntaxError} where two would have the same key, or one that is taken
 */
export function parseContextClaims(text: string): string[] {
  const claims = [...new Set(text.split(/[\s,]+/).filter((claim) => claim !== ''))];
  const keys = claims.map(contextKey);
  const clash = keys.find((key, index) => TAKEN_KEYS.includes(key) || keys.indexOf(key) < index);
  if (clash !== undefined) throw new SyntaxError(`has two claims for the context key ${clash}`);
  return claims;
}

/** Keys without a value are left out. @param contextClaims names of claims that are passed on */
export function contextOf({ token, user }: Bearer, contextClaims: readonly string[]): Context {
  const { claims, clientId } = token;
  const { sub, scope, permissions } = claims;
  const custom = contextClaims
    .filter((claim) => Object.hasOwn(claims, claim))
    .map((claim) => [contextKey(claim), claims[claim]] as const);
  const all = { sub, client_id: clientId, scope, permissions, user, ...Object.fromEntries(custom) };
  const present = Object.entries(all).filter(([, value]) => (value ?? undefined) !== undefined);
  return Object.fromEntries(present);
}

/** An array of strings is joined with spaces; any other array or object becomes JSON. */
export function flatten(context: Context): FlatContext {
  return Object.fromEntries(Object.entries(context).map(([key, value]) => [key, flat(value)]));
}

function flat(value: unknown): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  const isList = Array.isArray(value) && value.every((member) => typeof member === 'string');
  return isList ? value.join(' ') : JSON.stringify(value);
}
