import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '../aws/table.ts';
import type { ResourceServer } from '../oauth/resource-server.ts';
import { itemOf, resourceServerOf } from '../resource-servers/resource-server-store.ts';
import { putDeclared, removeDeclared } from './declared-item.ts';

/** Resource servers that know which resource of which stack declares them. */
export interface DeclaredResourceServerStore {
  /** Whoever declared it. */
  find(identifier: string): Promise<ResourceServer | undefined>;
  /** Undefined where there is no such resource server, or no stack declares it. */
  ownerOf(identifier: string): Promise<string | undefined>;
  put(resourceServer: ResourceServer, declaredBy: string): Promise<'added' | 'changed' | 'foreign'>;
  remove(identifier: string, declaredBy: string): Promise<void>;
}

const SETTINGS = [
  ...['scopes', 'access_token_lifetime', 'signing_algorithm', 'token_type'],
  ...['audience_claim', 'permissions_claim'],
];

/** Every read is consistent: the stack may have written a moment ago. */
export function createDeclaredResourceServerStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): DeclaredResourceServerStore {
  const table = createTable(dynamodb, tableName, 'identifier');
  return {
    async find(identifier) {
      const item = await table.get(identifier);
      return item && resourceServerOf(item);
    },

    async ownerOf(identifier) {
      const item = await table.get(identifier);
      return typeof item?.declared_by === 'string' ? item.declared_by : undefined;
    },

    put: (resourceServer, declaredBy) =>
      putDeclared(
        table,
        resourceServer.identifier,
        { ...itemOf(resourceServer), declared_by: declaredBy },
        SETTINGS,
      ),

    remove: (identifier, declaredBy) => removeDeclared(table, identifier, declaredBy),
  };
}
