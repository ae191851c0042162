import { describe, expect, it } from 'vitest';
import type { Client } from '../../lib/oauth/client.ts';
import {
  authenticateClient,
  readClientCredentials,
} from '../../lib/oauth/client-authentication.ts';
import { parseParameters } from '../../lib/oauth/parameters.ts';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const form = (body: string) => parseParameters('application/x-www-form-urlencoded', body);

describe('client credentials are read', () => {
  it.each([
    {
      name: 'from Basic',
      authorization: basic('id:secret'),
      body: 'grant_type=x',
      id: 'id',
      secret: 'secret',
    },
    {
      name: 'from Basic, form-decoded',
      authorization: basic('my%20id:a%2Bb%3Ac'),
      body: '',
      id: 'my id',
      secret: 'a+b:c',
    },
    {
      name: 'from Basic, split at the first colon',
      authorization: basic('id:a:b'),
      body: '',
      id: 'id',
      secret: 'a:b',
    },
    {
      name: 'from Basic in any case',
      authorization: basic('id:s').replace('Basic', 'bASIC'),
      body: '',
      id: 'id',
      secret: 's',
    },
    {
      name: 'from Basic with the same client_id in the body',
      authorization: basic('id:s'),
      body: 'client_id=id',
      id: 'id',
      secret: 's',
    },
    {
      name: 'from Basic with an empty client_secret in the body',
      authorization: basic('id:s'),
      body: 'client_secret=',
      id: 'id',
      secret: 's',
    },
    {
      name: 'from the body',
      authorization: undefined,
      body: 'client_id=id&client_secret=s',
      id: 'id',
      secret: 's',
    },
    {
      name: 'of a public client',
      authorization: undefined,
      body: 'client_id=id',
      id: 'id',
      secret: undefined,
    },
  ])('$name', ({ authorization, body, id, secret }) => {
    const credentials = readClientCredentials(authorization, form(body));
    expect(credentials.clientId).toBe(id);
    expect('clientSecret' in credentials ? credentials.clientSecret : undefined).toBe(secret);
  });
});

describe('client credentials are refused', () => {
  it.each([
    {
      name: 'that are absent',
      authorization: undefined,
      body: 'grant_type=x',
      code: 'invalid_client',
    },
    {
      name: 'without a client_id',
      authorization: undefined,
      body: 'client_secret=s',
      code: 'invalid_client',
    },
    {
      name: 'presented in two ways',
      authorization: basic('id:s'),
      body: 'client_secret=s',
      code: 'invalid_request',
    },
    {
      name: 'of two clients',
      authorization: basic('id:s'),
      body: 'client_id=other',
      code: 'invalid_request',
    },
    { name: 'in another scheme', authorization: 'Bearer abc', body: '', code: 'invalid_client' },
    {
      name: 'in base64 with a foreign character',
      authorization: 'Basic aWQ6c2Vj*mV0',
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'in base64url',
      authorization: `Basic ${Buffer.from('id:???').toString('base64url')}`,
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'in base64 without its padding',
      authorization: basic('id:secret12').replaceAll('=', ''),
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'in base64 with bits to spare',
      authorization: 'Basic aWQ6czF=',
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'joined from two headers',
      authorization: `${basic('a:b')}, ${basic('c:d')}`,
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'in Basic without a colon',
      authorization: basic('id'),
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'in Basic without an id',
      authorization: basic(':s'),
      body: '',
      code: 'invalid_client',
    },
    {
      name: 'in Basic with a broken escape',
      authorization: basic('id:%zz'),
      body: '',
      code: 'invalid_client',
    },
    { name: 'in an empty Basic', authorization: 'Basic ', body: '', code: 'invalid_client' },
  ])('$name', ({ authorization, body, code }) => {
    expect(() => readClientCredentials(authorization, form(body))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe('a client is authenticated', () => {
  const client: Client = {
    clientId: 'id',
    name: 'A client',
    grantTypes: ['client_credentials'],
    authenticationMethods: ['client_secret_basic'],
    secrets: [],
    grants: {},
    claims: {},
    refreshIdleLifetime: 1,
    refreshAbsoluteLifetime: 1,
    disabled: false,
    createdAt: 0,
  };
  const credentials = { method: 'client_secret_basic', clientId: 'id', clientSecret: 's' } as const;

  it('by a right secret', () => {
    expect(authenticateClient(credentials, client, { verifySecret: () => true })).toBe(client);
  });

  it.each([
    { name: 'an unknown client', found: undefined, isRight: true },
    { name: 'a wrong secret', found: client, isRight: false },
    { name: 'a disabled client', found: { ...client, disabled: true }, isRight: true },
    {
      name: 'another way than its own',
      found: { ...client, authenticationMethods: ['client_secret_post'] as const },
      isRight: true,
    },
    {
      name: 'a secret for a public client',
      found: { ...client, authenticationMethods: ['none'] as const },
      isRight: true,
    },
  ])('but not for $name, all with one answer', ({ found, isRight }) => {
    const options = { verifySecret: () => isRight };
    expect(() => authenticateClient(credentials, found, options)).toThrow(
      expect.objectContaining({
        code: 'invalid_client',
        status: 401,
        description: 'Client authentication failed',
        headers: { 'WWW-Authenticate': 'Basic realm="latchkey", charset="UTF-8"' },
      }),
    );
  });

  it('never without a secret where it has one', () => {
    const none = { method: 'none', clientId: 'id' } as const;
    expect(() => authenticateClient(none, client, { verifySecret: () => true })).toThrow(
      expect.objectContaining({ code: 'invalid_client', headers: {} }),
    );
  });
});
