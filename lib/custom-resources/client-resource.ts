import { hashClientSecret, verifyClientSecret } from '../clients/client-secret.ts';
import type { ClientSecretStore } from '../clients/client-secret-store.ts';
import { newClient } from '../clients/registration.ts';
import { DEFAULT_OVERLAP, withSuccessor } from '../clients/secret-overlap.ts';
import { type Client, isPublicClient } from '../oauth/client.ts';
import type { ResourceServer } from '../oauth/resource-server.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import {
  type ClientProperties,
  type DeclaredGrant,
  readClientProperties,
} from './client-properties.ts';
import type { ClientSecrets } from './client-secrets.ts';
import type { DeclaredClientStore } from './declared-client-store.ts';
import { type CustomResource, derivedId, formatOwner, type Owner } from './resource.ts';

export interface ClientResourceDependencies {
  clients: DeclaredClientStore;
  findResourceServer: (identifier: string) => Promise<ResourceServer | undefined>;
  secrets: ClientSecrets;
  clientSecrets: Pick<ClientSecretStore, 'change'>;
  /** Seconds since the epoch. */
  now: () => number;
}

const NOT_THE_CLIENTS =
  'holds none that the client has: delete it without recovery, and another one is made';

/** `Custom::LatchkeyClient` */
export function createClientResource(dependencies: ClientResourceDependencies): CustomResource {
  const { clients, secrets, now } = dependencies;

  async function audienceOf({ audience, scopes }: DeclaredGrant): Promise<ResourceServer> {
    const resourceServer = await dependencies.findResourceServer(audience);
    if (resourceServer === undefined) {
      throw new RefusedError(`Grants: there is no resource server ${audience}`);
    }
    return scopes === undefined ? resourceServer : withScopes(resourceServer, scopes);
  }

  async function propose(owner: Owner, properties: ClientProperties) {
    const { grants, clientId = derivedId(owner), secretName, ...others } = properties;
    const audiences = await Promise.all(grants.map(audienceOf));
    const { client, clientSecret } = newClient({ ...others, clientId, audiences }, now());
    const name = secrets.nameOf(client, secretName);
    return { client: { ...client, ...(name && { secretName: name }) }, clientSecret };
  }

  /** The client with the secret that Secrets Manager has, in the place of the one that was made for it. */
  async function withKeptSecret(
    owner: Owner,
    client: Client,
    proposed: string,
    found: Client | undefined,
  ): Promise<Client> {
    const { clientId, secretName = '' } = client;
    const { secret, isNew } = await secrets.ensure(secretName, owner, client, proposed);
    const hash = hashClientSecret(secret);
    if (found !== undefined && !verifyClientSecret(found, secret, now())) {
      // Only what was made here and now: a value that somebody put there opens nothing.
      if (!isNew) throw new RefusedError(`the secret ${secretName} ${NOT_THE_CLIENTS}`);
      await dependencies.clientSecrets.change(clientId, ({ secrets: present }) =>
        withSuccessor(present, { hash, now: now(), overlap: DEFAULT_OVERLAP }),
      );
    }
    return { ...client, secrets: client.secrets.map((one) => ({ ...one, hash })) };
  }

  return {
    idOf(owner, { ClientId }) {
      if (ClientId === undefined) return derivedId(owner);
      const isValid = typeof ClientId === 'string' && /^[\x21-\x7e]{1,256}$/.test(ClientId);
      return isValid ? ClientId : undefined;
    },

    async put(owner, properties) {
      const declared = await propose(owner, readClientProperties(properties));
      const { clientId, secretName } = declared.client;
      const declaredBy = formatOwner(owner);
      const found = await clients.find(clientId);
      if (found !== undefined && found.declaredBy !== declaredBy) throw foreign(clientId);
      if (found !== undefined) assertCanBecome(found.client, declared.client);

      const { clientSecret } = declared;
      const client =
        clientSecret === undefined
          ? declared.client
          : await withKeptSecret(owner, declared.client, clientSecret, found?.client);
      if ((await clients.put({ client, declaredBy })) === 'foreign') throw foreign(clientId);
      const data = {
        ClientId: clientId,
        ...(secretName !== undefined && { SecretArn: await secrets.settle(secretName, client) }),
      };
      return { physicalResourceId: clientId, data };
    },

    async remove(owner, clientId, { SecretName }) {
      const declaredBy = formatOwner(owner);
      const found = await clients.find(clientId);
      if (found !== undefined && found.declaredBy !== declaredBy) return;
      // First the client: from then on the secret opens nothing.
      if (found !== undefined) await clients.remove(clientId, declaredBy);
      const declaredName = typeof SecretName === 'string' ? SecretName : undefined;
      await secrets.release(owner, clientId, found?.client.secretName ?? declaredName);
    },
  };
}

/** @throws {RefusedError} where no change makes a client the declared one */
function assertCanBecome(found: Client, declared: Client): void {
  if (isPublicClient(found) !== isPublicClient(declared)) {
    throw new RefusedError('a client stays public, or confidential, as long as its id is the same');
  }
  if (found.secretName !== declared.secretName) {
    throw new RefusedError('SecretName stays the same as long as the id of the client is the same');
  }
}

function foreign(clientId: string): RefusedError {
  return new RefusedError(`there is a client ${clientId} already, which is not of this resource`);
}

/** The resource server as far as the client is granted it. */
function withScopes(resourceServer: ResourceServer, scopes: readonly string[]): ResourceServer {
  const { identifier, scopes: defined } = resourceServer;
  const unknown = scopes.find((scope) => !Object.hasOwn(defined, scope));
  if (unknown !== undefined) {
    throw new RefusedError(`Grants: ${identifier} does not define the scope "${unknown}"`);
  }
  const granted = Object.entries(defined).filter(([scope]) => scopes.includes(scope));
  return { ...resourceServer, scopes: Object.fromEntries(granted) };
}
