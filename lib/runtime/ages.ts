/** Seconds that a disabled client, or a retired secret, may live on in a function's memory. */
export const CLIENT_AGE = 60;
/** Seconds that a changed resource server may go unnoticed. */
export const RESOURCE_SERVER_AGE = 300;
/** Seconds that a signer may go on with the keys it has. Rotation counts on it. */
export const KEYSET_AGE = 300;
/** Seconds that a new key may be missing from the JWKS, and a condemned one be in it. */
export const JWKS_AGE = 10;
/** Seconds that the JWKS is served from memory while DynamoDB does not answer. */
export const JWKS_AGE_ON_ERROR = 24 * 3600;
/** Seconds that refreshing may go on to accept tokens of a key that was found out. */
export const PUBLIC_KEY_AGE = 60;
/** Seconds that the signing keys serve while Secrets Manager does not answer. */
export const KEYSET_AGE_ON_ERROR = 24 * 3600;
