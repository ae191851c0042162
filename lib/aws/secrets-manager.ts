import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { reportUnavailability } from './unavailable.ts';

/** The Secrets Manager client of every function, bounded like DynamoDB's. */
export function createSecretsManager(): SecretsManagerClient {
  const client = new SecretsManagerClient({
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 500,
      requestTimeout: 1_500,
      throwOnRequestTimeout: true,
    },
  });
  return reportUnavailability(client, 'Secrets Manager');
}
