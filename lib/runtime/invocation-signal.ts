import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The signal of the invocation that code runs for: aborted when its time is over and whoever asked
 * was told so. Lambda may freeze what still runs then, and thaw it minutes later with the next
 * invocation.
 */
export const invocation = new AsyncLocalStorage<AbortSignal>();

/** The time of the invocation is over, but for what its answer takes. */
export class TimeOverError extends Error {
  override readonly name = 'TimeOverError';

  constructor() {
    super('the time of the function ran out');
  }
}

/** What Lambda tells a handler of its time. Nothing where a handler is called by something else. */
export interface InvocationContext {
  getRemainingTimeInMillis?: () => number;
}

export interface Deadline {
  /** Milliseconds until Lambda ends the invocation; undefined where nothing ends it. */
  remaining: number | undefined;
  /** Milliseconds of them that are kept for the answer. */
  reserve: number;
}

/**
 * Runs the work, or gives it up when only the reserve is left: its signal is aborted, so that it
 * writes nothing more.
 *
 * @throws {TimeOverError} then
 */
export type WithDeadline = <T>(deadline: Deadline, work: () => Promise<T>) => Promise<T>;
