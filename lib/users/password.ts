import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';

declare const hashed: unique symbol;
/** An Argon2id hash as a PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
export type PasswordHash = string & { readonly [hashed]: true };

export interface PasswordCost {
  /** KiB */
  memory: number;
  passes: number;
}

/** OWASP's Password Storage Cheat Sheet for Argon2id: 19 MiB, two passes, one lane. */
export const PASSWORD_COST: PasswordCost = { memory: 19_456, passes: 2 };

/**
 * Verified where there is no such user, so that an unknown username takes as long as a wrong password.
 * No password has this hash: it is not the output of anything.
 */
export const DECOY_HASH =
  `$argon2id$v=19$m=${PASSWORD_COST.memory},t=${PASSWORD_COST.passes},p=1$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}` as PasswordHash;

const SALT_LENGTH = 16;
const HASH_LENGTH = 32;

/** @param password any text; compared after Unicode NFC (RFC 8265 section 4.2), so that keyboards agree */
export async function hashPassword(
  password: string,
  { memory, passes }: PasswordCost = PASSWORD_COST,
): Promise<PasswordHash> {
  const salt = randomBytes(SALT_LENGTH);
  const hash = await derive(password, salt, { memory, passes });
  const encode = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=1$${encode(salt)}$${encode(hash)}` as PasswordHash;
}

/** Whether the password is the one of the hash, at the cost that the hash names, compared in constant time. */
export async function verifyPassword(password: string, hash: PasswordHash): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([^$]+)\$([^$]+)$/.exec(hash);
  const [, memory, passes, salt = '', expected = ''] = match ?? [];
  if (match === null) throw new TypeError('not an Argon2id hash');
  const actual = await derive(password, Buffer.from(salt, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
  });
  const wanted = Buffer.from(expected, 'base64');
  return wanted.length === actual.length && timingSafeEqual(actual, wanted);
}

function derive(
  password: string,
  nonce: Buffer,
  { memory, passes }: PasswordCost,
): Promise<Buffer> {
  const parameters: Argon2Parameters = {
    message: password.normalize('NFC'),
    nonce,
    memory,
    passes,
    parallelism: 1,
    tagLength: HASH_LENGTH,
  };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
