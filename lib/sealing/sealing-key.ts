import { createSealer, type Sealer } from './sealed.ts';

/** Characters: of letters and digits at random, as many have 256 bits of entropy. */
const SHORTEST = 43;

/**
 * A sealer made once and kept: the sealing key does not change while the function lives.
 *
 * @param read the secret that the key is derived from. CloudFormation made it at random, nobody has
 *   seen it
 */
export function createSealerLoader(read: () => Promise<string | undefined>): () => Promise<Sealer> {
  let loading: Promise<Sealer> | undefined;
  async function load(): Promise<Sealer> {
    const secret = await read();
    if (secret !== undefined && secret.length >= SHORTEST) return createSealer(secret);
    throw new Error('the sealing-key secret is missing, or too short to derive a key from');
  }
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
