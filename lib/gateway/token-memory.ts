import { createHash } from 'node:crypto';
import { isExpired, type VerifiedAccessToken } from '../jwt/verifier.ts';

/** Seconds until a token's signature is verified anew, and its key looked for among those that its issuer has. */
export const TOKEN_MEMORY_AGE = 600;

export interface TokenMemory {
  /** @param now seconds since the epoch */
  recall(text: string, now: number): VerifiedAccessToken | undefined;
  /** @param now when its verification began */
  remember(text: string, token: VerifiedAccessToken, now: number): void;
}

/**
 * Remembers verified tokens, by their hash, until they expire or are to be verified anew. The one that was not
 * used for the longest goes first.
 *
 * @param capacity the most tokens
 */
export function createTokenMemory(capacity: number): TokenMemory {
  const tokens = new Map<string, { token: VerifiedAccessToken; verifiedAt: number }>();
  return {
    recall(text, now) {
      const key = hash(text);
      const known = tokens.get(key);
      tokens.delete(key);
      if (known === undefined || now >= known.verifiedAt + TOKEN_MEMORY_AGE) return undefined;
      if (isExpired(known.token, now)) return undefined;
      tokens.set(key, known);
      return known.token;
    },

    remember(text, token, now) {
      tokens.set(hash(text), { token, verifiedAt: now });
      for (const oldest of tokens.keys()) {
        if (tokens.size <= capacity) break;
        tokens.delete(oldest);
      }
    },
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
