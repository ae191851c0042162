import { setTimeout } from 'node:timers/promises';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretHandle } from '../lib/aws/secret.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createFetchJson } from '../lib/jwt/fetch-json.ts';
import { createJwksFetch } from '../lib/jwt/fetch-jwks.ts';
import { proveSigningKey } from '../lib/keys/prove-signing-key.ts';
import { createJwksStore } from '../lib/keys/public-key-store.ts';
import { withDeadline } from '../lib/lambda/deadline.ts';
import { createRotationHandler } from '../lib/rotation/handler.ts';
import { createSigningKeyRotation } from '../lib/rotation/signing-key.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { settingsOf } from '../lib/runtime/settings.ts';

const { text, issuerUrl, seconds } = settingsOf(process.env);
const secretsManager = createSecretsManager();
const rotation = createSigningKeyRotation({
  jwks: createJwksStore(createDynamoDB(), text('SIGNING_KEYS_TABLE')),
  fetchJwks: createJwksFetch(issuerUrl('ISSUER'), createFetchJson({ timeout: 5_000 })),
  prove: proveSigningKey,
  minimumPublicAge: seconds('MINIMUM_PUBLIC_AGE'),
  now: nowInSeconds,
  wait: (milliseconds) => setTimeout(milliseconds),
});

export const handler = createRotationHandler({
  // Whatever the event names: this function is for one secret.
  secretOf: () => createSecretHandle(secretsManager, text('SIGNING_KEYS_SECRET')),
  rotationOf: () => rotation,
  withDeadline,
  log: consoleLog,
});
