import { randomUUID } from 'node:crypto';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { verifyClientSecret } from '../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { createSecretUses } from '../lib/clients/secret-uses.ts';
import { createRefreshEndpoint } from '../lib/endpoints/refresh.ts';
import { createOwnTokenVerifier } from '../lib/keys/own-token-verifier.ts';
import { createJwksStore } from '../lib/keys/public-key-store.ts';
import { createSigner } from '../lib/keys/signer.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { createRefreshTokenStore } from '../lib/refresh-tokens/refresh-token-store.ts';
import { createRevocationStore } from '../lib/refresh-tokens/revocation-store.ts';
import { createCache } from '../lib/runtime/cache.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { createStandardMetrics } from '../lib/runtime/metrics.ts';
import { createSealerLoader } from '../lib/sealing/sealing-key-store.ts';
import { createUserStore } from '../lib/users/user-store.ts';
import { readRefreshConfig } from './config.ts';
import { createCachedLookups, PUBLIC_KEY_AGE } from './parts.ts';

const config = readRefreshConfig(process.env);
const dynamodb = createDynamoDB();
const secretsManager = createSecretsManager();
const lookups = createCachedLookups({
  dynamodb,
  secretsManager,
  config,
  now: nowInSeconds,
  log: consoleLog,
});
const users = createUserStore(dynamodb, config.usersTable);

export const handler = lambdaHandler(
  createRefreshEndpoint({
    issuer: config.issuer,
    ...lookups,
    sign: createSigner(lookups),
    verify: createOwnTokenVerifier({
      issuer: config.issuer,
      keys: createJwksStore(dynamodb, config.signingKeysTable),
      cache: createCache({
        maxAge: PUBLIC_KEY_AGE,
        maxAgeOnError: 0,
        capacity: 100,
        now: nowInSeconds,
        log: consoleLog,
      }),
      now: nowInSeconds,
    }),
    verifySecret: (client, secret) => verifyClientSecret(client, secret, nowInSeconds()),
    noteSecretUse: createSecretUses({
      store: createClientSecretStore(dynamodb, config.clientsTable),
      now: nowInSeconds,
      log: consoleLog,
      metrics: createStandardMetrics(nowInSeconds),
    }),
    findUser: (sub) => users.find(sub),
    refreshTokens: createRefreshTokenStore(dynamodb, config.refreshTokensTable),
    revocations: createRevocationStore(dynamodb, config.revocationsTable),
    loadSealer: createSealerLoader(secretsManager, config.sealingKeySecret),
    now: nowInSeconds,
    randomId: randomUUID,
    log: consoleLog,
  }),
  { log: consoleLog },
);
