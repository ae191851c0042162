import type { ClientSecret, SecretHash } from '../oauth/client.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { clientSecretId, isLive } from './client-secret.ts';

/** Secrets of one client that are good at the same time. */
export const MOST_LIVE_SECRETS = 2;
/** Seconds that a secret lives on beside its successor. */
export const DEFAULT_OVERLAP = 24 * 3600;

type Secrets = readonly ClientSecret[];

export interface NewSecret {
  hash: SecretHash;
  /** Seconds since the epoch. */
  now: number;
}

/**
 * One more secret; the one before it gets its end, or keeps the earlier one that it has.
 *
 * @param overlap seconds
 * @throws {RefusedError} where two secrets are good still
 */
export function withSuccessor(
  secrets: Secrets,
  { hash, now, overlap }: NewSecret & { overlap: number },
): Secrets {
  if (has(secrets, hash)) return secrets;
  const live = secrets.filter((secret) => isLive(secret, now));
  const [oldest] = live;
  if (oldest !== undefined && live.length >= MOST_LIVE_SECRETS) {
    throw new RefusedError(
      `the client has ${live.length} secrets already; ${clientSecretId(oldest)}, the oldest, ${endOf(oldest)}: wait for that, remove it with \`client retire-secret\`, or replace all of them with --now`,
    );
  }
  return [...withEnd(live, () => true, now + overlap), { hash, createdAt: now }];
}

/** The new secret alone. */
export function replaced(secrets: Secrets, { hash, now }: NewSecret): Secrets {
  const [only] = secrets;
  if (secrets.length === 1 && only?.hash === hash) return secrets;
  return [{ hash, createdAt: now }];
}

/**
 * Gives the chosen secrets an end; never a later one than they have. The same list where that changes nothing.
 *
 * @param expiresAt seconds since the epoch
 */
export function withEnd(
  secrets: Secrets,
  isChosen: (secret: ClientSecret) => boolean,
  expiresAt: number,
): Secrets {
  const isLater = (secret: ClientSecret) =>
    isChosen(secret) && (secret.expiresAt === undefined || secret.expiresAt > expiresAt);
  if (!secrets.some(isLater)) return secrets;
  return secrets.map((secret) => (isLater(secret) ? { ...secret, expiresAt } : secret));
}

/** @throws {RefusedError} where it is the last that is good, unless that is what is wanted */
export function withoutSecret(
  secrets: Secrets,
  id: string,
  { now, force }: { now: number; force: boolean },
): Secrets {
  const others = secrets.filter((secret) => clientSecretId(secret) !== id);
  if (others.length === secrets.length) return secrets;
  const isAnyLive = (some: Secrets) => some.some((secret) => isLive(secret, now));
  if (force || isAnyLive(others) || !isAnyLive(secrets)) return others;
  throw new RefusedError(
    `${id} is the last secret of the client, which could get no more tokens: add another with \`client rotate-secret\`, or use --force`,
  );
}

export function has(secrets: Secrets, hash: SecretHash): boolean {
  return secrets.some((secret) => secret.hash === hash);
}

/** In words, for operators and logs. */
export function endOf({ expiresAt }: ClientSecret): string {
  if (expiresAt === undefined) return 'has no end';
  return `ends at ${new Date(expiresAt * 1000).toISOString().replace('.000', '')}`;
}
