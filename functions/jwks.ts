import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createJwksEndpoint } from '../lib/endpoints/jwks.ts';
import { createJwksStore } from '../lib/keys/public-key-store.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { createCache } from '../lib/runtime/cache.ts';
import { nowInSeconds } from '../lib/runtime/clock.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { readJwksConfig } from './config.ts';
import { JWKS_AGE, JWKS_AGE_ON_ERROR } from './parts.ts';

const { signingKeysTable } = readJwksConfig(process.env);

export const handler = lambdaHandler(
  createJwksEndpoint({
    keys: createJwksStore(createDynamoDB(), signingKeysTable),
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
