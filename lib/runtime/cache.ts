import type { Log } from './log.ts';

export interface CacheOptions {
  /** Seconds that a value is given out without asking again: the time that a revoked thing may live on. */
  maxAge: number;
  /** Seconds that a value may still be given out when loading it anew fails. 0: never. */
  maxAgeOnError: number;
  /** The most entries: the one that was loaded first goes first. */
  capacity: number;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

export interface Cache<Value> {
  /** The value, loaded where it is not known or too old. Concurrent calls share one load. Absence is not kept. */
  get(key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** The value, loaded anew whatever its age; at most once a second for each key. A failure is the caller's. */
  renew(key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined>;
}

interface Entry<Value> {
  value: Value;
  loadedAt: number;
  retryAt: number;
  /** Where it was loaded out of turn. */
  renewedAt?: number;
}

/** Seconds between attempts to replace a value that is given out only because loading fails. */
const RETRY_INTERVAL = 10;

/** A cache in the function's memory, bounded in size and in age. */
export function createCache<Value>(options: CacheOptions): Cache<Value> {
  const { maxAge, maxAgeOnError, capacity, now, log } = options;
  const entries = new Map<string, Entry<Value>>();
  const loading = new Map<string, Promise<Value | undefined>>();
  const renewing = new Map<string, Promise<Value | undefined>>();

  function keep(key: string, value: Value | undefined, loadedAt: number, renewedAt?: number) {
    entries.delete(key);
    if (value === undefined) return value;
    for (const oldest of entries.keys()) {
      if (entries.size < capacity) break;
      entries.delete(oldest);
    }
    const entry = { value, loadedAt, retryAt: loadedAt + maxAge };
    entries.set(key, { ...entry, ...(renewedAt !== undefined && { renewedAt }) });
    return value;
  }

  async function refresh(key: string, load: () => Promise<Value | undefined>) {
    const startedAt = now();
    try {
      return keep(key, await load(), startedAt);
    } catch (error) {
      const entry = entries.get(key);
      if (entry === undefined || now() >= entry.loadedAt + maxAge + maxAgeOnError) throw error;
      entry.retryAt = now() + RETRY_INTERVAL;
      log.warn('a store is unavailable: the last good answer serves', {
        age: now() - entry.loadedAt,
      });
      return entry.value;
    } finally {
      loading.delete(key);
    }
  }

  async function reload(key: string, load: () => Promise<Value | undefined>) {
    const startedAt = now();
    try {
      return keep(key, await load(), startedAt, startedAt);
    } finally {
      renewing.delete(key);
    }
  }

  return {
    async get(key, load) {
      const entry = entries.get(key);
      if (entry !== undefined && now() < entry.retryAt) return entry.value;
      const pending = loading.get(key) ?? refresh(key, load);
      loading.set(key, pending);
      return pending;
    },

    async renew(key, load) {
      const entry = entries.get(key);
      if (entry?.renewedAt === now()) return entry.value;
      const pending = renewing.get(key) ?? reload(key, load);
      renewing.set(key, pending);
      return pending;
    },
  };
}
