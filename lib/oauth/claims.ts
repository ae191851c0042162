export type ClaimValue =
  | string
  | number
  | boolean
  | null
  | readonly ClaimValue[]
  | { readonly [name: string]: ClaimValue };

/** Claims that the operator sets on a client or a user. */
export type CustomClaims = Readonly<Record<string, ClaimValue>>;

/** Claims that mean something to a verifier: a custom claim never takes their place. */
const RESERVED_CLAIMS = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'azp', 'scope'],
  ...['permissions', 'roles', 'act', 'may_act', 'cnf', 'token_use', 'typ'],
  ...['nonce', 'at_hash', 'c_hash', 's_hash', 'auth_time', 'acr', 'amr', 'sid', 'events'],
]);

export function isReservedClaim(name: string): boolean {
  return RESERVED_CLAIMS.has(name) || name === '__proto__';
}

/** The first of the claims whose meaning is the server's to give; undefined where there is none. */
export function reservedClaimOf(claims: CustomClaims): string | undefined {
  return Object.keys(claims).find(isReservedClaim);
}
