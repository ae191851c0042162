import type { Settings } from '../runtime/settings.ts';
import type { AuthorizerOptions } from './authorizer.ts';
import { parseContextClaims } from './context.ts';
import { parseRouteScopes } from './routes/route-scopes.ts';
import { parseTrustedIssuers } from './trusted-issuers.ts';

/** What the operator decides of the authorizer. */
export interface AuthorizerSettings
  extends Pick<
    AuthorizerOptions,
    'trustedIssuers' | 'routes' | 'httpApiResponse' | 'contextClaims'
  > {
  /** Undefined where the authorizer does not look for users. */
  usersTable: string | undefined;
}

/** @throws {SettingsError} */
export function readAuthorizerSettings(settings: Settings): AuthorizerSettings {
  const { text, optionalText, word, notation } = settings;
  text('TRUSTED_ISSUERS');
  return {
    trustedIssuers: notation('TRUSTED_ISSUERS', parseTrustedIssuers) ?? [],
    routes: notation('ROUTE_SCOPES', parseRouteScopes),
    httpApiResponse: word('HTTP_API_RESPONSE', ['simple', 'policy']),
    contextClaims: notation('CONTEXT_CLAIMS', parseContextClaims) ?? [],
    usersTable: optionalText('USERS_TABLE'),
  };
}
