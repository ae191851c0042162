import { OAuthError } from '../oauth/errors.ts';
import { readBearerToken } from './bearer-token.ts';
import { type Context, contextOf, type FlatContext, flatten } from './context.ts';
import { type GatewayRequest, readGatewayRequest } from './gateway-request.ts';
import { createPolicies, denyEverything, type PolicyDocument } from './routes/policy.ts';
import { isAllowed, type RouteTable } from './routes/route-table.ts';
import { type Bearer, createTokenCheck, type TokenCheckOptions } from './token-check.ts';

export interface AuthorizerOptions extends TokenCheckOptions {
  /** Undefined where every valid token may call every route. */
  routes: RouteTable | undefined;
  /**
   * What HTTP APIs with payload format 2.0 are configured to expect. A simple response is about one request: where
   * the gateway keeps it, `$context.routeKey`, `$context.httpMethod` and `$context.path` must be identity sources.
   */
  httpApiResponse: 'simple' | 'policy';
  /** Names of claims that are passed on. */
  contextClaims: readonly string[];
}

export type AuthorizerResult =
  | { isAuthorized: boolean; context?: Context }
  | { principalId: string; policyDocument: PolicyDocument; context?: FlatContext };

/** REST APIs answer 401 to an error with exactly this message. */
const UNAUTHORIZED = 'Unauthorized';

/**
 * The Lambda authorizer for every kind of API. What it throws becomes an answer of the gateway: an error with the
 * message `Unauthorized` 401 (REST APIs alone can), any other 500.
 */
export function createAuthorizer(options: AuthorizerOptions) {
  const { routes, httpApiResponse, contextClaims, log } = options;
  const checkToken = createTokenCheck(options);
  const policyFor = createPolicies({ routes, log });

  function refuse({ shape, stageArn }: GatewayRequest): AuthorizerResult {
    if (shape === 'rest-token' || shape === 'rest-request') throw new Error(UNAUTHORIZED);
    if (shape === 'http-2.0' && httpApiResponse === 'simple') return { isAuthorized: false };
    return { principalId: 'unauthorized', policyDocument: denyEverything(stageArn) };
  }

  function accept(request: GatewayRequest, bearer: Bearer): AuthorizerResult {
    const { claims, scopes } = bearer.token;
    const { shape, stageArn } = request;
    if (shape === 'http-2.0' && httpApiResponse === 'simple') {
      const isAuthorized = isAllowed(routes, request, scopes);
      return isAuthorized
        ? { isAuthorized, context: contextOf(bearer, contextClaims) }
        : { isAuthorized };
    }
    if (stageArn === undefined) return refuse(request);
    return {
      principalId: claims.sub,
      policyDocument: policyFor({ stageArn, scopes, request }),
      context: flatten(contextOf(bearer, contextClaims)),
    };
  }

  return async (event: unknown): Promise<AuthorizerResult> => {
    const request = readGatewayRequest(event);
    if (request === undefined) {
      log.warn('not an event of an API Gateway authorizer');
      throw new Error(UNAUTHORIZED);
    }
    let bearer: Bearer;
    try {
      bearer = await checkToken(readBearerToken(request.authorizations));
    } catch (error) {
      if (error instanceof OAuthError && error.code === 'invalid_token') {
        log.info('access token refused', { detail: error.detail, shape: request.shape });
        return refuse(request);
      }
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
      log.error('the authorizer cannot decide', { reason, shape: request.shape });
      throw new Error('The authorizer cannot decide', { cause: error });
    }
    return accept(request, bearer);
  };
}
