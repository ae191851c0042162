import { CompactSign, compactVerify, importJWK, type JWK } from 'jose';
import type { SigningKey } from './keyset.ts';

/**
 * Signs with the private key and verifies with the published one.
 *
 * @throws {JWSSignatureVerificationFailed} where they are not halves of one key
 */
export async function proveSigningKey(
  { kid, algorithm, privateJwk }: SigningKey,
  published: JWK,
): Promise<void> {
  const jws = await new CompactSign(new TextEncoder().encode('rotation'))
    .setProtectedHeader({ alg: algorithm, kid })
    .sign(await importJWK(privateJwk, algorithm));
  await compactVerify(jws, await importJWK(published, algorithm), { algorithms: [algorithm] });
}
