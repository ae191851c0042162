import type { AuthorizerOptions } from '../lib/gateway/authorizer.ts';
import { parseContextClaims } from '../lib/gateway/context.ts';
import { parseRouteScopes } from '../lib/gateway/routes/route-scopes.ts';
import { parseTrustedIssuers } from '../lib/gateway/trusted-issuers.ts';

import { isSecureUrl } from '../lib/jwt/issuer-metadata.ts';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A missing or malformed setting. The message names the variable and what is wrong with it, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(variable: string, problem: string) {
    super(`${variable} ${problem}`);
  }
}

function required(env: Environment, variable: string): string {
  const value = env[variable];
  if (value === undefined || value === '') throw new ConfigError(variable, 'is not set');
  return value;
}

/**
 * An issuer identifier (RFC 8414 section 2): https, no query, no fragment. http is for loopback addresses alone,
 * where nobody listens in.
 */
function issuerUrl(env: Environment, variable: string): string {
  const issuer = required(env, variable);
  if (!URL.canParse(issuer) || !isSecureUrl(new URL(issuer))) {
    throw new ConfigError(variable, 'is not an https URL');
  }
  if (/[?#]|\/$/.test(issuer)) {
    throw new ConfigError(variable, 'has a query, a fragment or a trailing slash');
  }
  return issuer;
}

/** @throws {ConfigError} */
export function readMetadataConfig(env: Environment) {
  return Object.freeze({ issuer: issuerUrl(env, 'ISSUER') });
}

/** @throws {ConfigError} */
export function readJwksConfig(env: Environment) {
  return Object.freeze({ signingKeysTable: required(env, 'SIGNING_KEYS_TABLE') });
}

/** @throws {ConfigError} */
export function readTokenConfig(env: Environment) {
  return Object.freeze({
    issuer: issuerUrl(env, 'ISSUER'),
    clientsTable: required(env, 'CLIENTS_TABLE'),
    resourceServersTable: required(env, 'RESOURCE_SERVERS_TABLE'),
    usersTable: required(env, 'USERS_TABLE'),
    passwordsTable: required(env, 'PASSWORDS_TABLE'),
    passwordAttemptsTable: required(env, 'PASSWORD_ATTEMPTS_TABLE'),
    refreshTokensTable: required(env, 'REFRESH_TOKENS_TABLE'),
    signingKeysSecret: required(env, 'SIGNING_KEYS_SECRET'),
  });
}

/** @throws {ConfigError} */
export function readRefreshConfig(env: Environment) {
  return Object.freeze({
    issuer: issuerUrl(env, 'ISSUER'),
    clientsTable: required(env, 'CLIENTS_TABLE'),
    resourceServersTable: required(env, 'RESOURCE_SERVERS_TABLE'),
    usersTable: required(env, 'USERS_TABLE'),
    refreshTokensTable: required(env, 'REFRESH_TOKENS_TABLE'),
    revocationsTable: required(env, 'REVOCATIONS_TABLE'),
    signingKeysTable: required(env, 'SIGNING_KEYS_TABLE'),
    signingKeysSecret: required(env, 'SIGNING_KEYS_SECRET'),
    sealingKeySecret: required(env, 'SEALING_KEY_SECRET'),
  });
}

/** `usersTable` is undefined where the authorizer does not look for users. */
export interface AuthorizerConfig
  extends Readonly<
    Pick<AuthorizerOptions, 'trustedIssuers' | 'routes' | 'httpApiResponse' | 'contextClaims'>
  > {
  readonly usersTable: string | undefined;
}

/** @throws {ConfigError} */
export function readAuthorizerConfig(env: Environment): AuthorizerConfig {
  const httpApiResponse = env.HTTP_API_RESPONSE || 'simple';
  if (httpApiResponse !== 'simple' && httpApiResponse !== 'policy') {
    throw new ConfigError('HTTP_API_RESPONSE', 'is neither simple nor policy');
  }
  required(env, 'TRUSTED_ISSUERS');
  return Object.freeze({
    trustedIssuers: notation(env, 'TRUSTED_ISSUERS', parseTrustedIssuers) ?? [],
    routes: notation(env, 'ROUTE_SCOPES', parseRouteScopes),
    httpApiResponse,
    contextClaims: notation(env, 'CONTEXT_CLAIMS', parseContextClaims) ?? [],
    usersTable: env.USERS_TABLE || undefined,
  });
}

/** A setting with a notation of its own; undefined where it is not set. Its parser throws `SyntaxError`. */
function notation<T>(env: Environment, variable: string, parse: (text: string) => T) {
  const text = env[variable];
  if (text === undefined || text === '') return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ConfigError(variable, error.message);
    throw error;
  }
}

/** @throws {ConfigError} */
export function readRotateSigningKeyConfig(env: Environment) {
  return Object.freeze({
    issuer: issuerUrl(env, 'ISSUER'),
    signingKeysTable: required(env, 'SIGNING_KEYS_TABLE'),
    signingKeysSecret: required(env, 'SIGNING_KEYS_SECRET'),
    /** Seconds that a key has to be public before it signs. */
    minimumPublicAge: seconds(env, 'MINIMUM_PUBLIC_AGE'),
  });
}

/** @throws {ConfigError} */
export function readClientResourceConfig(env: Environment) {
  return Object.freeze({
    clientsTable: required(env, 'CLIENTS_TABLE'),
    resourceServersTable: required(env, 'RESOURCE_SERVERS_TABLE'),
    place: {
      issuer: issuerUrl(env, 'ISSUER'),
      stack: required(env, 'STACK'),
      region: required(env, 'AWS_REGION'),
    },
    rotateClientSecretFunction: env.ROTATE_CLIENT_SECRET_FUNCTION || undefined,
  });
}

/** A whole number of seconds, one at least. */
function seconds(env: Environment, variable: string): number {
  const text = required(env, variable);
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new ConfigError(variable, 'is not a whole number of seconds, one at least');
}

/** @throws {ConfigError} */
export function readRotateClientSecretConfig(env: Environment) {
  return Object.freeze({
    issuer: issuerUrl(env, 'ISSUER'),
    clientsTable: required(env, 'CLIENTS_TABLE'),
    overlap: seconds(env, 'CLIENT_SECRET_OVERLAP'),
  });
}
