import { isLoopback, isSecureUrl } from '../runtime/secure-url.ts';
import type { FetchJson } from './fetch-json.ts';

/**
 * The `jwks_uri` of an issuer, from OpenID Connect Discovery, or from RFC 8414 where the issuer has no such
 * document.
 *
 * @throws {Error} where there is no metadata, or it is another issuer's, or its `jwks_uri` is not secure
 */
export async function discoverJwksUri(issuer: string, fetchJson: FetchJson): Promise<URL> {
  const metadata = await fetchMetadata(new URL(issuer), fetchJson);
  // RFC 8414 section 3.3: identical, or the metadata must not be used.
  if (metadata?.issuer !== issuer) throw new Error('the metadata is of another issuer');
  const { jwks_uri } = metadata;
  if (typeof jwks_uri !== 'string' || !URL.canParse(jwks_uri)) {
    throw new Error('the metadata has no jwks_uri');
  }
  const url = new URL(jwks_uri);
  const isAccepted = isLoopback(new URL(issuer)) ? isSecureUrl(url) : url.protocol === 'https:';
  if (!isAccepted) throw new Error('the jwks_uri is not an https URL');
  return url;
}

async function fetchMetadata(issuer: URL, fetchJson: FetchJson) {
  const path = issuer.pathname.replace(/\/$/, '');
  const appended = new URL(`${path}/.well-known/openid-configuration`, issuer);
  const inserted = new URL(`/.well-known/oauth-authorization-server${path}`, issuer);
  let response = await fetchJson(appended);
  if (response.status === 404) response = await fetchJson(inserted);
  if (response.status !== 200) throw new Error(`the metadata was answered ${response.status}`);
  return response.body as { issuer?: unknown; jwks_uri?: unknown } | null;
}
