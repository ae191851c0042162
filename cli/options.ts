import { InvalidArgumentError } from 'commander';
import type { ClaimValue, CustomClaims } from '../lib/oauth/claims.ts';

/** Gathers an option that may be given several times, one value each. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, notEmpty(value)];
}

/** A shell variable that was never set is no name of anything. */
export function notEmpty(value: string): string {
  if (value !== '') return value;
  throw new InvalidArgumentError('It is empty.');
}

export function seconds(value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('Expected a whole number of seconds.');
}

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 24 * 3600 };

/** `30m`, `24h`, `7d`, or seconds. @returns seconds, one at least */
export function duration(value: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd]?)$/.exec(value) ?? [];
  const total = Number(count) * (UNITS[unit] ?? 1);
  if (total >= 1) return total;
  throw new InvalidArgumentError('Expected a time as in 30m, 24h, 7d, or seconds.');
}

/** @returns whole days, as many as Secrets Manager takes */
export function days(value: string): number {
  const count = /^\d{1,4}d$/.test(value) ? Number(value.slice(0, -1)) : 0;
  if (count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('Expected 1d to 1000d.');
}

/** Gathers `scope=description`. */
export function collectDescription(
  argument: string,
  earlier: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [name, description] = splitAtFirstEquals(argument, 'description');
  return withNew(earlier, name, description);
}

/** Gathers `claim=value`: the value is JSON where it can be read as such, and else a string. */
export function collectClaim(argument: string, earlier: CustomClaims = {}): CustomClaims {
  const [name, value] = splitAtFirstEquals(argument, 'value');
  return withNew(earlier, name, claimValue(value));
}

function splitAtFirstEquals(argument: string, second: string): [string, string] {
  const equals = argument.indexOf('=');
  if (equals > 0) return [argument.slice(0, equals), argument.slice(equals + 1)];
  throw new InvalidArgumentError(`Expected name=${second}.`);
}

function withNew<Value>(
  earlier: Readonly<Record<string, Value>>,
  name: string,
  value: Value,
): Readonly<Record<string, Value>> {
  if (!Object.hasOwn(earlier, name)) return { ...earlier, [name]: value };
  throw new InvalidArgumentError(`It gives "${name}" a second time.`);
}

function claimValue(text: string): ClaimValue {
  try {
    return JSON.parse(text, (_name, value) => {
      if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
      throw new InvalidArgumentError('A number that large is not kept exactly: quote it.');
    });
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/** Part of the name of every table and secret. */
export function stageName(value: string): string {
  if (/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(value)) return value;
  throw new InvalidArgumentError('Expected letters, digits and hyphens.');
}

export function regionName(value: string): string {
  if (/^[a-z]+(-[a-z0-9]+)+$/.test(value)) return value;
  throw new InvalidArgumentError('Expected a region, as in eu-central-1.');
}
