import { AUTHENTICATION_METHODS, GRANT_TYPES } from './client.ts';
import { SIGNING_ALGORITHMS } from './resource-server.ts';

/**
 * The server's metadata: RFC 8414 section 2 and, in the same document, what OpenID Connect Discovery section 3
 * requires, since many clients and verifiers know only that one. There is no authorization endpoint.
 *
 * @param issuer equal to the tokens' `iss` to the byte
 */
export function serverMetadata(issuer: string) {
  const base = endpointBase(issuer);
  return {
    issuer,
    token_endpoint: `${base}/oauth/token`,
    jwks_uri: `${base}/.well-known/jwks.json`,
    grant_types_supported: GRANT_TYPES,
    token_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
    // There is no authorization endpoint. AWS IAM documents this value for the issuers that it trusts.
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: SIGNING_ALGORITHMS,
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'azp', 'scope'],
  };
}

/** Where the endpoints are: an issuer in Keycloak's style has a realm behind that. */
export function endpointBase(issuer: string): string {
  return issuer.replace(/\/realms\/[^/]+$/, '').replace(/\/$/, '');
}
