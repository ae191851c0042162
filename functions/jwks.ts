import { createDynamoDB } from '../lib/aws/dynamodb.ts';
import { createCache } from '../lib/cache.ts';
import { JWKS_AGE, JWKS_AGE_ON_ERROR } from '../lib/cached-lookups.ts';
import { nowInSeconds } from '../lib/clock.ts';
import { readJwksConfig } from '../lib/config.ts';
import { createJwksEndpoint } from '../lib/endpoints/jwks.ts';
import { lambdaHandler } from '../lib/http/lambda.ts';
import { createJwksStore } from '../lib/keys/jwks-store.ts';
import { consoleLog } from '../lib/log.ts';

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
