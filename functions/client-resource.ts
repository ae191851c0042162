import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { createClientStore } from '../lib/clients/client-store.ts';
import { createDeliver } from '../lib/custom-resources/callback.ts';
import { createClientResource } from '../lib/custom-resources/client-resource.ts';
import { createClientSecrets } from '../lib/custom-resources/client-secrets.ts';
import { createDeclaredClientStore } from '../lib/custom-resources/declared-client-store.ts';
import { createDeclaredResourceServerStore } from '../lib/custom-resources/declared-resource-server-store.ts';
import { createDeclaredSecretStore } from '../lib/custom-resources/declared-secret-store.ts';
import { createCustomResourceHandler } from '../lib/custom-resources/handler.ts';
import { createResourceServerResource } from '../lib/custom-resources/resource-server-resource.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { createServiceSecretStore } from '../lib/service-clients/service-secret-store.ts';
import { readClientResourceConfig } from './config.ts';

const config = readClientResourceConfig(process.env);
const dynamodb = createDynamoDB();
const secretsManager = createSecretsManager();
const resourceServers = createDeclaredResourceServerStore(dynamodb, config.resourceServersTable);

export const handler = createCustomResourceHandler({
  resources: {
    'Custom::LatchkeyClient': createClientResource({
      clients: createDeclaredClientStore(dynamodb, config.clientsTable),
      findResourceServer: (identifier) => resourceServers.find(identifier),
      clientSecrets: createClientSecretStore(dynamodb, config.clientsTable),
      secrets: createClientSecrets({
        secrets: createDeclaredSecretStore(secretsManager),
        rotateEvery: createServiceSecretStore(secretsManager).rotateEvery,
        place: config.place,
        rotationFunction: config.rotateClientSecretFunction,
      }),
      now: nowInSeconds,
    }),
    'Custom::LatchkeyResourceServer': createResourceServerResource({
      resourceServers,
      clients: createClientStore(dynamodb, config.clientsTable),
      now: nowInSeconds,
    }),
  },
  deliver: createDeliver(),
  log: consoleLog,
});
