import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Client } from './client.ts';

declare const hashed: unique symbol;
/** The SHA-256 of a client secret, base64url. A secret has 256 random bits: nothing slower is needed. */
export type SecretHash = string & { readonly [hashed]: true };

/** A new client secret: 256 random bits in base64url, which needs no escaping in a form, in Basic or in a shell. */
export function generateClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function hashClientSecret(secret: string): SecretHash {
  return createHash('sha256').update(secret, 'utf8').digest('base64url') as SecretHash;
}

/** Compared against where there is no client, so that an unknown client takes the same path as a wrong secret. */
const NO_SECRET = { hash: hashClientSecret(generateClientSecret()), createdAt: 0, expiresAt: 0 };

/**
 * Whether the secret is one of the client's live ones.
 * Every secret is compared, in constant time, whatever the earlier ones gave.
 *
 * @param now seconds since the epoch
 */
export function verifyClientSecret(
  client: Client | undefined,
  secret: string,
  now: number,
): boolean {
  const presented = Buffer.from(hashClientSecret(secret));
  let matched = false;
  for (const { hash, expiresAt } of client?.secrets ?? [NO_SECRET]) {
    const equal = timingSafeEqual(presented, Buffer.from(hash));
    const live = expiresAt === undefined || now < expiresAt;
    if (equal && live) matched = true;
  }
  return matched;
}
