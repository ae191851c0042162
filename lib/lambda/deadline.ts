import { invocation, TimeOverError, type WithDeadline } from '../runtime/invocation-signal.ts';

/** The time limit of every handler. Those of the rooms below have it handed in. */
export const withDeadline: WithDeadline = async ({ remaining, reserve }, work) => {
  if (remaining === undefined) return work();
  const controller = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  function giveUp(): void {
    const error = new TimeOverError();
    controller.abort(error);
    reject(error);
  }
  const timer = setTimeout(giveUp, Math.max(0, remaining - reserve));
  try {
    return await Promise.race([invocation.run(controller.signal, work), over]);
  } finally {
    clearTimeout(timer);
  }
};
