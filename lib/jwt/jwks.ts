import type { JWK } from 'jose';
import type { FindKey, VerificationAlgorithm, VerificationKey } from './verifier.ts';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

const CURVES: Partial<Record<VerificationAlgorithm, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  EdDSA: 'Ed25519',
};

interface PublicJwk {
  kid: string;
  /** The algorithm that the key names; undefined where any that fits its type will do. */
  alg: unknown;
  jwk: JWK;
}

/**
 * The keys of a JWKS (RFC 7517 section 5) that can verify signatures. Left out: a key without a `kid`, for
 * another use, symmetric, or with private members, which a stranger may have read as well.
 *
 * @throws {Error} where the document is no JWKS
 */
export function readJwks(
  document: unknown,
): (header: Parameters<FindKey>[0]) => VerificationKey | undefined {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('the answer is no JWKS');
  const usable = keys.flatMap(readKey);
  return ({ kid, alg }) =>
    usable.find((key) => key.kid === kid && (key.alg ?? alg) === alg && fits(key.jwk, alg))?.jwk;
}

function readKey(key: unknown): PublicJwk[] {
  if (typeof key !== 'object' || key === null) return [];
  const { kid, use, key_ops, alg, kty, n, e, crv, x, y } = key as Record<string, unknown>;
  if (typeof kid !== 'string' || kid === '') return [];
  if (use !== undefined && use !== 'sig') return [];
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) return [];
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(key, member))) return [];
  const members = { RSA: { n, e }, EC: { crv, x, y }, OKP: { crv, x } }[String(kty)];
  return members === undefined ? [] : [{ kid, alg, jwk: { kty, ...members } as JWK }];
}

function fits({ kty, crv }: JWK, alg: VerificationAlgorithm): boolean {
  const curve = CURVES[alg];
  return curve === undefined ? kty === 'RSA' : crv === curve;
}
