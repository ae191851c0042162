import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPasswordStore, normalizeUsername } from '../../lib/users/password-store.ts';
import {
  addUser,
  findUser,
  removeUser,
  setPassword,
  type UserStores,
} from '../../lib/users/registration.ts';
import { createUserStore } from '../../lib/users/user-store.ts';
import { startTables } from '../support/tables.ts';

const NOW = 1_000_000;
const password = 'correct horse battery';

let tables: Awaited<ReturnType<typeof startTables>>;
let stores: UserStores;
beforeAll(async () => {
  tables = await startTables();
  stores = {
    users: createUserStore(tables.dynamodb, tables.tableName('users')),
    passwords: createPasswordStore(tables.dynamodb, tables.tableName('passwords')),
  };
});
afterAll(() => tables.close());

/** The stores, with one write that fails as if the process had ended there. */
function crashingAt(store: keyof UserStores, method: string): UserStores {
  const crash = vi.fn().mockRejectedValue(new Error('crash'));
  return { ...stores, [store]: { ...stores[store], [method]: crash } };
}

describe('a user', () => {
  it('is added once, of however many who want the name', async () => {
    const added = await Promise.allSettled(
      Array.from({ length: 5 }, () => addUser(stores, { username: 'ada', password }, NOW)),
    );
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const users = (await stores.users.list()).filter(({ username }) => username === 'ada');
    expect(users).toHaveLength(1);
    expect((await findUser(stores, 'ADA ')).sub).toBe(users[0]?.sub);
  });

  it('gets another sub when the name is taken again, so that it inherits nothing', async () => {
    const first = await addUser(stores, { username: 'grace', password }, NOW);
    await removeUser(stores, 'grace');
    const second = await addUser(stores, { username: 'grace', password }, NOW);
    expect(second.sub).not.toBe(first.sub);
  });

  it('that was removed half can be removed again, and is nobody in between', async () => {
    const { sub } = await addUser(stores, { username: 'bob', password }, NOW);
    await expect(removeUser(crashingAt('passwords', 'remove'), 'bob')).rejects.toThrow('crash');
    expect(await stores.users.find(sub)).toBeUndefined();
    await removeUser(stores, 'bob');
    await addUser(stores, { username: 'bob', password }, NOW);
  });

  it('whose new password was set half has lost the sessions, not kept them', async () => {
    const { sub } = await addUser(stores, { username: 'eve', password }, NOW);
    await expect(
      setPassword(crashingAt('passwords', 'replace'), 'eve', 'another password'),
    ).rejects.toThrow('crash');
    expect((await stores.users.find(sub))?.passwordGeneration).toBe(2);
    await setPassword(stores, 'eve', 'another password');
    expect((await stores.passwords.find('eve'))?.generation).toBe(2);
  });

  it('never goes back to an earlier generation of passwords', async () => {
    const { sub } = await addUser(stores, { username: 'joan', password }, NOW);
    await stores.users.raisePasswordGeneration(sub, 3);
    await stores.users.raisePasswordGeneration(sub, 2);
    expect((await stores.users.find(sub))?.passwordGeneration).toBe(3);
  });

  it('whose password two set at once has one of the two', async () => {
    await addUser(stores, { username: 'tom', password }, NOW);
    const outcomes = await Promise.allSettled([
      setPassword(stores, 'tom', 'password of one'),
      setPassword(stores, 'tom', 'password of two'),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each([
    { name: 'a short password', registration: { username: 'x', password: '1234567' } },
    { name: 'an endless password', registration: { username: 'x', password: 'x'.repeat(1025) } },
    { name: 'an empty name', registration: { username: '  ', password } },
    { name: 'an endless name', registration: { username: 'x'.repeat(257), password } },
    { name: 'a reserved claim', registration: { username: 'x', password, claims: { sub: 'y' } } },
  ])('is refused with $name', async ({ registration }) => {
    await expect(addUser(stores, registration, NOW)).rejects.toThrow(/is|reserved/);
    expect(await stores.passwords.find('x')).toBeUndefined();
  });
});

describe('a username', () => {
  it.each([
    ['Ada@Example.com', 'ada@example.com'],
    [' ada ', 'ada'],
    ['ＡＤＡ', 'ada'],
    ['J\u030Cane', '\u01F0ane'],
  ])('%j is %j', (username, normalized) => {
    expect(normalizeUsername(username)).toBe(normalized);
    expect(normalizeUsername(normalized)).toBe(normalized);
  });
});
