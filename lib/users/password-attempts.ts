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
  /** `takeBack` is for an attempt that did not fail: only failures count. */
  | { outcome: 'allowed'; takeBack(): Promise<void> }
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
  const takeBack = async () => void (await count(-1));
  if (forUserAndSource > allowedHere || forSource > PER_SOURCE) {
    // Nobody looked at its password, and it may have been right.
    await takeBack();
    return { outcome: 'slowed', retryAfter: end - now };
  }
  return { outcome: 'allowed', takeBack };
}

function nameOf(parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** One household or one host usually holds a whole IPv6 /64; counting addresses there would count nothing. */
export function networkOf(address: string): string {
  const [withoutZone = ''] = address.split('%');
  if (!isIPv6(withoutZone)) return address;
  // The URL parser writes an IPv6 address in one way only (RFC 5952).
  const canonical = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(canonical);
  if (mapped !== null) return dottedDecimal(mapped.slice(1));
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const trailing = groups(tail ?? '');
  const leading = groups(head);
  const zeros = new Array<string>(8 - leading.length - trailing.length).fill('0');
  return `${[...leading, ...zeros, ...trailing].slice(0, 4).join(':')}::/64`;
}

/** An IPv4 address from the last two groups of one that is mapped to IPv6 (RFC 4291 section 2.5.5.2). */
function dottedDecimal(groups: string[]): string {
  const bytes = groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join('.');
}
