import { hkdfSync } from 'node:crypto';
import { FlattenedEncrypt, type FlattenedJWE, flattenedDecrypt } from 'jose';

declare const sealed: unique symbol;
/** A text that only the holder of the sealing key can read, and only in the place it was sealed for. */
export type Sealed = string & { readonly [sealed]: true };

export interface Sealer {
  /** @param place what the text belongs to, for example the id of its record: it opens nowhere else */
  seal(text: string, place: string): Promise<Sealed>;
  /** @throws {JWEDecryptionFailed} where key, place or text differ */
  open(sealed: Sealed, place: string): Promise<string>;
}

/**
 * Seals as JWE `dir` with `A256GCM` (RFC 7518 section 4.5 and 5.3), the place as additional authenticated data
 * (RFC 7516 section 5.1).
 *
 * @param secret at least 256 bits of entropy in any form: the key is derived from it (HKDF with SHA-256)
 */
export function createSealer(secret: string): Sealer {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'latchkey sealing A256GCM', 32));
  const encoder = new TextEncoder();
  return {
    async seal(text, place) {
      const jwe = await new FlattenedEncrypt(encoder.encode(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setAdditionalAuthenticatedData(encoder.encode(place))
        .encrypt(key);
      return JSON.stringify(jwe) as Sealed;
    },

    async open(value, place) {
      const { ciphertext, iv, tag, protected: header } = JSON.parse(value) as FlattenedJWE;
      const aad = Buffer.from(place).toString('base64url');
      const jwe = { ciphertext, iv, tag, protected: header, aad } as FlattenedJWE;
      const { plaintext } = await flattenedDecrypt(jwe, key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return new TextDecoder().decode(plaintext);
    },
  };
}
