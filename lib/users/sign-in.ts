import type { SignIn } from '../oauth/grants/password.ts';
import { DECOY_HASH, verifyPassword } from './password.ts';
import { beginAttempt, type PasswordAttemptStore } from './password-attempts.ts';
import { normalizeUsername, type PasswordStore } from './password-store.ts';
import type { UserStore } from './user-store.ts';

export interface SignInDependencies {
  passwords: Pick<PasswordStore, 'find'>;
  users: Pick<UserStore, 'find'>;
  attempts: PasswordAttemptStore;
  /** Seconds since the epoch. */
  now: () => number;
}

/** Signs a user in with a password. An unknown user, a disabled one and a wrong password look the same. */
export function createSignIn(dependencies: SignInDependencies): SignIn {
  const { passwords, users, attempts, now } = dependencies;
  return async (username, password, source) => {
    const name = normalizeUsername(username);
    const attempt = await beginAttempt(attempts, name, source, now());
    if (attempt.outcome === 'slowed') return { ...attempt, detail: 'too many failed attempts' };
    let result: Awaited<ReturnType<SignIn>>;
    try {
      result = await check(name, password);
    } catch (error) {
      // A store was down: that is no guess.
      await attempt.takeBack().catch(() => undefined);
      throw error;
    }
    if (result.outcome === 'signed-in') await attempt.takeBack();
    return result;
  };

  async function check(name: string, password: string): ReturnType<SignIn> {
    const record = await passwords.find(name);
    const [isRight, user] = await Promise.all([
      verifyPassword(password, record?.hash ?? DECOY_HASH),
      users.find(record?.sub ?? 'nobody'),
    ]);
    if (record === undefined) return { outcome: 'refused', detail: 'unknown username' };
    if (!isRight) return { outcome: 'refused', detail: 'wrong password' };
    if (user === undefined) return { outcome: 'refused', detail: 'the user was removed' };
    if (user.disabled) return { outcome: 'refused', detail: 'the user is disabled' };
    return {
      outcome: 'signed-in',
      user: { ...user, passwordGeneration: record.generation },
    };
  }
}
