import { invalidParameter } from './errors.ts';
import { type Members, readInteger, readStructure, readText } from './input.ts';
import type { RotationRules } from './secret.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HOURS_TO_SEARCH = 5 * 366 * 24;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface CronField {
  readonly min: number;
  readonly max: number;
  /** Names for the numbers from `min` on. */
  readonly names?: readonly string[];
  readonly read: (date: Date) => number;
}

/** The fields of an AWS cron expression, in their order. All of them are in UTC. */
const CRON_FIELDS: readonly CronField[] = [
  { min: 0, max: 0, read: (date) => date.getUTCMinutes() },
  { min: 0, max: 23, read: (date) => date.getUTCHours() },
  { min: 1, max: 31, read: (date) => date.getUTCDate() },
  { min: 1, max: 12, names: MONTHS, read: (date) => date.getUTCMonth() + 1 },
  { min: 1, max: 7, names: WEEKDAYS, read: (date) => date.getUTCDay() + 1 },
  { min: 1970, max: 2199, read: (date) => date.getUTCFullYear() },
];

function invalidSchedule(expression: string): Error {
  return invalidParameter(
    `Invalid ScheduleExpression ${expression}. This emulator reads rate(n hours), rate(n days) and cron() with *, ?, lists, ranges and steps.`,
  );
}

function readRate(expression: string): number | undefined {
  const [, count, unit] = /^rate\((\d{1,3}) (hours?|days?)\)$/.exec(expression) ?? [];
  if (count === undefined || unit === undefined) {
    return undefined;
  }
  return Number(count) * (unit.startsWith('hour') ? HOUR : DAY);
}

/** The numbers that one part of a field stands for, such as `MON-FRI` or `0/8`. */
function expandPart(part: string, field: CronField): number[] | undefined {
  const [, first, last, step] = /^(\*|\?|\w+|(?=\/))(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  if (first === undefined) {
    return undefined;
  }
  const toNumber = (text: string): number => {
    const index = field.names?.indexOf(text.toUpperCase()) ?? -1;
    return index >= 0 ? index + field.min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  };
  const isAny = first === '' || first === '*' || first === '?';
  const from = isAny ? field.min : toNumber(first);
  const isOpen = isAny || (step !== undefined && last === undefined);
  const to = last === undefined ? (isOpen ? field.max : from) : toNumber(last);
  const by = step === undefined ? 1 : Number(step);
  if (!(from >= field.min && from <= to && to <= field.max && by > 0)) {
    return undefined;
  }
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

function readCron(expression: string): ((date: Date) => boolean) | undefined {
  const texts = /^cron\((.+)\)$/.exec(expression)?.[1]?.trim().split(/\s+/) ?? [];
  if (texts.length !== CRON_FIELDS.length) {
    return undefined;
  }
  const tests: ((date: Date) => boolean)[] = [];
  for (const [index, field] of CRON_FIELDS.entries()) {
    const numbers = new Set<number>();
    for (const part of (texts[index] ?? '').split(',')) {
      const expanded = expandPart(part, field);
      if (expanded === undefined) {
        return undefined;
      }
      for (const number of expanded) {
        numbers.add(number);
      }
    }
    tests.push((date) => numbers.has(field.read(date)));
  }
  return (date) => tests.every((test) => test(date));
}

/**
 * When a secret is due next, in milliseconds, counted from `from`: its last rotation. Undefined
 * where the rules set no schedule. Secrets Manager rotates at some point of a window; this is exact.
 */
export function nextRotation(rules: RotationRules, from: number): number | undefined {
  if (rules.AutomaticallyAfterDays !== undefined) {
    return from + rules.AutomaticallyAfterDays * DAY;
  }
  const expression = rules.ScheduleExpression;
  if (expression === undefined) {
    return undefined;
  }
  const rate = readRate(expression);
  if (rate !== undefined) {
    return from + rate;
  }
  const isDue = readCron(expression);
  const nextHour = (Math.floor(from / HOUR) + 1) * HOUR;
  for (let hours = 0; isDue !== undefined && hours < HOURS_TO_SEARCH; hours += 1) {
    if (isDue(new Date(nextHour + hours * HOUR))) {
      return nextHour + hours * HOUR;
    }
  }
  return undefined;
}

/** Reads `RotationRules` from a request, or throws an InvalidParameterException. */
export function readRotationRules(members: Members): RotationRules | undefined {
  const structure = readStructure(members.RotationRules, 'RotationRules');
  if (structure === undefined) {
    return undefined;
  }
  const days = readInteger(structure, 'AutomaticallyAfterDays');
  const duration = readText(structure, 'Duration', { min: 2, max: 3 });
  const expression = readText(structure, 'ScheduleExpression', { min: 1, max: 256 });
  if (days !== undefined && expression !== undefined) {
    throw invalidParameter(
      "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.",
    );
  }
  if (days !== undefined && (days < 1 || days > 1000)) {
    throw invalidParameter('RotationRules.AutomaticallyAfterDays must be within 1-1000.');
  }
  if (expression !== undefined) {
    const rate = readRate(expression);
    const isValid = rate === undefined ? readCron(expression) !== undefined : rate >= 4 * HOUR;
    if (!isValid) {
      throw invalidSchedule(expression);
    }
  }
  return {
    ...(days !== undefined && { AutomaticallyAfterDays: days }),
    ...(duration !== undefined && { Duration: duration }),
    ...(expression !== undefined && { ScheduleExpression: expression }),
  };
}
