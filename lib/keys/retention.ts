import { CLOCK_TOLERANCE } from '../jwt/verifier.ts';
import { LONGEST_ACCESS_TOKEN_LIFETIME } from '../oauth/resource-server.ts';
import { KEYSET_AGE, KEYSET_AGE_ON_ERROR } from '../runtime/ages.ts';

/** Seconds that verifiers may keep a JWKS: API Gateway's own JWT authorizers, the laziest known, take two hours. */
export const VERIFIER_CACHE = 2 * 3600;

/**
 * Seconds that a key stays in the JWKS after its successor was promoted. The last signer to notice, one that could
 * not reach Secrets Manager all the while, signs its last token with it; that token lives its longest life; and a
 * verifier whose cache and clock are the worst allowed must still find the key.
 */
export const PUBLIC_AFTER_RETIREMENT =
  KEYSET_AGE +
  KEYSET_AGE_ON_ERROR +
  LONGEST_ACCESS_TOKEN_LIFETIME +
  VERIFIER_CACHE +
  CLOCK_TOLERANCE;

/** Seconds that the record of a retired key is kept, so that a session whose token it signed can be refreshed. */
export const KEPT_AFTER_RETIREMENT = 400 * 24 * 3600;
