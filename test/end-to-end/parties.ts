import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { type ClientRegistration, newClient } from '../../lib/clients/registration.ts';
import type { ResourceServer } from '../../lib/oauth/resource-server.ts';
import {
  newResourceServer,
  type ResourceServerRegistration,
} from '../../lib/resource-servers/registration.ts';
import { createResourceServerStore } from '../../lib/resource-servers/resource-server-store.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { createPasswordStore } from '../../lib/users/password-store.ts';
import { addUser, type UserRegistration } from '../../lib/users/registration.ts';
import { createUserStore } from '../../lib/users/user-store.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import type { Canary } from './canary.ts';

export interface ClientParty {
  clientId: string;
  /** Empty for a public client. */
  clientSecret: string;
}

export interface UserParty {
  sub: string;
  username: string;
  password: string;
}

/** Registers parties in the tables of the local stack, with secrets that the canary knows. */
export interface Parties {
  addResourceServer(registration: ResourceServerRegistration): Promise<ResourceServer>;
  addClient(registration: ClientRegistration): Promise<ClientParty>;
  addDisabledClient(registration: ClientRegistration): Promise<ClientParty>;
  addUser(registration: Omit<UserRegistration, 'password'>): Promise<UserParty>;
  close(): void;
}

export function createParties(endpoint: string, canary: Canary): Parties {
  const dynamodb = new DynamoDBClient({ endpoint, ...LOCAL_CREDENTIALS });
  const clients = createClientStore(dynamodb, 'latchkey-local-clients');
  const resourceServers = createResourceServerStore(dynamodb, 'latchkey-local-resource-servers');
  const userStores = {
    users: createUserStore(dynamodb, 'latchkey-local-users'),
    passwords: createPasswordStore(dynamodb, 'latchkey-local-passwords'),
  };

  async function addClient(registration: ClientRegistration): Promise<ClientParty> {
    const { client, clientSecret } = newClient(registration, nowInSeconds());
    await clients.add(client);
    if (clientSecret !== undefined) canary.keep(`secret of ${client.name}`, clientSecret);
    return { clientId: client.clientId, clientSecret: clientSecret ?? '' };
  }

  return {
    addClient,

    async addResourceServer(registration) {
      const resourceServer = newResourceServer(registration, nowInSeconds());
      await resourceServers.add(resourceServer);
      return resourceServer;
    },

    async addDisabledClient(registration) {
      const party = await addClient(registration);
      await clients.setDisabled(party.clientId, true);
      return party;
    },

    async addUser(registration) {
      const { username } = registration;
      const password = canary.keep(`password of ${username}`, newPassword());
      const user = await addUser(userStores, { ...registration, password }, nowInSeconds());
      return { sub: user.sub, username, password };
    },

    close: () => dynamodb.destroy(),
  };
}

/** With what forms, JSON and shells each treat in their own way. */
export function newPassword(): string {
  return `${randomBytes(9).toString('base64url')} &=+%"'é`;
}
