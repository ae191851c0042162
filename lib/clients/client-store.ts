import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { Client, ClientSecret } from '../oauth/client.ts';

export interface ClientStore {
  /** Eventually consistent, unless asked to be `consistent`, which costs twice as much. */
  find(clientId: string, options?: { consistent: true }): Promise<Client | undefined>;
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
    async find(clientId, options) {
      const item = await table.get(
        clientId,
        options?.consistent ? undefined : { eventuallyConsistent: true },
      );
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

export function itemOf(client: Client): Item {
  return {
    client_id: client.clientId,
    name: client.name,
    grant_types: client.grantTypes,
    authentication_methods: client.authenticationMethods,
    secrets: secretItemsOf(client.secrets),
    secret_uses: client.secretUses ?? {},
    secret_name: client.secretName,
    grants: client.grants,
    claims: client.claims,
    access_token_lifetime: client.accessTokenLifetime,
    refresh_idle_lifetime: client.refreshIdleLifetime,
    refresh_absolute_lifetime: client.refreshAbsoluteLifetime,
    disabled: client.disabled,
    created_at: client.createdAt,
  };
}

export function secretItemsOf(secrets: Client['secrets']): Item[] {
  return secrets.map(({ hash, createdAt, expiresAt }) => ({
    hash,
    created_at: createdAt,
    expires_at: expiresAt,
  }));
}

interface ClientItem {
  client_id: string;
  name: string;
  grant_types: Client['grantTypes'];
  authentication_methods: Client['authenticationMethods'];
  secrets: { hash: ClientSecret['hash']; created_at: number; expires_at?: number }[];
  secret_uses?: Client['secretUses'];
  secret_name?: string;
  grants: Client['grants'];
  claims: Client['claims'];
  access_token_lifetime?: number;
  refresh_idle_lifetime: number;
  refresh_absolute_lifetime: number;
  disabled: boolean;
  created_at: number;
}

export function clientOf(item: Item): Client {
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
    ...(stored.secret_uses !== undefined && { secretUses: stored.secret_uses }),
    ...(stored.secret_name !== undefined && { secretName: stored.secret_name }),
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
