import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readSecret } from '../lib/aws/secret.ts';
import type { FoundClient } from '../lib/clients/authentication.ts';
import { verifyClientSecret } from '../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { createClientStore } from '../lib/clients/client-store.ts';
import { createSecretUses } from '../lib/clients/secret-uses.ts';
import { type Keyset, keysetOf } from '../lib/keys/keyset.ts';
import { createSigner } from '../lib/keys/signer.ts';
import type { Client } from '../lib/oauth/client.ts';
import type { ResourceServer } from '../lib/oauth/resource-server.ts';
import { createResourceServerStore } from '../lib/resource-servers/resource-server-store.ts';
import {
  CLIENT_AGE,
  KEYSET_AGE,
  KEYSET_AGE_ON_ERROR,
  RESOURCE_SERVER_AGE,
} from '../lib/runtime/ages.ts';
import { createCache } from '../lib/runtime/cache.ts';
import type { Log } from '../lib/runtime/log.ts';
import type { Metrics } from '../lib/runtime/metrics.ts';
import type { Settings } from '../lib/runtime/settings.ts';

export interface PartsOptions {
  dynamodb: DynamoDBClient;
  secretsManager: SecretsManagerClient;
  settings: Pick<Settings, 'text' | 'issuerUrl'>;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
  metrics: Metrics;
}

/** What every function is composed of that makes tokens for clients. */
export function createTokenParts(options: PartsOptions) {
  const { dynamodb, settings, now, log, metrics } = options;
  const { text, issuerUrl } = settings;
  const loadKeyset = createKeysetLoader(options);
  return {
    issuer: issuerUrl('ISSUER'),
    ...createClientLookups(createClientStore(dynamodb, text('CLIENTS_TABLE')), { now, log }),
    findResourceServer: createResourceServerLookup(
      createResourceServerStore(dynamodb, text('RESOURCE_SERVERS_TABLE')),
      { now, log },
    ),
    verifySecret: (client: Client | undefined, secret: string) =>
      verifyClientSecret(client, secret, now()),
    noteSecretUse: createSecretUses({
      store: createClientSecretStore(dynamodb, text('CLIENTS_TABLE')),
      now,
      log,
      metrics,
    }),
    /** Has the keys loaded beside the client and the resource server. A failure shows when they are used. */
    prepareToSign: () => void loadKeyset().catch(() => undefined),
    sign: createSigner({ loadKeyset }),
    now,
    randomId: randomUUID,
    log,
  };
}

type Bounds = Pick<PartsOptions, 'now' | 'log'>;

function createClientLookups(clients: ReturnType<typeof createClientStore>, bounds: Bounds) {
  const cache = createCache<Client>({
    ...bounds,
    maxAge: CLIENT_AGE,
    maxAgeOnError: 0,
    capacity: 1_000,
  });
  return {
    async findClient(clientId: string): Promise<FoundClient> {
      let isFromMemory = true;
      const client = await cache.get(clientId, () => {
        isFromMemory = false;
        return clients.find(clientId);
      });
      return { client, isFromMemory };
    },
    renewClient: (clientId: string) =>
      cache.renew(clientId, () => clients.find(clientId, { consistent: true })),
  };
}

function createResourceServerLookup(
  resourceServers: ReturnType<typeof createResourceServerStore>,
  bounds: Bounds,
) {
  const cache = createCache<ResourceServer>({
    ...bounds,
    maxAge: RESOURCE_SERVER_AGE,
    maxAgeOnError: 0,
    capacity: 1_000,
  });
  return (identifier: string) => cache.get(identifier, () => resourceServers.find(identifier));
}

function createKeysetLoader({ secretsManager, settings, now, log }: PartsOptions) {
  const secretId = settings.text('SIGNING_KEYS_SECRET');
  const cache = createCache<Keyset>({
    maxAge: KEYSET_AGE,
    maxAgeOnError: KEYSET_AGE_ON_ERROR,
    capacity: 1,
    now,
    log,
  });
  const load = async () => keysetOf(await readSecret(secretsManager, secretId));
  return () => cache.get('keyset', load);
}
