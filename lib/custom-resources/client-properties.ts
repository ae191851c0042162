import type { ClaimValue, CustomClaims } from '../oauth/claims.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { type PropertyReader, readProperties } from './properties.ts';
import type { Properties } from './request.ts';

/** What a `Custom::LatchkeyClient` declares. Left out is what Latchkey chooses. */
export interface ClientProperties {
  name: string;
  clientId: string | undefined;
  grantTypes: readonly string[];
  isPublic: boolean;
  authenticationMethod: string | undefined;
  grants: readonly DeclaredGrant[];
  claims: CustomClaims;
  /** Seconds, each. */
  accessTokenLifetime: number | undefined;
  refreshIdleLifetime: number | undefined;
  refreshAbsoluteLifetime: number | undefined;
  secretName: string | undefined;
}

export interface DeclaredGrant {
  /** The identifier of a resource server. */
  audience: string;
  /** All that it defines, where left out. */
  scopes: readonly string[] | undefined;
}

const KNOWN = [
  ...['Name', 'ClientId', 'GrantTypes', 'Public', 'AuthenticationMethod', 'Grants', 'Claims'],
  ...['TokenLifetime', 'RefreshIdleLifetime', 'RefreshAbsoluteLifetime', 'SecretName'],
];

/** @throws {RefusedError} */
export function readClientProperties(properties: Properties): ClientProperties {
  const reader = readProperties(properties, KNOWN);
  const { text, integer, required } = reader;
  return {
    name: required('Name', text('Name')),
    clientId: text('ClientId'),
    grantTypes: required('GrantTypes', reader.texts('GrantTypes')),
    isPublic: reader.boolean('Public') ?? false,
    authenticationMethod: text('AuthenticationMethod'),
    grants: readGrants(required('Grants', reader.readers('Grants', ['Audience', 'Scopes']))),
    claims: readClaims(reader, properties.Claims),
    accessTokenLifetime: integer('TokenLifetime'),
    refreshIdleLifetime: integer('RefreshIdleLifetime'),
    refreshAbsoluteLifetime: integer('RefreshAbsoluteLifetime'),
    secretName: text('SecretName'),
  };
}

function readGrants(readers: readonly PropertyReader[]): DeclaredGrant[] {
  const grants = readers.map((reader) => ({
    audience: reader.required('Audience', reader.text('Audience')),
    scopes: reader.texts('Scopes'),
  }));
  const audiences = new Set(grants.map(({ audience }) => audience));
  if (audiences.size < grants.length) throw new RefusedError('Grants names an audience twice');
  return grants;
}

/** A map, whose numbers and booleans CloudFormation makes text of; or JSON text, where they shall stay. */
function readClaims(reader: PropertyReader, claims: unknown): CustomClaims {
  if (typeof claims !== 'string') return claimsOf(reader.map('Claims') ?? {});
  try {
    return claimsOf(readProperties({ Claims: JSON.parse(claims) }, ['Claims']).map('Claims') ?? {});
  } catch {
    throw new RefusedError('Claims is a map, or the JSON text of one');
  }
}

function claimsOf(map: Properties): CustomClaims {
  return map as Readonly<Record<string, ClaimValue>>;
}
