import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CloudFormation,
  type Properties,
  RESOURCE_SERVER,
  startCloudFormation,
} from './cloud-formation.ts';

let cloudFormation: CloudFormation;

beforeAll(async () => {
  cloudFormation = await startCloudFormation();
  await cloudFormation.latchkey.addResourceServer({ identifier: 'api', scopes: { read: 'Read' } });
});
afterAll(() => cloudFormation.close());

const CLIENT: Properties = {
  Name: 'A client',
  ClientId: 'a-client',
  GrantTypes: ['client_credentials'],
  Grants: [{ Audience: 'api', Scopes: ['read'] }],
};
const SERVER: Properties = { Identifier: 'a-server', Scopes: { read: 'Read' } };

const LIFETIME = 'a token lifetime is 1 to 86400 whole seconds';
const REFRESH_LIFETIME = 'a refresh lifetime is a whole number of seconds, one at least';
const PROPERTIES_OF_A_CLIENT =
  'Name, ClientId, GrantTypes, Public, AuthenticationMethod, Grants, Claims, TokenLifetime, RefreshIdleLifetime, RefreshAbsoluteLifetime, SecretName';
const PROPERTIES_OF_A_SERVER =
  'Identifier, Scopes, TokenLifetime, SigningAlgorithm, TokenType, AudienceClaim, PermissionsClaim';

interface Refusal {
  changes: Properties;
  reason: string;
}

const CLIENT_REFUSALS: Refusal[] = [
  {
    changes: { ClientSecret: 'canary-secret', Scopes: [] },
    reason: `ClientSecret, Scopes: no such property; there are ${PROPERTIES_OF_A_CLIENT}`,
  },
  { changes: { Name: undefined }, reason: 'Name is missing' },
  { changes: { Name: ' ' }, reason: 'Name is a text that is not empty' },
  { changes: { Name: ['A'] }, reason: 'Name is a text that is not empty' },
  { changes: { ClientId: '' }, reason: 'ClientId is a text that is not empty' },
  {
    changes: { ClientId: 'a:b' },
    reason: 'a client id is 1 to 256 visible ASCII characters without a colon',
  },
  {
    changes: { ClientId: 'x'.repeat(257) },
    reason: 'a client id is 1 to 256 visible ASCII characters without a colon',
  },
  { changes: { GrantTypes: undefined }, reason: 'GrantTypes is missing' },
  { changes: { GrantTypes: 'password' }, reason: 'GrantTypes is a list of texts' },
  { changes: { GrantTypes: [{}] }, reason: 'GrantTypes is a list of texts' },
  { changes: { GrantTypes: [] }, reason: 'a client needs a grant type' },
  {
    changes: { GrantTypes: ['implicit'] },
    reason: 'a grant type is one of client_credentials, password',
  },
  { changes: { Public: 'yes' }, reason: 'Public is true or false' },
  {
    changes: { Public: 'true' },
    reason: 'a public client cannot use client_credentials: it has none',
  },
  {
    changes: { Public: 'true', GrantTypes: ['password'], SecretName: 'latchkey-test/a' },
    reason: 'SecretName: a public client has no secret',
  },
  {
    changes: { AuthenticationMethod: 'private_key' },
    reason: 'an authentication method is one of client_secret_basic, client_secret_post, none',
  },
  { changes: { Grants: undefined }, reason: 'Grants is missing' },
  { changes: { Grants: { Audience: 'api' } }, reason: 'Grants is a list of maps' },
  { changes: { Grants: ['api'] }, reason: 'Grants is a list of maps' },
  { changes: { Grants: [] }, reason: 'a client needs an audience' },
  { changes: { Grants: [{}] }, reason: 'Grants[0].Audience is missing' },
  {
    changes: { Grants: [{ Audience: 'api', Scope: 'read' }] },
    reason: 'Grants[0].Scope: no such property; there are Audience, Scopes',
  },
  {
    changes: { Grants: [{ Audience: 'api', ServiceToken: 'x' }] },
    reason: 'Grants[0].ServiceToken: no such property; there are Audience, Scopes',
  },
  {
    changes: { Grants: [{ Audience: 'api', Scopes: 'read' }] },
    reason: 'Grants[0].Scopes is a list of texts',
  },
  {
    changes: { Grants: [{ Audience: 'api' }, { Audience: 'api' }] },
    reason: 'Grants names an audience twice',
  },
  {
    changes: { Grants: [{ Audience: 'unknown' }] },
    reason: 'Grants: there is no resource server unknown',
  },
  {
    changes: { Grants: [{ Audience: 'api', Scopes: ['toString'] }] },
    reason: 'Grants: api does not define the scope "toString"',
  },
  { changes: { Claims: ['a'] }, reason: 'Claims is a map' },
  { changes: { Claims: '[1]' }, reason: 'Claims is a map, or the JSON text of one' },
  { changes: { Claims: '{"a":' }, reason: 'Claims is a map, or the JSON text of one' },
  { changes: { Claims: { azp: 'other' } }, reason: 'the claim "azp" is reserved' },
  { changes: { TokenLifetime: '1.5' }, reason: 'TokenLifetime is a whole number' },
  { changes: { TokenLifetime: '1e3' }, reason: 'TokenLifetime is a whole number' },
  { changes: { TokenLifetime: '0' }, reason: LIFETIME },
  { changes: { TokenLifetime: '86401' }, reason: LIFETIME },
  { changes: { RefreshIdleLifetime: '0' }, reason: REFRESH_LIFETIME },
  { changes: { RefreshAbsoluteLifetime: '0' }, reason: REFRESH_LIFETIME },
  ...['latchkey-prod/a', 'latchkey/test/signing-keys', 'latchkey-test/', 'latchkey-test/a b'].map(
    (SecretName) => ({
      changes: { SecretName },
      reason: 'SecretName begins with latchkey-test/, and goes on with letters, digits or /_+=.@-',
    }),
  ),
  {
    changes: { ClientId: 'a"b' },
    reason: 'SecretName begins with latchkey-test/, and goes on with letters, digits or /_+=.@-',
  },
];

const SERVER_REFUSALS: Refusal[] = [
  {
    changes: { Name: 'A' },
    reason: `Name: no such property; there are ${PROPERTIES_OF_A_SERVER}`,
  },
  { changes: { Identifier: undefined }, reason: 'Identifier is missing' },
  {
    changes: { Identifier: 'a b' },
    reason: 'an identifier is 1 to 1024 visible ASCII characters',
  },
  { changes: { Scopes: undefined }, reason: 'Scopes is missing' },
  { changes: { Scopes: ['read'] }, reason: 'Scopes is a map' },
  {
    changes: { Scopes: { read: { Description: 'Read' } } },
    reason: 'Scopes is a map from scopes to descriptions: "read" has none',
  },
  {
    changes: { Scopes: { 'a b': 'A' } },
    reason: '"a b" is not a scope: spaces, quotes and backslashes cannot be in one',
  },
  { changes: { TokenLifetime: 'long' }, reason: 'TokenLifetime is a whole number' },
  { changes: { TokenLifetime: '90000' }, reason: LIFETIME },
  { changes: { SigningAlgorithm: 'HS256' }, reason: 'a signing algorithm is one of RS256, ES256' },
  { changes: { TokenType: 'jwt' }, reason: 'a token type is one of at+jwt, JWT' },
  { changes: { AudienceClaim: '1' }, reason: 'AudienceClaim is true or false' },
  { changes: { PermissionsClaim: {} }, reason: 'PermissionsClaim is true or false' },
];

const named = (refusals: Refusal[]) =>
  refusals.map((refusal) => [JSON.stringify(refusal.changes).slice(0, 80), refusal] as const);

describe('malformed properties of a client are refused, and nothing is made', () => {
  it.each(named(CLIENT_REFUSALS))('%s', async (_, { changes, reason }) => {
    const answer = await cloudFormation.request('Create', {
      properties: { ...CLIENT, ...changes },
    });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: reason });
    expect(await cloudFormation.latchkey.stores.clients.list()).toEqual([]);
    expect(await cloudFormation.secretNames()).toEqual([]);
  });
});

describe('malformed properties of a resource server are refused', () => {
  it.each(named(SERVER_REFUSALS))('%s', async (_, { changes, reason }) => {
    const answer = await cloudFormation.request('Create', {
      resourceType: RESOURCE_SERVER,
      logicalId: 'Server',
      properties: { ...SERVER, ...changes },
    });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: reason });
    expect(await cloudFormation.latchkey.stores.resourceServers.list()).toHaveLength(1);
  });
});

describe('numbers and booleans', () => {
  it('may come as they are, too', async () => {
    const answer = await cloudFormation.request('Create', {
      resourceType: RESOURCE_SERVER,
      logicalId: 'Typed',
      properties: { ...SERVER, Identifier: 'typed', TokenLifetime: 60, AudienceClaim: false },
    });
    expect(answer.Status).toBe('SUCCESS');
    const servers = await cloudFormation.latchkey.stores.resourceServers.list();
    expect(servers.find(({ identifier }) => identifier === 'typed')).toMatchObject({
      accessTokenLifetime: 60,
      audienceClaim: false,
    });
  });

  it('come with what CloudFormation adds', async () => {
    const answer = await cloudFormation.request('Create', {
      properties: { ...CLIENT, ServiceTimeout: '300' },
    });
    expect(answer.Status).toBe('SUCCESS');
  });
});
