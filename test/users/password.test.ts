import { describe, expect, it } from 'vitest';
import {
  DECOY_HASH,
  hashPassword,
  type PasswordHash,
  verifyPassword,
} from '../../lib/users/password.ts';

const cheap = { memory: 8, passes: 1 };

describe('a password', () => {
  it('is kept as Argon2id at the cost that OWASP asks for', async () => {
    const hash = await hashPassword('correct horse');
    expect(hash).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    );
    expect(await verifyPassword('correct horse', hash)).toBe(true);
    expect(await verifyPassword('Correct horse', hash)).toBe(false);
  });

  it('has another salt every time', async () => {
    expect(await hashPassword('x', cheap)).not.toBe(await hashPassword('x', cheap));
  });

  it('is the same however a keyboard composes it', async () => {
    expect(await verifyPassword('cafe\u0301', await hashPassword('café', cheap))).toBe(true);
  });

  it('is verified at the cost that its hash names, against a hash of another maker', async () => {
    // From the reference implementation (phc-winner-argon2): echo -n password | argon2 somesalt -id -t 2 -k 256 -l 32 -p 1
    const hash =
      '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
    expect(await verifyPassword('password', hash as PasswordHash)).toBe(true);
    expect(await verifyPassword('passwore', hash as PasswordHash)).toBe(false);
  });

  it('has no value that the decoy accepts, at the price of a real one', async () => {
    expect(await verifyPassword('', DECOY_HASH)).toBe(false);
    expect(DECOY_HASH).toContain('m=19456,t=2');
  });

  it('is not compared with what is no hash', async () => {
    await expect(verifyPassword('x', 'x' as PasswordHash)).rejects.toThrow('not an Argon2id hash');
  });
});
