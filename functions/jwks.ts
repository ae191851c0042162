import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createJwksEndpoint } from '../lib/endpoints/jwks.ts';
import { createJwksStore } from '../lib/keys/public-key-store.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { JWKS_AGE, JWKS_AGE_ON_ERROR } from '../lib/runtime/ages.ts';
import { createCache } from '../lib/runtime/cache.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { settingsOf } from '../lib/runtime/settings.ts';

const { text } = settingsOf(process.env);

export const handler = lambdaHandler(
  createJwksEndpoint({
    keys: createJwksStore(createDynamoDB(), text('SIGNING_KEYS_TABLE')),
    cache: createCache({
      maxAge: JWKS_AGE,
      maxAgeOnError: JWKS_AGE_ON_ERROR,
      capacity: 1,
      now: nowInSeconds,
      log: consoleLog,
    }),
    now: nowInSeconds,
  }),
  { log: consoleLog },
);
