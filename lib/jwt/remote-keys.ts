import type { Log } from '../runtime/log.ts';
import type { FetchJson } from './fetch-json.ts';
import { discoverJwksUri } from './issuer-metadata.ts';
import { readJwks } from './jwks.ts';
import type { FindKey } from './verifier.ts';

export interface RemoteKeysOptions {
  issuer: string;
  fetchJson: FetchJson;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
  /** Seconds that the keys are used without asking again. */
  maxAge?: number;
  /** Seconds that an answer is used in all while the issuer cannot be reached. */
  maxAgeOnError?: number;
  /** Seconds between two requests that a token's unknown `kid`, or the issuer's failure, may cause. */
  coolDown?: number;
}

/** Seconds until an issuer that failed is asked again where there are no keys at all. */
const RETRY_WITHOUT_KEYS = 5;

/** The issuer's keys cannot be had, which says nothing about the token. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
}

/**
 * The keys of an issuer, found by discovery when first needed. An unknown `kid` makes one new request, at most
 * one per cool-down; concurrent callers share it.
 *
 * @returns a function that throws `IssuerUnavailableError` where no keys can be had
 */
export function createRemoteKeys(options: RemoteKeysOptions): FindKey {
  const { issuer, fetchJson, now, log } = options;
  const { maxAge = 600, maxAgeOnError = 86_400, coolDown = 30 } = options;

  let jwksUri: URL | undefined;
  let known: { find: ReturnType<typeof readJwks>; fetchedAt: number } | undefined;
  let attemptedAt = -Infinity;
  let failure: IssuerUnavailableError | undefined;
  let pending: Promise<void> | undefined;

  async function fetchKeys() {
    jwksUri ??= await discoverJwksUri(issuer, fetchJson);
    const { status, body } = await fetchJson(jwksUri);
    if (status !== 200) throw new Error(`the JWKS was answered ${status}`);
    return readJwks(body);
  }

  async function load() {
    attemptedAt = now();
    try {
      const find = await fetchKeys();
      known = { find, fetchedAt: attemptedAt };
      failure = undefined;
    } catch (cause) {
      jwksUri = undefined;
      const reason = cause instanceof Error ? cause.message : 'unknown error';
      failure = new IssuerUnavailableError(`no keys of ${issuer}: ${reason}`, { cause });
      log.warn('issuer unavailable', { issuer, reason, keys_known: known !== undefined });
    }
  }

  function reload(): Promise<void> {
    pending ??= load().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  function isDue(): boolean {
    if (known === undefined) {
      return failure === undefined || now() >= attemptedAt + RETRY_WITHOUT_KEYS;
    }
    const isOld = now() >= known.fetchedAt + maxAge;
    return isOld && (failure === undefined || now() >= attemptedAt + coolDown);
  }

  return async (header) => {
    if (known !== undefined && now() >= known.fetchedAt + maxAgeOnError) known = undefined;
    if (isDue()) await reload();
    const key = known?.find(header);
    if (key !== undefined) return key;
    if (pending !== undefined || now() >= attemptedAt + coolDown) await reload();
    if (known === undefined) throw failure ?? new IssuerUnavailableError(`no keys of ${issuer}`);
    return known.find(header);
  };
}
