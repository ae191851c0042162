import { randomUUID } from 'node:crypto';
import type { CustomClaims } from '../oauth/claims.ts';
import { reservedClaimOf } from '../oauth/claims.ts';
import type { User } from '../oauth/user.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { hashPassword } from './password.ts';
import { normalizeUsername, type PasswordStore } from './password-store.ts';
import type { UserStore } from './user-store.ts';

export interface UserRegistration {
  username: string;
  password: string;
  permissions?: readonly string[];
  roles?: readonly string[];
  claims?: CustomClaims;
}

export interface UserStores {
  users: UserStore;
  passwords: PasswordStore;
}

/** NIST SP 800-63B section 3.1.1.2 asks for eight where a password stands alone, and to allow 64 at least. */
const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 1024;

/**
 * Adds a user: first the user, whom nobody can sign in as, then the password, which claims the username by one
 * conditional write.
 *
 * @param now seconds since the epoch
 * @throws {RefusedError} for a username that is taken, or what cannot be
 */
export async function addUser(
  { users, passwords }: UserStores,
  { username, password, permissions = [], roles = [], claims = {} }: UserRegistration,
  now: number,
): Promise<User> {
  const name = normalizeUsername(username);
  if (name === '' || name.length > 256) throw new RefusedError('a username is 1 to 256 characters');
  assertPassword(password);
  const reserved = reservedClaimOf(claims);
  if (reserved !== undefined) throw new RefusedError(`the claim "${reserved}" is reserved`);
  const taken = new RefusedError(`the username ${name} is taken`);
  if ((await passwords.find(name)) !== undefined) throw taken;

  const user: User = {
    sub: randomUUID(),
    username: name,
    permissions,
    roles,
    claims,
    disabled: false,
    passwordGeneration: 1,
    createdAt: now,
  };
  const hash = await hashPassword(password);
  await users.add(user);
  if ((await passwords.add({ username: name, sub: user.sub, hash, generation: 1 })) === 'taken') {
    await users.remove(user.sub);
    throw taken;
  }
  return user;
}

/**
 * Gives the user another password and ends what was signed in with the old one: that first, so that a crash in
 * between ends sessions rather than sparing them. May be repeated.
 *
 * @throws {RefusedError} for an unknown user, a password that cannot be, or one that was changed meanwhile
 */
export async function setPassword(
  { users, passwords }: UserStores,
  username: string,
  password: string,
): Promise<void> {
  assertPassword(password);
  const { sub, generation } = await passwordOf(passwords, username);
  const hash = await hashPassword(password);
  await users.raisePasswordGeneration(sub, generation + 1);
  if ((await passwords.replace(username, hash, generation)) === 'changed') return;
  throw new RefusedError(`the password of ${username} was changed by somebody else just now`);
}

/**
 * Removes the user first: from then on nobody signs in or refreshes as them, and the username is free when the
 * password is gone too. May be repeated.
 *
 * @throws {RefusedError} for an unknown user
 */
export async function removeUser(
  { users, passwords }: UserStores,
  username: string,
): Promise<void> {
  const { sub } = await passwordOf(passwords, username);
  await users.remove(sub);
  await passwords.remove(username);
}

/** @throws {RefusedError} for an unknown user */
export async function findUser({ users, passwords }: UserStores, username: string): Promise<User> {
  const { sub } = await passwordOf(passwords, username);
  const user = await users.find(sub);
  if (user !== undefined) return user;
  throw new RefusedError(`there is no user ${username}`);
}

async function passwordOf(passwords: PasswordStore, username: string) {
  const record = await passwords.find(username);
  if (record !== undefined) return record;
  throw new RefusedError(`there is no user ${username}`);
}

function assertPassword(password: string): void {
  if (password.length >= SHORTEST_PASSWORD && password.length <= LONGEST_PASSWORD) return;
  throw new RefusedError(`a password is ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters`);
}
