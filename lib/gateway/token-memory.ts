import { createHash } from 'node:crypto';
import { isExpired, type VerifiedAccessToken } from '../keys/verifier.ts';
import type { UserRecord } from './user-record-store.ts';

/** What is known of a verified token. Only good news is remembered. */
export interface RememberedToken {
  readonly token: VerifiedAccessToken;
  /** What was found about the token's user, once somebody asked. */
  user?: Promise<UserRecord | undefined> | undefined;
}

export interface TokenMemory {
  /** @param now seconds since the epoch */
  recall(text: string, now: number): RememberedToken | undefined;
  /** Remembers a token. Where it is known already, what is known stays. */
  remember(text: string, token: VerifiedAccessToken): RememberedToken;
}

/**
 * Remembers verified tokens until they expire, by their hash. The one that was not used for the longest goes
 * first.
 *
 * @param capacity the most tokens
 */
export function createTokenMemory(capacity: number): TokenMemory {
  const tokens = new Map<string, RememberedToken>();
  return {
    recall(text, now) {
      const key = hash(text);
      const known = tokens.get(key);
      tokens.delete(key);
      if (known === undefined || isExpired(known.token, now)) return undefined;
      tokens.set(key, known);
      return known;
    },

    remember(text, token) {
      const key = hash(text);
      const known = tokens.get(key) ?? { token };
      tokens.set(key, known);
      for (const oldest of tokens.keys()) {
        if (tokens.size <= capacity) break;
        tokens.delete(oldest);
      }
      return known;
    },
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
