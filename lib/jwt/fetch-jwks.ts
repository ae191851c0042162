import type { JWK } from 'jose';
import type { FetchJson } from './fetch-json.ts';
import { discoverJwksUri } from './issuer-metadata.ts';

/** Fetches the JWKS of an issuer as any client does: discovery, then the keys. */
export function createJwksFetch(
  issuer: string,
  fetchJson: FetchJson,
): () => Promise<{ keys: JWK[] }> {
  return async () => {
    const { status, body } = await fetchJson(await discoverJwksUri(issuer, fetchJson));
    const { keys } = (body ?? {}) as { keys?: JWK[] };
    if (status !== 200 || !Array.isArray(keys)) throw new Error(`the JWKS was answered ${status}`);
    return { keys };
  };
}
