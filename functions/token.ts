import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createTokenEndpoint } from '../lib/endpoints/token.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { clientCredentialsGrant } from '../lib/oauth/grants/client-credentials.ts';
import { createPasswordGrant } from '../lib/oauth/grants/password.ts';
import { createRefreshTokenStore } from '../lib/refresh-tokens/refresh-token-store.ts';
import { nowInSeconds as now } from '../lib/runtime/clock.ts';
import { consoleLog as log } from '../lib/runtime/log.ts';
import { createStdoutMetrics } from '../lib/runtime/metrics.ts';
import { settingsOf } from '../lib/runtime/settings.ts';
import { createPasswordAttemptStore } from '../lib/users/password-attempt-store.ts';
import { createPasswordStore } from '../lib/users/password-store.ts';
import { createSignIn } from '../lib/users/sign-in.ts';
import { createUserStore } from '../lib/users/user-store.ts';
import { createTokenParts } from './parts.ts';

const settings = settingsOf(process.env);
const { text } = settings;
const dynamodb = createDynamoDB();
const secretsManager = createSecretsManager();
const metrics = createStdoutMetrics(now);

const signIn = createSignIn({
  passwords: createPasswordStore(dynamodb, text('PASSWORDS_TABLE')),
  users: createUserStore(dynamodb, text('USERS_TABLE')),
  attempts: createPasswordAttemptStore(dynamodb, text('PASSWORD_ATTEMPTS_TABLE')),
  now,
});

export const handler = lambdaHandler(
  createTokenEndpoint({
    ...createTokenParts({ dynamodb, secretsManager, settings, now, log, metrics }),
    grants: {
      client_credentials: clientCredentialsGrant,
      password: createPasswordGrant({ signIn }),
    },
    refreshTokens: createRefreshTokenStore(dynamodb, text('REFRESH_TOKENS_TABLE')),
  }),
  { log },
);
