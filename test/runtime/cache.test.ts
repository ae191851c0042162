import { beforeEach, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/runtime/cache.ts';

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let time: number;
let loads: number;
beforeEach(() => {
  time = 1000;
  loads = 0;
});
const cacheOf = (options: { capacity?: number; maxAgeOnError?: number } = {}) =>
  createCache<string>({
    maxAge: 60,
    maxAgeOnError: 0,
    capacity: 10,
    now: () => time,
    log: silent,
    ...options,
  });
const load = async () => `value ${++loads}`;
const failing = async () => {
  loads += 1;
  throw new Error('unavailable');
};

describe('a cache', () => {
  it('gives what it has until it is too old', async () => {
    const cache = cacheOf();
    expect(await cache.get('a', load)).toBe('value 1');
    time += 59;
    expect(await cache.get('a', load)).toBe('value 1');
    time += 1;
    expect(await cache.get('a', load)).toBe('value 2');
  });

  it('asks once for all that come at once', async () => {
    const cache = cacheOf();
    const values = await Promise.all([
      cache.get('a', load),
      cache.get('a', load),
      cache.get('a', load),
    ]);
    expect(values).toEqual(['value 1', 'value 1', 'value 1']);
  });

  it('does not remember that there was nothing', async () => {
    const cache = cacheOf();
    expect(await cache.get('a', async () => undefined)).toBeUndefined();
    expect(await cache.get('a', load)).toBe('value 1');
  });

  it('forgets what is gone', async () => {
    const cache = cacheOf();
    await cache.get('a', load);
    time += 60;
    expect(await cache.get('a', async () => undefined)).toBeUndefined();
  });

  it('counts the age from before the question, so that a slow answer is not kept longer', async () => {
    const cache = cacheOf();
    await cache.get('a', async () => {
      time += 50;
      return load();
    });
    time += 10;
    expect(await cache.get('a', load)).toBe('value 2');
  });

  it('keeps no more than it may, and lets go of the oldest', async () => {
    const cache = cacheOf({ capacity: 2 });
    for (const key of ['a', 'b', 'c']) await cache.get(key, load);
    expect(await cache.get('c', load)).toBe('value 3');
    expect(await cache.get('b', load)).toBe('value 2');
    expect(await cache.get('a', load)).toBe('value 4');
  });

  it('fails where it has nothing, and asks again', async () => {
    const cache = cacheOf({ maxAgeOnError: 100 });
    await expect(cache.get('a', failing)).rejects.toThrow('unavailable');
    expect(await cache.get('a', load)).toBe('value 2');
  });

  it('gives the last good answer for so long while asking fails, without asking every time', async () => {
    const cache = cacheOf({ maxAgeOnError: 100 });
    await cache.get('a', load);
    time += 60;
    expect(await cache.get('a', failing)).toBe('value 1');
    expect(await cache.get('a', failing)).toBe('value 1');
    expect(loads).toBe(2);
    time += 10;
    expect(await cache.get('a', load)).toBe('value 3');
    time += 160;
    await expect(cache.get('a', failing)).rejects.toThrow('unavailable');
  });

  it('gives nothing too old where that is not allowed', async () => {
    const cache = cacheOf();
    await cache.get('a', load);
    time += 60;
    await expect(cache.get('a', failing)).rejects.toThrow('unavailable');
  });

  it('renews what it has, whatever its age, and goes on with that', async () => {
    const cache = cacheOf();
    await cache.get('a', load);
    expect(await cache.renew('a', load)).toBe('value 2');
    time += 59;
    expect(await cache.get('a', load)).toBe('value 2');
    time += 1;
    expect(await cache.get('a', load)).toBe('value 3');
  });

  it('renews each key once a second at most, and at once for all that come at once', async () => {
    const cache = cacheOf();
    await cache.get('a', load);
    const values = await Promise.all([cache.renew('a', load), cache.renew('a', load)]);
    expect(values).toEqual(['value 2', 'value 2']);
    expect(await cache.renew('a', load)).toBe('value 2');
    expect(await cache.renew('b', load)).toBe('value 3');
    time += 1;
    expect(await cache.renew('a', load)).toBe('value 4');
  });

  it('forgets what it finds gone when it renews', async () => {
    const cache = cacheOf();
    await cache.get('a', load);
    expect(await cache.renew('a', async () => undefined)).toBeUndefined();
    expect(await cache.get('a', load)).toBe('value 2');
  });

  it('tells that it could not renew, keeps what it has, and tries again', async () => {
    const cache = cacheOf({ maxAgeOnError: 100 });
    await cache.get('a', load);
    await expect(cache.renew('a', failing)).rejects.toThrow('unavailable');
    expect(await cache.get('a', load)).toBe('value 1');
    expect(await cache.renew('a', load)).toBe('value 3');
  });
});
