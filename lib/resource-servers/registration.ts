import {
  DEFAULT_ACCESS_TOKEN_LIFETIME,
  isAccessTokenLifetime,
  LONGEST_ACCESS_TOKEN_LIFETIME,
  type ResourceServer,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  TOKEN_TYPES,
  type TokenType,
} from '../oauth/resource-server.ts';
import { isScopeToken } from '../oauth/scope.ts';
import { RefusedError } from '../runtime/refused-error.ts';

export interface ResourceServerRegistration {
  identifier: string;
  /** Scope -> description. */
  scopes: Readonly<Record<string, string>>;
  /** As Cognito and VEDA have it: `x` with the scope `a` becomes `x-server` with the scope `x-server/a`. */
  prefixedScopes?: boolean | undefined;
  /** Seconds */
  accessTokenLifetime?: number | undefined;
  signingAlgorithm?: string | undefined;
  tokenType?: string | undefined;
  audienceClaim?: boolean | undefined;
  permissionsClaim?: boolean | undefined;
}

/**
 * The resource server that an operator described, with what they left open filled in.
 *
 * @param now seconds since the epoch
 * @throws {RefusedError}
 */
export function newResourceServer(
  registration: ResourceServerRegistration,
  now: number,
): ResourceServer {
  const { identifier, scopes } = namesOf(registration);
  if (!/^[\x21-\x7e]{1,1024}$/.test(identifier)) {
    throw new RefusedError('an identifier is 1 to 1024 visible ASCII characters');
  }
  const malformed = Object.keys(scopes).find((scope) => !isScopeToken(scope));
  if (malformed !== undefined) {
    throw new RefusedError(
      `"${malformed}" is not a scope: spaces, quotes and backslashes cannot be in one`,
    );
  }
  return {
    identifier,
    scopes,
    accessTokenLifetime: lifetimeOf(registration.accessTokenLifetime),
    signingAlgorithm: signingAlgorithmOf(registration.signingAlgorithm ?? 'RS256'),
    tokenType: tokenTypeOf(registration.tokenType ?? 'at+jwt'),
    audienceClaim: registration.audienceClaim ?? true,
    permissionsClaim: registration.permissionsClaim ?? false,
    createdAt: now,
  };
}

function namesOf({ identifier: id, scopes, prefixedScopes }: ResourceServerRegistration) {
  if (!prefixedScopes) return { identifier: id, scopes };
  const identifier = `${id}-server`;
  const prefixed = Object.entries(scopes).map(([scope, description]) => [
    `${identifier}/${scope}`,
    description,
  ]);
  return { identifier, scopes: Object.fromEntries(prefixed) };
}

function lifetimeOf(seconds = DEFAULT_ACCESS_TOKEN_LIFETIME): number {
  if (isAccessTokenLifetime(seconds)) return seconds;
  throw new RefusedError(`a token lifetime is 1 to ${LONGEST_ACCESS_TOKEN_LIFETIME} whole seconds`);
}

function signingAlgorithmOf(name: string): SigningAlgorithm {
  const algorithm = SIGNING_ALGORITHMS.find((known) => known === name);
  if (algorithm !== undefined) return algorithm;
  throw new RefusedError(`a signing algorithm is one of ${SIGNING_ALGORITHMS.join(', ')}`);
}

function tokenTypeOf(name: string): TokenType {
  const tokenType = TOKEN_TYPES.find((known) => known === name);
  if (tokenType !== undefined) return tokenType;
  throw new RefusedError(`a token type is one of ${TOKEN_TYPES.join(', ')}`);
}
