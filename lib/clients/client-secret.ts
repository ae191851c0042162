import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Client, ClientSecret, SecretHash } from '../oauth/client.ts';

/** A new client secret: 256 random bits in base64url, which needs no escaping in a form, in Basic or in a shell. */
export function generateClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function hashClientSecret(secret: string): SecretHash {
  return createHash('sha256').update(secret, 'utf8').digest('base64url') as SecretHash;
}

/** What people and logs call a secret: eight hexadecimal digits that tell nothing of it, nor of its hash. */
export function clientSecretId({ hash }: Pick<ClientSecret, 'hash'>): string {
  return createHash('sha256').update(`client secret ${hash}`).digest('hex').slice(0, 8);
}

/** @param now seconds since the epoch */
export function isLive({ expiresAt }: ClientSecret, now: number): boolean {
  return expiresAt === undefined || now < expiresAt;
}

/** Compared against where there is no client, so that an unknown client takes the same path as a wrong secret. */
const NO_SECRET = { hash: hashClientSecret(generateClientSecret()), createdAt: 0, expiresAt: 0 };

/**
 * The one of the client's live secrets that was presented.
 * Every secret is compared, in constant time, whatever the earlier ones gave.
 *
 * @param now seconds since the epoch
 */
export function matchClientSecret(
  client: Client | undefined,
  secret: string,
  now: number,
): ClientSecret | undefined {
  const presented = Buffer.from(hashClientSecret(secret));
  let matched: ClientSecret | undefined;
  for (const candidate of client?.secrets ?? [NO_SECRET]) {
    const equal = timingSafeEqual(presented, Buffer.from(candidate.hash));
    const live = isLive(candidate, now);
    if (equal && live) matched = candidate;
  }
  return matched;
}

/** @param now seconds since the epoch */
export function verifyClientSecret(
  client: Client | undefined,
  secret: string,
  now: number,
): boolean {
  return matchClientSecret(client, secret, now) !== undefined;
}
