import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '../aws/table.ts';

export interface RevocationStore {
  /** Ends a family of refresh tokens. `familyEndsAt` in seconds since the epoch: then nothing is left to revoke. */
  revokeFamily(familyId: string, reason: string, familyEndsAt: number): Promise<void>;
  isFamilyRevoked(familyId: string): Promise<boolean>;
}

export function createRevocationStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): RevocationStore {
  const table = createTable(dynamodb, tableName, 'revocation_id');
  const idOf = (familyId: string) => `family|${familyId}`;
  return {
    async revokeFamily(familyId, reason, familyEndsAt) {
      await table.put({ revocation_id: idOf(familyId), reason, expires_at: familyEndsAt });
    },

    isFamilyRevoked: async (familyId) => (await table.get(idOf(familyId))) !== undefined,
  };
}
