import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ResourceServer } from '../../lib/oauth/resource-server.ts';
import type { ClientParty, UserParty } from './parties.ts';
import { decode } from './requests.ts';
import { sharedStack } from './shared-stack.ts';

type Method = 'client_secret_basic' | 'client_secret_post' | 'none';

interface TokenAnswer {
  access_token: string;
  expires_in?: number;
  scope?: string;
}

/** A client library: it finds everything that it needs to know by discovery. */
interface Library {
  clientCredentials(
    client: ClientParty,
    method: Method,
    parameters: Parameters,
  ): Promise<TokenAnswer>;
  password(client: ClientParty, method: Method, parameters: Parameters): Promise<TokenAnswer>;
}

type Parameters = Record<string, string>;
type Discovery = 'oidc' | 'oauth2';

/** The issuer is on this machine, over http, which both libraries take only when told so. */
function openidClient(algorithm: Discovery): Library {
  const configuration = (client: ClientParty, method: Method) => {
    const authentication = {
      client_secret_basic: () => openid.ClientSecretBasic(client.clientSecret),
      client_secret_post: () => openid.ClientSecretPost(client.clientSecret),
      none: () => openid.None(),
    }[method]();
    const issuer = new URL(sharedStack().issuer);
    return openid.discovery(issuer, client.clientId, undefined, authentication, {
      algorithm,
      execute: [openid.allowInsecureRequests],
    });
  };
  return {
    clientCredentials: async (client, method, parameters) =>
      openid.clientCredentialsGrant(await configuration(client, method), parameters),
    password: async (client, method, parameters) =>
      openid.genericGrantRequest(await configuration(client, method), 'password', parameters),
  };
}

function oauth4webapi(algorithm: Discovery): Library {
  const options = { [oauth.allowInsecureRequests]: true };
  const discover = async () => {
    const issuer = new URL(sharedStack().issuer);
    const response = await oauth.discoveryRequest(issuer, { algorithm, ...options });
    return oauth.processDiscoveryResponse(issuer, response);
  };
  const prepare = async ({ clientId, clientSecret }: ClientParty, method: Method) => ({
    server: await discover(),
    client: { client_id: clientId },
    authentication: {
      client_secret_basic: () => oauth.ClientSecretBasic(clientSecret),
      client_secret_post: () => oauth.ClientSecretPost(clientSecret),
      none: () => oauth.None(),
    }[method](),
  });
  return {
    async clientCredentials(party, method, parameters) {
      const { server, client, authentication } = await prepare(party, method);
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        authentication,
        parameters,
        options,
      );
      return oauth.processClientCredentialsResponse(server, client, response);
    },
    async password(party, method, parameters) {
      const { server, client, authentication } = await prepare(party, method);
      const response = await oauth.genericTokenEndpointRequest(
        server,
        client,
        authentication,
        'password',
        parameters,
        options,
      );
      return oauth.processGenericTokenEndpointResponse(server, client, response);
    },
  };
}

const LIBRARIES = [
  { name: 'openid-client, by OpenID Connect Discovery,', library: openidClient('oidc') },
  { name: 'openid-client, by RFC 8414,', library: openidClient('oauth2') },
  { name: 'oauth4webapi, by OpenID Connect Discovery,', library: oauth4webapi('oidc') },
  { name: 'oauth4webapi, by RFC 8414,', library: oauth4webapi('oauth2') },
];

describe('client libraries that know nothing but the issuer', () => {
  let library: ResourceServer;
  let user: UserParty;
  const clients = new Map<Method, ClientParty>();
  const clientFor = (method: Method) => clients.get(method) ?? { clientId: '', clientSecret: '' };

  beforeAll(async () => {
    const { parties } = sharedStack();
    library = await parties.addResourceServer({
      identifier: 'https://library.example/api',
      scopes: { 'read:books': 'Read', 'write:books': 'Write' },
    });
    user = await parties.addUser({ username: 'reader@example.com', permissions: ['read:books'] });
    for (const method of ['client_secret_basic', 'client_secret_post', 'none'] as const) {
      const registration = {
        name: `client of the library by ${method}`,
        // What Basic, a form and a URL each write in their own way.
        clientId: `${method}+1%20/&=?`,
        audiences: [library],
        authenticationMethod: method,
        isPublic: method === 'none',
        grantTypes: method === 'none' ? ['password'] : ['client_credentials', 'password'],
      };
      clients.set(method, await parties.addClient(registration));
    }
  });

  describe.each(LIBRARIES)('$name', ({ library: client }) => {
    it.each(['client_secret_basic', 'client_secret_post'] as const)(
      'gets a token for a machine with %s',
      async (method) => {
        const party = clientFor(method);
        const answer = await client.clientCredentials(party, method, {
          audience: library.identifier,
          scope: 'read:books',
        });
        expect(decode(answer.access_token)).toMatchObject({
          header: { alg: 'RS256', typ: 'at+jwt' },
          claims: {
            iss: sharedStack().issuer,
            aud: library.identifier,
            sub: party.clientId,
            client_id: party.clientId,
            scope: 'read:books',
          },
        });
        expect(answer.expires_in).toBe(3600);
        expect(answer).not.toHaveProperty('scope');
      },
    );

    it.each(['client_secret_basic', 'client_secret_post', 'none'] as const)(
      'signs a person in with %s',
      async (method) => {
        const party = clientFor(method);
        const { username, password } = user;
        const answer = await client.password(party, method, { username, password });
        expect(decode(answer.access_token).claims).toMatchObject({
          sub: user.sub,
          azp: party.clientId,
          scope: 'read:books',
        });
        expect(answer.scope).toBe('read:books');
        expect(answer).not.toHaveProperty('refresh_token');
      },
    );

    it('understands why it was refused', async () => {
      const wrong = (method: Method) => ({ ...clientFor(method), clientSecret: 'not-its-secret' });
      const refusal = (method: Method) =>
        client.clientCredentials(wrong(method), method, {}).catch((reason: unknown) => reason);
      expect(await refusal('client_secret_basic')).toMatchObject({
        status: 401,
        cause: [{ scheme: 'basic', parameters: { realm: 'latchkey' } }],
      });
      expect(await refusal('client_secret_post')).toMatchObject({
        status: 401,
        error: 'invalid_client',
        error_description: 'Client authentication failed',
      });
    });
  });
});
