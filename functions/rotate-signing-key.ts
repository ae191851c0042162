import { setTimeout } from 'node:timers/promises';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { nowInSeconds } from '../lib/clock.ts';
import { readRotateSigningKeyConfig } from '../lib/config.ts';
import { createFetchJson } from '../lib/keys/fetch-json.ts';
import { createJwksStore } from '../lib/keys/jwks-store.ts';
import { proveSigningKey } from '../lib/keys/proof.ts';
import { createJwksFetch } from '../lib/keys/published-jwks.ts';
import { consoleLog } from '../lib/log.ts';
import { createRotationHandler } from '../lib/rotation/handler.ts';
import { createRotatingSecret } from '../lib/rotation/rotating-secret-store.ts';
import { createSigningKeyRotation } from '../lib/rotation/signing-key.ts';

const config = readRotateSigningKeyConfig(process.env);
const secretsManager = createSecretsManager();
const rotation = createSigningKeyRotation({
  jwks: createJwksStore(createDynamoDB(), config.signingKeysTable),
  fetchJwks: createJwksFetch(config.issuer, createFetchJson({ timeout: 5_000 })),
  prove: proveSigningKey,
  minimumPublicAge: config.minimumPublicAge,
  now: nowInSeconds,
  wait: (milliseconds) => setTimeout(milliseconds),
});

export const handler = createRotationHandler({
  // Whatever the event names: this function is for one secret.
  secretOf: () => createRotatingSecret(secretsManager, config.signingKeysSecret),
  rotationOf: () => rotation,
  log: consoleLog,
});
