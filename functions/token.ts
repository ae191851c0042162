import { randomUUID } from 'node:crypto';
import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { verifyClientSecret } from '../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../lib/clients/client-secret-store.ts';
import { createSecretUses } from '../lib/clients/secret-uses.ts';
import { createTokenEndpoint } from '../lib/endpoints/token.ts';
import { createSigner } from '../lib/keys/signer.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { clientCredentialsGrant } from '../lib/oauth/grants/client-credentials.ts';
import { createPasswordGrant } from '../lib/oauth/grants/password.ts';
import { createRefreshTokenStore } from '../lib/refresh-tokens/refresh-token-store.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { createStandardMetrics } from '../lib/runtime/metrics.ts';
import { createPasswordAttemptStore } from '../lib/users/password-attempt-store.ts';
import { createPasswordStore } from '../lib/users/password-store.ts';
import { createSignIn } from '../lib/users/sign-in.ts';
import { createUserStore } from '../lib/users/user-store.ts';
import { readTokenConfig } from './config.ts';
import { createCachedLookups } from './parts.ts';

const config = readTokenConfig(process.env);
const dynamodb = createDynamoDB();
const lookups = createCachedLookups({
  dynamodb,
  secretsManager: createSecretsManager(),
  config,
  now: nowInSeconds,
  log: consoleLog,
});

export const handler = lambdaHandler(
  createTokenEndpoint({
    issuer: config.issuer,
    ...lookups,
    sign: createSigner(lookups),
    verifySecret: (client, secret) => verifyClientSecret(client, secret, nowInSeconds()),
    noteSecretUse: createSecretUses({
      store: createClientSecretStore(dynamodb, config.clientsTable),
      now: nowInSeconds,
      log: consoleLog,
      metrics: createStandardMetrics(nowInSeconds),
    }),
    grants: {
      client_credentials: clientCredentialsGrant,
      password: createPasswordGrant({
        signIn: createSignIn({
          passwords: createPasswordStore(dynamodb, config.passwordsTable),
          users: createUserStore(dynamodb, config.usersTable),
          attempts: createPasswordAttemptStore(dynamodb, config.passwordAttemptsTable),
          now: nowInSeconds,
        }),
      }),
    },
    refreshTokens: createRefreshTokenStore(dynamodb, config.refreshTokensTable),
    now: nowInSeconds,
    randomId: randomUUID,
    log: consoleLog,
  }),
  { log: consoleLog },
);
