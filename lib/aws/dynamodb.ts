import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { reportUnavailability } from './unavailable.ts';

/**
 * The DynamoDB client of every function. Three attempts of at most one second each keep two round trips within
 * the functions' time-out of ten seconds, also where every one of them hangs.
 */
export function createDynamoDB(): DynamoDBClient {
  const client = new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 500,
      requestTimeout: 1_000,
      throwOnRequestTimeout: true,
    },
  });
  return reportUnavailability(client, 'DynamoDB');
}
