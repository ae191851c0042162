import { setTimeout } from 'node:timers/promises';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { createRequestToken } from '../lib/clients/request-token.ts';
import { nowInSeconds } from '../lib/clock.ts';
import { readRotateClientSecretConfig } from '../lib/config.ts';
import { consoleLog } from '../lib/log.ts';
import { createClientSecretRotation } from '../lib/rotation/client-secret.ts';
import { createRotationHandler } from '../lib/rotation/handler.ts';
import { createRotatingSecret } from '../lib/rotation/rotating-secret-store.ts';

const config = readRotateClientSecretConfig(process.env);
const secretsManager = createSecretsManager();

const rotationOf = createClientSecretRotation({
  issuer: config.issuer,
  overlap: config.overlap,
  store: createClientSecretStore(createDynamoDB(), config.clientsTable),
  requestToken: createRequestToken(),
  now: nowInSeconds,
  wait: (milliseconds) => setTimeout(milliseconds),
});

export const handler = createRotationHandler({
  secretOf: (secretId) => createRotatingSecret(secretsManager, secretId),
  rotationOf,
  log: consoleLog,
});
