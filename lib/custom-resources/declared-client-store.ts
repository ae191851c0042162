import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '../aws/table.ts';
import { clientOf, itemOf } from '../clients/client-store.ts';
import type { Client } from '../oauth/client.ts';
import { putDeclared, removeDeclared } from './declared-item.ts';

export interface DeclaredClient {
  client: Client;
  /** Undefined where no stack declares it. */
  declaredBy: string | undefined;
}

/** Clients that know which resource of which stack declares them. */
export interface DeclaredClientStore {
  /** Whoever declared it. */
  find(clientId: string): Promise<DeclaredClient | undefined>;
  /** Leaves the secrets, and whether it is disabled, as they are where the client is there already. */
  put(declared: DeclaredClient): Promise<'added' | 'changed' | 'foreign'>;
  remove(clientId: string, declaredBy: string): Promise<void>;
}

const SETTINGS = [
  ...['name', 'grant_types', 'authentication_methods', 'grants', 'claims'],
  ...['access_token_lifetime', 'refresh_idle_lifetime', 'refresh_absolute_lifetime'],
];

/** Every read is consistent: a repetition may have written a moment ago. */
export function createDeclaredClientStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): DeclaredClientStore {
  const table = createTable(dynamodb, tableName, 'client_id');
  return {
    async find(clientId) {
      const item = await table.get(clientId);
      if (item === undefined) return undefined;
      const { declared_by } = item;
      return {
        client: clientOf(item),
        declaredBy: typeof declared_by === 'string' ? declared_by : undefined,
      };
    },

    put: ({ client, declaredBy }) =>
      putDeclared(table, client.clientId, { ...itemOf(client), declared_by: declaredBy }, SETTINGS),

    remove: (clientId, declaredBy) => removeDeclared(table, clientId, declaredBy),
  };
}
