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
import { withDeadline } from '../lib/lambda/deadline.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { settingsOf } from '../lib/runtime/settings.ts';
import { createServiceSecretStore } from '../lib/service-clients/service-secret-store.ts';

const { text, optionalText, issuerUrl } = settingsOf(process.env);
const dynamodb = createDynamoDB();
const secretsManager = createSecretsManager();
const resourceServers = createDeclaredResourceServerStore(dynamodb, text('RESOURCE_SERVERS_TABLE'));

export const handler = createCustomResourceHandler({
  resources: {
    'Custom::LatchkeyClient': createClientResource({
      clients: createDeclaredClientStore(dynamodb, text('CLIENTS_TABLE')),
      findResourceServer: (identifier) => resourceServers.find(identifier),
      clientSecrets: createClientSecretStore(dynamodb, text('CLIENTS_TABLE')),
      secrets: createClientSecrets({
        secrets: createDeclaredSecretStore(secretsManager),
        rotateEvery: createServiceSecretStore(secretsManager).rotateEvery,
        place: {
          issuer: issuerUrl('ISSUER'),
          stack: text('STACK'),
          region: text('AWS_REGION'),
        },
        rotationFunction: optionalText('ROTATE_CLIENT_SECRET_FUNCTION'),
      }),
      now: nowInSeconds,
    }),
    'Custom::LatchkeyResourceServer': createResourceServerResource({
      resourceServers,
      clients: createClientStore(dynamodb, text('CLIENTS_TABLE')),
      now: nowInSeconds,
    }),
  },
  deliver: createDeliver(),
  withDeadline,
  log: consoleLog,
});
