import { describe, expect, it } from 'vitest';
import { readAuthorizerSettings } from '../../lib/gateway/settings.ts';
import { type Environment, SettingsError, settingsOf } from '../../lib/runtime/settings.ts';

const TRUSTED_ISSUERS = JSON.stringify([{ issuer: 'https://issuer.example', audience: 'api' }]);
const issuer = 'https://issuer.example';

const read = (env: Environment) => readAuthorizerSettings(settingsOf(env));

describe('the settings of the authorizer', () => {
  it('have defaults for all but the trusted issuers', () => {
    expect(read({ TRUSTED_ISSUERS, ROUTE_SCOPES: '', USERS_TABLE: '' })).toEqual({
      trustedIssuers: [
        {
          issuer,
          audience: { kind: 'audience', anyOf: ['api'] },
          algorithms: ['RS256', 'ES256'],
          hasUsers: true,
        },
      ],
      routes: undefined,
      httpApiResponse: 'simple',
      contextClaims: [],
      usersTable: undefined,
    });
  });

  it('are read', () => {
    const config = read({
      TRUSTED_ISSUERS,
      ROUTE_SCOPES: 'GET /a: x',
      HTTP_API_RESPONSE: 'policy',
      CONTEXT_CLAIMS: 'participantId, ucw/roles\nhttps://example.org/tenant',
      USERS_TABLE: 'users',
    });
    expect(config.routes).toHaveLength(1);
    expect(config.httpApiResponse).toBe('policy');
    expect(config.contextClaims).toEqual([
      'participantId',
      'ucw/roles',
      'https://example.org/tenant',
    ]);
    expect(config.usersTable).toBe('users');
  });

  it.each([
    { name: 'no issuers', env: { TRUSTED_ISSUERS: '' }, message: 'TRUSTED_ISSUERS is not set' },
    { name: 'a bad line', env: { ROUTE_SCOPES: 'GET /a:\nGET' }, message: 'ROUTE_SCOPES line 2' },
    { name: 'another response', env: { HTTP_API_RESPONSE: 'x' }, message: 'HTTP_API_RESPONSE is' },
    { name: 'claims that clash', env: { CONTEXT_CLAIMS: 'a/b a.b' }, message: 'context key a_b' },
    { name: 'a claim that is taken', env: { CONTEXT_CLAIMS: 'sub' }, message: 'context key sub' },
    {
      name: 'a claim that looks taken',
      env: { CONTEXT_CLAIMS: 'client-id' },
      message: 'client_id',
    },
    { name: 'a prototype', env: { CONTEXT_CLAIMS: '__proto__' }, message: '__proto__' },
  ])('with $name are refused', ({ env, message }) => {
    const reading = () => read({ TRUSTED_ISSUERS, ...env });
    expect(reading).toThrow(SettingsError);
    expect(reading).toThrow(message);
  });
});

describe('the trusted issuers', () => {
  it.each([
    { name: 'an audience', entry: { audience: 'x' }, rule: { kind: 'audience', anyOf: ['x'] } },
    {
      name: 'audiences',
      entry: { audience: ['x', 'y'] },
      rule: { kind: 'audience', anyOf: ['x', 'y'] },
    },
    { name: 'clients', entry: { clientIds: ['x'] }, rule: { kind: 'client-ids', anyOf: ['x'] } },
    { name: 'any audience', entry: { allowAnyAudience: true }, rule: { kind: 'none' } },
  ])('may have $name', ({ entry, rule }) => {
    const text = JSON.stringify([{ issuer, ...entry }]);
    const { trustedIssuers } = read({ TRUSTED_ISSUERS: text });
    expect(trustedIssuers[0]?.audience).toEqual(rule);
  });

  it.each([
    'https://tenant.auth0.example/',
    'https://example.org/realms/dev',
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
  ])('may be %s', (identifier) => {
    const text = JSON.stringify([{ issuer: identifier, audience: 'x' }]);
    const { trustedIssuers } = read({ TRUSTED_ISSUERS: text });
    expect(trustedIssuers[0]?.issuer).toBe(identifier);
  });

  it('may name their algorithms, and have users elsewhere', () => {
    const text = JSON.stringify([
      { issuer, audience: 'x', algorithms: ['EdDSA', 'PS384'], users: false },
    ]);
    expect(read({ TRUSTED_ISSUERS: text }).trustedIssuers[0]).toMatchObject({
      algorithms: ['EdDSA', 'PS384'],
      hasUsers: false,
    });
  });

  const SECRET = 'tops3cret';

  it.each([
    { name: 'no JSON', value: `{"issuer": ${SECRET}`, message: 'is not JSON' },
    { name: 'an object', value: { issuer: SECRET }, message: 'is not a JSON array' },
    { name: 'null', value: null, message: 'is not a JSON array' },
    { name: 'an empty list', value: [], message: 'names no issuer' },
    { name: 'a string', value: [SECRET], message: 'entry 1 is not an object' },
    { name: 'a list', value: [[SECRET]], message: 'entry 1 is not an object' },
    { name: 'no issuer', value: [{ audience: 'x' }], message: 'entry 1 has no issuer' },
    { name: 'http', value: [{ issuer: `http://${SECRET}`, audience: 'x' }], message: 'no issuer' },
    {
      name: 'a query',
      value: [{ issuer: `${issuer}?${SECRET}`, audience: 'x' }],
      message: 'no iss',
    },
    { name: 'a fragment', value: [{ issuer: `${issuer}#`, audience: 'x' }], message: 'no issuer' },
    {
      name: 'a password',
      value: [{ issuer: `https://a:${SECRET}@b`, audience: 'x' }],
      message: 'no issuer',
    },
    { name: 'no audience', value: [{ issuer }], message: 'entry 1 needs one of audience' },
    {
      name: 'two audience rules',
      value: [{ issuer, audience: 'x', clientIds: ['x'] }],
      message: 'entry 1 needs one of audience',
    },
    { name: 'an empty audience', value: [{ issuer, audience: '' }], message: 'malformed audience' },
    { name: 'no audiences', value: [{ issuer, audience: [] }], message: 'malformed audience' },
    { name: 'one client', value: [{ issuer, clientIds: SECRET }], message: 'malformed audience' },
    {
      name: 'any audience, false',
      value: [{ issuer, allowAnyAudience: false }],
      message: 'malformed audience',
    },
    {
      name: 'an unknown field',
      value: [{ issuer, audience: 'x', [SECRET]: 1 }],
      message: 'entry 1 has a field other than issuer, audience',
    },
    ...['none', 'HS256', 'RS1', SECRET].map((alg) => ({
      name: `the algorithm ${alg}`,
      value: [{ issuer, audience: 'x', algorithms: [alg] }],
      message: 'entry 1 has algorithms other than',
    })),
    {
      name: 'no algorithms',
      value: [{ issuer, audience: 'x', algorithms: [] }],
      message: 'entry 1 has algorithms other than',
    },
    {
      name: 'users that is no boolean',
      value: [{ issuer, audience: 'x', users: SECRET }],
      message: 'entry 1 has users that is no boolean',
    },
    {
      name: 'an issuer twice',
      value: [
        { issuer, audience: 'x' },
        { issuer, audience: 'y' },
      ],
      message: 'entry 2 repeats entry 1',
    },
  ])('with $name are refused, and nothing of it is told', ({ value, message }) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    try {
      read({ TRUSTED_ISSUERS: text });
      expect.unreachable('the setting was accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      expect(String(error)).toContain(message);
      expect(String(error)).not.toContain(SECRET);
    }
  });
});
