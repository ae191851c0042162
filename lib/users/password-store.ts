import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '../aws/table.ts';
import type { PasswordHash } from './password.ts';

/** What a username opens, and with what. */
export interface PasswordRecord {
  username: string;
  sub: string;
  hash: PasswordHash;
}

export interface PasswordStore {
  find(username: string): Promise<PasswordRecord | undefined>;
  /** `taken` where the username belongs to another user. */
  add(record: PasswordRecord): Promise<'added' | 'taken'>;
  replace(username: string, hash: PasswordHash): Promise<'changed' | 'unknown'>;
  remove(username: string): Promise<'removed' | 'unknown'>;
}

/** Passwords by username, apart from the users, so that what reads a user need not be able to read a hash. */
export function createPasswordStore(dynamodb: DynamoDBClient, tableName: string): PasswordStore {
  const table = createTable(dynamodb, tableName, 'username');
  return {
    async find(username) {
      const item = await table.get(normalizeUsername(username));
      if (item === undefined) return undefined;
      const stored = item as { username: string; sub: string; password_hash: PasswordHash };
      return { username: stored.username, sub: stored.sub, hash: stored.password_hash };
    },

    add: ({ username, sub, hash }) =>
      table.add({ username: normalizeUsername(username), sub, password_hash: hash }),

    async replace(username, hash) {
      const { outcome } = await table.update(normalizeUsername(username), {
        expression: 'SET password_hash = :hash',
        condition: 'attribute_exists(username)',
        values: { ':hash': hash },
      });
      return outcome === 'updated' ? 'changed' : 'unknown';
    },

    remove: (username) => table.remove(normalizeUsername(username)),
  };
}

/** RFC 8265 section 3.3 in spirit: what looks the same to a person signs in the same person. */
export function normalizeUsername(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase();
}
