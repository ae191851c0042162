import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createRecord } from '../aws/record.ts';
import { createTable } from '../aws/table.ts';
import type { PasswordHash } from './password.ts';

/** What a username opens, and with what. */
export interface PasswordRecord {
  username: string;
  sub: string;
  hash: PasswordHash;
  /** 1 for the first password; each that follows is one more. */
  generation: number;
}

export interface PasswordStore {
  find(username: string): Promise<PasswordRecord | undefined>;
  /** `taken` where the username belongs to another user. */
  add(record: PasswordRecord): Promise<'added' | 'taken'>;
  /** Replaces the password of that generation by the next; `lost` where it is not the current one any more. */
  replace(username: string, hash: PasswordHash, generation: number): Promise<'changed' | 'lost'>;
  remove(username: string): Promise<'removed' | 'unknown'>;
}

const records = createRecord<PasswordRecord>({
  username: 'username',
  sub: 'sub',
  hash: 'password_hash',
  generation: 'generation',
});

/** Passwords by username, apart from the users, so that what reads a user need not be able to read a hash. */
export function createPasswordStore(dynamodb: DynamoDBClient, tableName: string): PasswordStore {
  const table = createTable(dynamodb, tableName, 'username');
  return {
    async find(username) {
      const item = await table.get(normalizeUsername(username));
      return item && records.valueOf(item);
    },

    add: (record) =>
      table.add(records.itemOf({ ...record, username: normalizeUsername(record.username) })),

    async replace(username, hash, generation) {
      const { outcome } = await table.update(normalizeUsername(username), {
        expression: 'SET password_hash = :hash, generation = :next',
        // A repeated attempt recognises the hash that its first attempt wrote.
        condition: 'generation = :generation OR password_hash = :hash',
        values: { ':hash': hash, ':generation': generation, ':next': generation + 1 },
      });
      return outcome === 'updated' ? 'changed' : 'lost';
    },

    remove: (username) => table.remove(normalizeUsername(username)),
  };
}

/**
 * RFC 8265 section 3.3 in spirit: what looks the same to a person signs in the same person. Lower case can undo
 * the composition of characters, hence twice: a normalized name is its own normalization.
 */
export function normalizeUsername(username: string): string {
  return username.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}
