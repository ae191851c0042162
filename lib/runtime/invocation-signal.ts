import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The signal of the invocation that code runs for: aborted when its time is over and the client was told so. Lambda
 * may freeze what still runs then, and thaw it minutes later with the next invocation.
 */
export const invocation = new AsyncLocalStorage<AbortSignal>();
