import { setTimeout } from 'node:timers/promises';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretHandle } from '../lib/aws/secret.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { withDeadline } from '../lib/lambda/deadline.ts';
import { createClientSecretRotation } from '../lib/rotation/client-secret.ts';
import { createRotationHandler } from '../lib/rotation/handler.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { settingsOf } from '../lib/runtime/settings.ts';
import { createRequestToken } from '../lib/service-clients/request-token.ts';

const { text, issuerUrl, seconds } = settingsOf(process.env);
const secretsManager = createSecretsManager();

const rotationOf = createClientSecretRotation({
  issuer: issuerUrl('ISSUER'),
  overlap: seconds('CLIENT_SECRET_OVERLAP'),
  store: createClientSecretStore(createDynamoDB(), text('CLIENTS_TABLE')),
  requestToken: createRequestToken(),
  now: nowInSeconds,
  wait: (milliseconds) => setTimeout(milliseconds),
});

export const handler = createRotationHandler({
  secretOf: (secretId) => createSecretHandle(secretsManager, secretId),
  rotationOf,
  withDeadline,
  log: consoleLog,
});
