import type { CryptoKey, JWK } from 'jose';
import { compactVerify } from 'jose/jws/compact/verify';
import {
  invalidToken,
  type JsonObject,
  readUnverifiedJwt,
  type UnverifiedJwt,
} from './compact-jwt.ts';

/** Seconds that clocks may differ: how long after `exp` and before `nbf` and `iat` a token is accepted. */
export const CLOCK_TOLERANCE = 30;

/** RFC 8725 section 3.1: asymmetric algorithms alone, so that no public key can be taken for a shared secret. */
export const VERIFICATION_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
] as const;

export type VerificationAlgorithm = (typeof VERIFICATION_ALGORITHMS)[number];

export type VerificationKey = CryptoKey | JWK;

/** The key with this `kid`, for this `alg` and for signatures; undefined where there is none. */
export type FindKey = (header: {
  kid: string;
  alg: VerificationAlgorithm;
}) => Promise<VerificationKey | undefined>;

/** Whom a token must be meant for. */
export type AudienceRule =
  /** `aud` names one of these (RFC 9068 section 4). */
  | { kind: 'audience'; anyOf: readonly string[] }
  /** The token was issued to one of these clients: for issuers, such as Cognito, whose tokens have no `aud`. */
  | { kind: 'client-ids'; anyOf: readonly string[] }
  /** Dangerous: a token that the issuer made for anybody else's API is accepted as well. */
  | { kind: 'none' };

export interface VerifierOptions {
  /** Equal to `iss`, to the byte. */
  issuer: string;
  findKey: FindKey;
  algorithms: readonly VerificationAlgorithm[];
  audience: AudienceRule;
  /** Seconds since the epoch. */
  now: number;
  /** For refreshing alone: a token past its `exp` is accepted. */
  allowExpired?: true;
}

export interface VerifiedClaims {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly aud?: string | readonly string[];
  readonly scope?: string;
  readonly permissions?: readonly string[];
  readonly [claim: string]: unknown;
}

interface Facts {
  readonly claims: VerifiedClaims;
  /** `client_id`, or `azp` where the issuer does not follow RFC 9068. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  /** Seconds since the epoch: the token's `exp`. */
  readonly expiresAt: number;
}

declare const verified: unique symbol;

/** An access token that was verified: only `verifyAccessToken` makes one. */
export interface VerifiedAccessToken extends Facts {
  readonly [verified]: true;
}

/** RFC 9068 section 2.1: the `typ` of access tokens, and of them alone. */
const ACCESS_TOKEN_TYPES = ['at+jwt', 'application/at+jwt'];

/** RFC 8725 section 3.11: what a JWT with another `typ` says is meant for something else. */
const TOKEN_TYPES = [...ACCESS_TOKEN_TYPES, 'jwt'];

/** RFC 8725 section 3.10 and RFC 7515 section 4.1.11: no key from the token itself, no extension. */
const REFUSED_PARAMETERS = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64'];

/** Claims of ID tokens, logout tokens and security events, and of tokens that are bound to a key (RFC 9449). */
const REFUSED_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'cnf'];

/**
 * Verifies an access token (RFC 9068 section 4, RFC 8725). What `findKey` throws passes through; it is asked
 * only about tokens in which everything but the signature is right.
 *
 * @throws {OAuthError} `invalid_token`, with one public text for every cause
 */
export async function verifyAccessToken(
  token: unknown,
  options: VerifierOptions,
): Promise<VerifiedAccessToken> {
  const jwt = readUnverifiedJwt(token);
  const { kid, alg, typ } = checkHeader(jwt.header, options);
  const facts = checkClaims(jwt.claims, options);
  if (options.audience.kind === 'client-ids') checkMark(typ, facts.claims);
  const key = await options.findKey({ kid, alg });
  if (key === undefined) throw invalidToken('no such key');
  await checkSignature(jwt, alg, key);
  return facts as VerifiedAccessToken;
}

/** @param now seconds since the epoch */
export function isExpired({ expiresAt }: { expiresAt: number }, now: number): boolean {
  return now >= expiresAt + CLOCK_TOLERANCE;
}

function checkHeader(header: JsonObject, { algorithms }: VerifierOptions) {
  const { kid, typ = 'JWT' } = header;
  const alg = algorithms.find((algorithm) => algorithm === header.alg);
  if (alg === undefined) throw invalidToken('algorithm not accepted');
  if (!isText(kid)) throw invalidToken('no kid');
  const type = isText(typ) ? typ.toLowerCase() : '';
  if (!TOKEN_TYPES.includes(type)) throw invalidToken('wrong typ');
  const refused = REFUSED_PARAMETERS.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) throw invalidToken(`header parameter ${refused}`);
  return { kid, alg, typ: type };
}

function checkClaims(claims: JsonObject, options: VerifierOptions): Facts {
  const { iss, sub, exp, iat, nbf, scope, client_id, azp, permissions, token_use, typ } = claims;
  const { issuer, now, allowExpired } = options;
  if (iss !== issuer) throw invalidToken('another issuer');
  if (!isText(sub)) throw invalidToken('no sub');
  if (!isTime(exp)) throw invalidToken('no exp');
  if (!allowExpired && isExpired({ expiresAt: exp }, now)) throw invalidToken('expired');
  for (const time of [iat, nbf]) {
    if (time === undefined) continue;
    if (!isTime(time) || time > now + CLOCK_TOLERANCE) throw invalidToken('not valid yet');
  }
  const refused = REFUSED_CLAIMS.find((name) => Object.hasOwn(claims, name));
  if (refused !== undefined) throw invalidToken(`no access token: it has ${refused}`);
  if (token_use !== undefined && token_use !== 'access') throw invalidToken('wrong token_use');
  // Keycloak's ID, refresh and logout tokens have the same header as its access tokens.
  if (typ !== undefined && typ !== 'Bearer') {
    throw invalidToken('no access token: its claim typ is another');
  }
  if (!isOptional(scope, isString)) throw invalidToken('malformed scope');
  if (!isOptional(client_id, isText)) throw invalidToken('malformed client_id');
  if (!isOptional(azp, isText)) throw invalidToken('malformed azp');
  if (!isOptional(permissions, isTexts)) throw invalidToken('malformed permissions');
  const clientId = client_id ?? azp;
  checkAudience(claims.aud, clientId, options.audience);
  return {
    claims: claims as VerifiedClaims,
    clientId,
    scopes: (scope ?? '').split(' ').filter((token) => token !== ''),
    expiresAt: exp,
  };
}

function checkAudience(aud: unknown, clientId: string | undefined, rule: AudienceRule): void {
  const audiences = typeof aud === 'string' ? [aud] : (aud ?? []);
  if (!isTexts(audiences)) throw invalidToken('malformed aud');
  const isMeant =
    rule.kind === 'none' ||
    (rule.kind === 'audience' && audiences.some((audience) => rule.anyOf.includes(audience))) ||
    (rule.kind === 'client-ids' && clientId !== undefined && rule.anyOf.includes(clientId));
  if (!isMeant) throw invalidToken('another audience');
}

/** An ID token names the client as well: where no `aud` is looked at, something must tell the two apart. */
function checkMark(typ: string, { scope, token_use }: VerifiedClaims): void {
  const isMarked =
    ACCESS_TOKEN_TYPES.includes(typ) || token_use === 'access' || scope !== undefined;
  if (!isMarked) throw invalidToken('no mark of an access token');
}

/** `jose` holds the key's type, curve, size and `use` against the algorithm, and imports a JWK once. */
async function checkSignature(jwt: UnverifiedJwt, alg: string, key: VerificationKey) {
  try {
    await compactVerify(jwt.text, key, { algorithms: [alg] });
  } catch (cause) {
    throw invalidToken('signature or key', cause);
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isText(value: unknown): value is string {
  return isString(value) && value !== '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isString);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value);
}
