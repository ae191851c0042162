import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '../aws/table.ts';
import type { PasswordAttemptStore } from './password-attempts.ts';

export function createPasswordAttemptStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): PasswordAttemptStore {
  const table = createTable(dynamodb, tableName, 'counter');
  return {
    async add(counter, amount, expiresAt) {
      const result = await table.update(counter, {
        expression: 'ADD attempts :amount SET expires_at = :expires_at',
        condition: '',
        values: { ':amount': amount, ':expires_at': expiresAt },
      });
      return Number(result.item?.attempts);
    },
  };
}
