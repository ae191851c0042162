import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { FoundClient } from '../lib/clients/authentication.ts';
import { createClientStore } from '../lib/clients/client-store.ts';
import type { Keyset } from '../lib/keys/keyset.ts';
import { readKeyset } from '../lib/keys/keyset-store.ts';
import type { Client } from '../lib/oauth/client.ts';
import type { ResourceServer } from '../lib/oauth/resource-server.ts';
import { createResourceServerStore } from '../lib/resource-servers/resource-server-store.ts';
import { createCache } from '../lib/runtime/cache.ts';
import type { Log } from '../lib/runtime/log.ts';

/** Seconds that a disabled client, or a retired secret, may live on in a function's memory. */
export const CLIENT_AGE = 60;
/** Seconds that a changed resource server may go unnoticed. */
export const RESOURCE_SERVER_AGE = 300;
/** Seconds that a signer may go on with the keys it has. Rotation counts on it. */
export const KEYSET_AGE = 300;
/** Seconds that a new key may be missing from the JWKS, and a condemned one be in it. */
export const JWKS_AGE = 10;
/** Seconds that the JWKS is served from memory while DynamoDB does not answer. */
export const JWKS_AGE_ON_ERROR = 24 * 3600;
/** Seconds that refreshing may go on to accept tokens of a key that was found out. */
export const PUBLIC_KEY_AGE = 60;
/** Seconds that the signing keys serve while Secrets Manager does not answer. */
export const KEYSET_AGE_ON_ERROR = 24 * 3600;

export interface CachedLookupsOptions {
  dynamodb: DynamoDBClient;
  secretsManager: SecretsManagerClient;
  config: { clientsTable: string; resourceServersTable: string; signingKeysSecret: string };
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

/** What a token is made from, each kept in the function's memory for its own time. */
export function createCachedLookups(options: CachedLookupsOptions) {
  const { dynamodb, secretsManager, config, now, log } = options;
  const clients = createClientStore(dynamodb, config.clientsTable);
  const resourceServers = createResourceServerStore(dynamodb, config.resourceServersTable);
  const bounds = { capacity: 1_000, maxAgeOnError: 0, now, log };
  const clientCache = createCache<Client>({ ...bounds, maxAge: CLIENT_AGE });
  const resourceServerCache = createCache<ResourceServer>({
    ...bounds,
    maxAge: RESOURCE_SERVER_AGE,
  });
  const keysetCache = createCache<Keyset>({
    ...bounds,
    maxAge: KEYSET_AGE,
    maxAgeOnError: KEYSET_AGE_ON_ERROR,
  });

  const loadKeyset = () =>
    keysetCache.get('keyset', () => readKeyset(secretsManager, config.signingKeysSecret));
  return {
    loadKeyset,
    /** Has the keys loaded beside the client and the resource server. A failure shows when they are used. */
    prepareToSign: () => void loadKeyset().catch(() => undefined),
    async findClient(clientId: string): Promise<FoundClient> {
      let isFromMemory = true;
      const client = await clientCache.get(clientId, () => {
        isFromMemory = false;
        return clients.find(clientId);
      });
      return { client, isFromMemory };
    },
    renewClient: (clientId: string) =>
      clientCache.renew(clientId, () => clients.find(clientId, { consistent: true })),
    findResourceServer: (identifier: string) =>
      resourceServerCache.get(identifier, () => resourceServers.find(identifier)),
  };
}
