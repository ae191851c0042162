import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../oauth/resource-server.ts';

/** The public half of a key, as a JWKS has it. */
export type PublicJwk = JWK;

/** A key that signs: the private JWK, with its `kid` (the RFC 7638 thumbprint, never reused). */
export interface SigningKey {
  kid: string;
  algorithm: SigningAlgorithm;
  /** Seconds since the epoch. */
  createdAt: number;
  privateJwk: JWK;
}

/**
 * The keys of one algorithm: `current` signs; `next` has been public long before it will, so that no verifier
 * ever meets a key that it has not had the time to fetch.
 */
export interface KeyPair {
  current: SigningKey;
  next: SigningKey;
}

/** The value of the signing-keys secret. */
export type Keyset = Readonly<Record<SigningAlgorithm, KeyPair>>;

/** A new key: RSA with 2048 bits for RS256 (RFC 7518 section 3.3), P-256 for ES256. */
export async function generateSigningKey(
  algorithm: SigningAlgorithm,
  now: number,
): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const privateJwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(privateJwk);
  return { kid, algorithm, createdAt: now, privateJwk };
}

export async function generateKeyset(now: number): Promise<Keyset> {
  const pairs = SIGNING_ALGORITHMS.map(async (algorithm) => {
    const [current, next] = await Promise.all([
      generateSigningKey(algorithm, now),
      generateSigningKey(algorithm, now),
    ]);
    return [algorithm, { current, next }] as const;
  });
  return Object.fromEntries(await Promise.all(pairs)) as Record<SigningAlgorithm, KeyPair>;
}

/** The public half, as a JWKS has it (RFC 7517 section 4): only the members that make up the public key. */
export function publicJwk({ kid, algorithm, privateJwk }: SigningKey): JWK {
  const { kty, n, e, crv, x, y } = privateJwk;
  const members = kty === 'RSA' ? { n, e } : { crv, x, y };
  return { kty, ...members, kid, use: 'sig', alg: algorithm } as JWK;
}

/** All keys of the keyset. */
export function signingKeysOf(keyset: Keyset): SigningKey[] {
  return SIGNING_ALGORITHMS.flatMap((algorithm) => [
    keyset[algorithm].current,
    keyset[algorithm].next,
  ]);
}

export function serializeKeyset(keyset: Keyset): string {
  return JSON.stringify({ version: 1, keys: keyset });
}

/** What CloudFormation fills the secret with, so that there is something to rotate: 64 letters and digits at random. */
const NOTHING_YET = /^[A-Za-z0-9]{64}$/;

/**
 * The keyset that the secret holds; undefined where none was made yet.
 *
 * @throws {MalformedKeysetError}
 */
export function keysetOf(secret: string | undefined): Keyset | undefined {
  return secret === undefined || NOTHING_YET.test(secret) ? undefined : parseKeyset(secret);
}

/** Thrown for a secret that holds no keyset. Says nothing of what it holds instead. */
export class MalformedKeysetError extends Error {
  override readonly name = 'MalformedKeysetError';
}

/** @throws {MalformedKeysetError} */
export function parseKeyset(secret: string): Keyset {
  const keys = parseVersion1(secret);
  for (const algorithm of SIGNING_ALGORITHMS) {
    const pair = keys[algorithm];
    if (!isSigningKey(pair?.current, algorithm) || !isSigningKey(pair?.next, algorithm)) {
      throw new MalformedKeysetError(`the signing-keys secret has no ${algorithm} keys`);
    }
  }
  return keys as Keyset;
}

function parseVersion1(secret: string): Partial<Keyset> {
  try {
    const document = JSON.parse(secret);
    if (document.version === 1 && typeof document.keys === 'object') return document.keys ?? {};
  } catch {
    // The parser's message would quote the secret.
  }
  throw new MalformedKeysetError('the signing-keys secret holds no keyset');
}

function isSigningKey(key: SigningKey | undefined, algorithm: SigningAlgorithm): boolean {
  return (
    typeof key?.kid === 'string' &&
    key.algorithm === algorithm &&
    typeof key.privateJwk?.d === 'string'
  );
}
