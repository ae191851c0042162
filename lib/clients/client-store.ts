import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { Client, ClientSecret } from './client.ts';

export interface ClientStore {
  find(clientId: string): Promise<Client | undefined>;
  /** `taken` where another client has the id. */
  add(client: Client): Promise<'added' | 'taken'>;
  list(): Promise<Client[]>;
  setDisabled(clientId: string, disabled: boolean): Promise<'changed' | 'unknown'>;
  remove(clientId: string): Promise<'removed' | 'unknown'>;
}

/** Clients by id, one item each. */
export function createClientStore(dynamodb: DynamoDBClient, tableName: string): ClientStore {
  const table = createTable(dynamodb, tableName, 'client_id');
  return {
    async find(clientId) {
      const item = await table.get(clientId, { eventuallyConsistent: true });
      return item && clientOf(item);
    },

    add: (client) => table.add(itemOf(client)),

    async list() {
      const clients = (await table.scan()).map(clientOf);
      return clients.sort((a, b) => a.clientId.localeCompare(b.clientId));
    },

    async setDisabled(clientId, disabled) {
      const { outcome } = await table.update(clientId, {
        expression: 'SET disabled = :disabled',
        condition: 'attribute_exists(client_id)',
        values: { ':disabled': disabled },
      });
      return outcome === 'updated' ? 'changed' : 'unknown';
    },

    remove: (clientId) => table.remove(clientId),
  };
}

function itemOf(client: Client): Item {
  return {
    client_id: client.clientId,
    name: client.name,
    grant_types: client.grantTypes,
    authentication_methods: client.authenticationMethods,
    secrets: client.secrets.map(({ hash, createdAt, expiresAt }) => ({
      hash,
      created_at: createdAt,
      expires_at: expiresAt,
    })),
    grants: client.grants,
    claims: client.claims,
    access_token_lifetime: client.accessTokenLifetime,
    refresh_idle_lifetime: client.refreshIdleLifetime,
    refresh_absolute_lifetime: client.refreshAbsoluteLifetime,
    disabled: client.disabled,
    created_at: client.createdAt,
  };
}

interface ClientItem {
  client_id: string;
  name: string;
  grant_types: Client['grantTypes'];
  authentication_methods: Client['authenticationMethods'];
  secrets: { hash: ClientSecret['hash']; created_at: number; expires_at?: number }[];
  grants: Client['grants'];
  claims: Client['claims'];
  access_token_lifetime?: number;
  refresh_idle_lifetime: number;
  refresh_absolute_lifetime: number;
  disabled: boolean;
  created_at: number;
}

function clientOf(item: Item): Client {
  const stored = item as unknown as ClientItem;
  return {
    clientId: stored.client_id,
    name: stored.name,
    grantTypes: stored.grant_types,
    authenticationMethods: stored.authentication_methods,
    secrets: stored.secrets.map(({ hash, created_at, expires_at }) => ({
      hash,
      createdAt: created_at,
      ...(expires_at !== undefined && { expiresAt: expires_at }),
    })),
    grants: stored.grants,
    claims: stored.claims,
    ...(stored.access_token_lifetime !== undefined && {
      accessTokenLifetime: stored.access_token_lifetime,
    }),
    refreshIdleLifetime: stored.refresh_idle_lifetime,
    refreshAbsoluteLifetime: stored.refresh_absolute_lifetime,
    disabled: stored.disabled,
    createdAt: stored.created_at,
  };
}
