import { describe, expect, it } from 'vitest';
import { withDeadline } from '../../lib/lambda/deadline.ts';
import { invocation, TimeOverError } from '../../lib/runtime/invocation-signal.ts';

describe('work before a deadline', () => {
  it('has its result passed on', async () => {
    const deadline = { remaining: 60_000, reserve: 1_000 };
    expect(await withDeadline(deadline, async () => 'done')).toBe('done');
  });

  it('has its error passed on', async () => {
    const error = new Error('broken');
    const work = () => Promise.reject(error);
    await expect(withDeadline({ remaining: 60_000, reserve: 1_000 }, work)).rejects.toBe(error);
  });

  it.each([
    { name: 'when only the reserve is left', remaining: 1_050 },
    { name: 'at once where less than the reserve is left', remaining: 10 },
  ])('is given up $name, and learns it by its signal', async ({ remaining }) => {
    let signal: AbortSignal | undefined;
    const work = () => {
      signal = invocation.getStore();
      return new Promise(() => undefined);
    };
    const started = performance.now();
    await expect(withDeadline({ remaining, reserve: 1_000 }, work)).rejects.toThrow(TimeOverError);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(signal?.reason).toBeInstanceOf(TimeOverError);
  });

  it('may fail after it was given up: nobody hears of it', async () => {
    const late = Promise.withResolvers<never>();
    await expect(withDeadline({ remaining: 0, reserve: 0 }, () => late.promise)).rejects.toThrow(
      TimeOverError,
    );
    late.reject(new Error('late'));
  });

  it('is never given up where nothing ends the invocation', async () => {
    const work = async () => invocation.getStore();
    expect(await withDeadline({ remaining: undefined, reserve: 1_000 }, work)).toBeUndefined();
  });

  it('has a signal of its own in each of two invocations at the same time', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const work = async () => void signals.push(invocation.getStore());
    const slow = () => new Promise<void>(() => signals.push(invocation.getStore()));
    const ended = withDeadline({ remaining: 0, reserve: 0 }, slow);
    await withDeadline({ remaining: 60_000, reserve: 0 }, work);
    await expect(ended).rejects.toThrow(TimeOverError);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
  });
});
