import { randomUUID } from 'node:crypto';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createCache } from '../lib/cache.ts';
import { createCachedLookups, PUBLIC_KEY_AGE } from '../lib/cached-lookups.ts';
import { verifyClientSecret } from '../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { createSecretUses } from '../lib/clients/secret-uses.ts';
import { nowInSeconds } from '../lib/clock.ts';
import { readRefreshConfig } from '../lib/config.ts';
import { createRefreshEndpoint } from '../lib/endpoints/refresh.ts';
import { lambdaHandler } from '../lib/http/lambda.ts';
import { createJwksStore } from '../lib/keys/jwks-store.ts';
import { createOwnTokenVerifier } from '../lib/keys/own-token-verifier.ts';
import { createSigner } from '../lib/keys/signer.ts';
import { consoleLog } from '../lib/log.ts';
import { createStandardMetrics } from '../lib/metrics.ts';
import { createRefreshTokenStore } from '../lib/refresh-tokens/refresh-token-store.ts';
import { createRevocationStore } from '../lib/refresh-tokens/revocation-store.ts';
import { createSealerLoader } from '../lib/sealing/sealing-key-store.ts';
import { createUserStore } from '../lib/users/user-store.ts';

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
