import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';

/**
 * The rule that slows down guessing. Failed attempts are counted in windows of fifteen minutes. In one window
 * a source may fail PER_USER_AND_SOURCE times for one user, and PER_SOURCE times for all users together. When a
 * user meets more than ATTACKED failures, from wherever, each source is left with PER_USER_AND_SOURCE_ATTACKED.
 * Every source has tries of its own, so nobody can lock a user out by failing elsewhere.
 */
export const WINDOW = 15 * 60;
export const PER_USER_AND_SOURCE = 10;
export const PER_USER_AND_SOURCE_ATTACKED = 3;
export const PER_SOURCE = 100;
export const ATTACKED = 100;

/** Counters that a window closes. A name is a hash: neither usernames nor addresses are stored. */
export interface PasswordAttemptStore {
  /** Adds to the counter in one atomic write; the new value. `expiresAt` in seconds since the epoch. */
  add(counter: string, amount: 1 | -1, expiresAt: number): Promise<number>;
}

export type Attempt =
  /** `succeed` takes the attempt off the counters again: only failures count. */
  | { outcome: 'allowed'; succeed(): Promise<void> }
  /** `retryAfter` in seconds. */
  | { outcome: 'slowed'; retryAfter: number };

/**
 * Counts an attempt before its password is looked at, so that attempts sent all at once are counted too.
 *
 * @param username normalized
 * @param source where the attempt comes from: an IP address, IPv6 taken by its /64
 * @param now seconds since the epoch
 */
export async function beginAttempt(
  store: PasswordAttemptStore,
  username: string,
  source: string,
  now: number,
): Promise<Attempt> {
  const window = Math.floor(now / WINDOW);
  const end = (window + 1) * WINDOW;
  const counters = [
    ['user-and-source', username, networkOf(source)],
    ['source', networkOf(source)],
    ['user', username],
  ].map((parts) => nameOf([...parts, String(window)]));
  const count = (amount: 1 | -1) =>
    Promise.all(counters.map((counter) => store.add(counter, amount, end + WINDOW)));

  const [forUserAndSource = 0, forSource = 0, forUser = 0] = await count(1);
  const allowedHere = forUser > ATTACKED ? PER_USER_AND_SOURCE_ATTACKED : PER_USER_AND_SOURCE;
  if (forUserAndSource > allowedHere || forSource > PER_SOURCE) {
    return { outcome: 'slowed', retryAfter: end - now };
  }
  return {
    outcome: 'allowed',
    async succeed() {
      await count(-1);
    },
  };
}

function nameOf(parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** One household or one host usually holds a whole IPv6 /64; counting addresses there would count nothing. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const leading = groups(head);
  const trailing = tail === undefined ? [] : groups(tail);
  const zeros = Array.from(
    { length: Math.max(0, 8 - leading.length - trailing.length) },
    () => '0',
  );
  const full = tail === undefined ? leading : [...leading, ...zeros, ...trailing];
  const prefix = full.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
