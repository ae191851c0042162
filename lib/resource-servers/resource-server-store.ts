import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { ResourceServer } from '../oauth/resource-server.ts';

export interface ResourceServerStore {
  find(identifier: string): Promise<ResourceServer | undefined>;
  add(resourceServer: ResourceServer): Promise<'added' | 'taken'>;
  list(): Promise<ResourceServer[]>;
  remove(identifier: string): Promise<'removed' | 'unknown'>;
}

/** Resource servers by identifier, one item each. */
export function createResourceServerStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): ResourceServerStore {
  const table = createTable(dynamodb, tableName, 'identifier');
  return {
    async find(identifier) {
      const item = await table.get(identifier, { eventuallyConsistent: true });
      return item && resourceServerOf(item);
    },

    add: (resourceServer) => table.add(itemOf(resourceServer)),

    async list() {
      const resourceServers = (await table.scan()).map(resourceServerOf);
      return resourceServers.sort((a, b) => a.identifier.localeCompare(b.identifier));
    },

    remove: (identifier) => table.remove(identifier),
  };
}

export function itemOf(resourceServer: ResourceServer): Item {
  return {
    identifier: resourceServer.identifier,
    scopes: resourceServer.scopes,
    access_token_lifetime: resourceServer.accessTokenLifetime,
    signing_algorithm: resourceServer.signingAlgorithm,
    token_type: resourceServer.tokenType,
    audience_claim: resourceServer.audienceClaim,
    permissions_claim: resourceServer.permissionsClaim,
    created_at: resourceServer.createdAt,
  };
}

interface ResourceServerItem {
  identifier: string;
  scopes: ResourceServer['scopes'];
  access_token_lifetime: number;
  signing_algorithm: ResourceServer['signingAlgorithm'];
  token_type: ResourceServer['tokenType'];
  audience_claim: boolean;
  permissions_claim: boolean;
  created_at: number;
}

export function resourceServerOf(item: Item): ResourceServer {
  const stored = item as unknown as ResourceServerItem;
  return {
    identifier: stored.identifier,
    scopes: stored.scopes,
    accessTokenLifetime: stored.access_token_lifetime,
    signingAlgorithm: stored.signing_algorithm,
    tokenType: stored.token_type,
    audienceClaim: stored.audience_claim,
    permissionsClaim: stored.permissions_claim,
    createdAt: stored.created_at,
  };
}
