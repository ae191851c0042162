import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { readSecret } from '../lib/aws/secret.ts';
import { createSecretsManager } from '../lib/aws/secrets-manager.ts';
import { createRefreshEndpoint } from '../lib/endpoints/refresh.ts';
import { createOwnTokenVerifier } from '../lib/keys/own-token-verifier.ts';
import { createJwksStore } from '../lib/keys/public-key-store.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { createRefreshTokenStore } from '../lib/refresh-tokens/refresh-token-store.ts';
import { createRevocationStore } from '../lib/refresh-tokens/revocation-store.ts';
import { PUBLIC_KEY_AGE } from '../lib/runtime/ages.ts';
import { createCache } from '../lib/runtime/cache.ts';
import { nowInSeconds as now } from '../lib/runtime/clock.ts';
import { consoleLog as log } from '../lib/runtime/log.ts';
import { createStdoutMetrics } from '../lib/runtime/metrics.ts';
import { settingsOf } from '../lib/runtime/settings.ts';
import { createSealerLoader } from '../lib/sealing/sealing-key.ts';
import { createUserStore } from '../lib/users/user-store.ts';
import { createTokenParts } from './parts.ts';

const settings = settingsOf(process.env);
const { text } = settings;
const dynamodb = createDynamoDB();
const secretsManager = createSecretsManager();
const metrics = createStdoutMetrics(now);
const parts = createTokenParts({ dynamodb, secretsManager, settings, now, log, metrics });
const sealingKey = text('SEALING_KEY_SECRET');
const users = createUserStore(dynamodb, text('USERS_TABLE'));

export const handler = lambdaHandler(
  createRefreshEndpoint({
    ...parts,
    verify: createOwnTokenVerifier({
      issuer: parts.issuer,
      keys: createJwksStore(dynamodb, text('SIGNING_KEYS_TABLE')),
      cache: createCache({
        maxAge: PUBLIC_KEY_AGE,
        maxAgeOnError: 0,
        capacity: 100,
        now,
        log,
      }),
      now,
    }),
    findUser: (sub) => users.find(sub),
    refreshTokens: createRefreshTokenStore(dynamodb, text('REFRESH_TOKENS_TABLE')),
    revocations: createRevocationStore(dynamodb, text('REVOCATIONS_TABLE')),
    loadSealer: createSealerLoader(() => readSecret(secretsManager, sealingKey)),
  }),
  { log },
);
