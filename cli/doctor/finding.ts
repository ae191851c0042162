/** What one check came to. */
export interface Finding {
  check: string;
  outcome: 'ok' | 'warn' | 'FAIL';
  reason: string;
}

export function ok(check: string, reason: string): Finding {
  return { check, outcome: 'ok', reason };
}

export function warn(check: string, reason: string): Finding {
  return { check, outcome: 'warn', reason };
}

export function fail(check: string, reason: string): Finding {
  return { check, outcome: 'FAIL', reason };
}

/** A failure for the first problem, or the good word where there is none. */
export function verdict(
  check: string,
  problems: readonly (string | false | undefined)[],
  goodWord: string,
): Finding {
  const problem = problems.find((one) => one);
  return problem ? fail(check, problem) : ok(check, goodWord);
}
