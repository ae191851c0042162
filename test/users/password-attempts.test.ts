import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTable } from '../../lib/aws/table.ts';
import { createPasswordAttemptStore } from '../../lib/users/password-attempt-store.ts';
import {
  ATTACKED,
  beginAttempt,
  networkOf,
  type PasswordAttemptStore,
  PER_SOURCE,
  PER_USER_AND_SOURCE,
  PER_USER_AND_SOURCE_ATTACKED,
  WINDOW,
} from '../../lib/users/password-attempts.ts';
import { startTables } from '../support/tables.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
let store: PasswordAttemptStore;
let now: number;

beforeAll(async () => {
  tables = await startTables();
  store = createPasswordAttemptStore(tables.dynamodb, tables.tableName('password-attempts'));
});
let windows = 1_000_000;
/** Each test has a window of its own. */
beforeEach(() => {
  windows += 2;
  now = windows * WINDOW;
});
afterAll(() => tables.close());

async function fail(username: string, source: string, times = 1): Promise<string[]> {
  const outcomes: string[] = [];
  for (let i = 0; i < times; i += 1) {
    outcomes.push((await beginAttempt(store, username, source, now)).outcome);
  }
  return outcomes;
}
/** As many strangers fail for the user as it takes to see an attack. */
const attack = (username: string) =>
  Promise.all(Array.from({ length: ATTACKED }, (_, i) => fail(username, `198.51.100.${i}`)));

describe('guessing', () => {
  it('is slowed after so many failures of a source for a user, until the window ends', async () => {
    expect(await fail('ada', '192.0.2.1', PER_USER_AND_SOURCE)).not.toContain('slowed');
    now += 100;
    expect(await beginAttempt(store, 'ada', '192.0.2.1', now)).toEqual({
      outcome: 'slowed',
      retryAfter: WINDOW - 100,
    });
    now += WINDOW - 100;
    expect(await fail('ada', '192.0.2.1')).toEqual(['allowed']);
  });

  it('is counted before it is answered, so that a hundred at once are no more than ten', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 100 }, () => beginAttempt(store, 'ada', '192.0.2.1', now)),
    );
    const allowed = attempts.filter(({ outcome }) => outcome === 'allowed');
    expect(allowed).toHaveLength(PER_USER_AND_SOURCE);
  });

  it('of many users by one source is slowed for all of them', async () => {
    await Promise.all(Array.from({ length: PER_SOURCE }, (_, i) => fail(`user${i}`, '192.0.2.1')));
    expect(await fail('yet another', '192.0.2.1')).toEqual(['slowed']);
    expect(await fail('yet another', '192.0.2.2')).toEqual(['allowed']);
  });

  it('of one user by many sources leaves each of them fewer tries', async () => {
    await attack('ada');
    const outcomes = await fail('ada', '192.0.2.1', PER_USER_AND_SOURCE_ATTACKED + 1);
    expect(outcomes).toEqual([...Array(PER_USER_AND_SOURCE_ATTACKED).fill('allowed'), 'slowed']);
  });

  it('by strangers never takes the tries of the user, at any place', async () => {
    await attack('ada');
    await fail('ada', '198.51.100.1', 50);
    expect(await fail('ada', '192.0.2.77')).toEqual(['allowed']);
  });

  it('is not what succeeds: success takes itself off the counters', async () => {
    for (let i = 0; i < PER_SOURCE + 20; i += 1) {
      const attempt = await beginAttempt(store, 'ada', '192.0.2.1', now);
      expect(attempt.outcome).toBe('allowed');
      if (attempt.outcome === 'allowed') await attempt.takeBack();
    }
  });

  it('leaves neither usernames nor addresses behind, and counters that go by themselves', async () => {
    await fail('ada', '192.0.2.1');
    const items = await createTable(
      tables.dynamodb,
      tables.tableName('password-attempts'),
      'counter',
    ).scan();
    expect(JSON.stringify(items)).not.toMatch(/ada|192\.0\.2/);
    expect(items.every(({ expires_at }) => Number(expires_at) <= now + 2 * WINDOW)).toBe(true);
  });
});

describe('an attempt that was slowed', () => {
  it('does not count, since its password may have been right', async () => {
    const all = await Promise.all(
      Array.from({ length: 30 }, () => beginAttempt(store, 'ada', '192.0.2.1', now)),
    );
    for (const attempt of all) if (attempt.outcome === 'allowed') await attempt.takeBack();
    expect(await fail('ada', '192.0.2.1')).toEqual(['allowed']);
  });

  it('of one source does not leave the others fewer tries', async () => {
    await fail('ada', '198.51.100.1', ATTACKED + 20);
    expect(await fail('ada', '192.0.2.1', PER_USER_AND_SOURCE)).not.toContain('slowed');
  });
});

describe('the network of a source', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::9', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['not an address', 'not an address'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
