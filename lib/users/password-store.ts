import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
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
  /** The generation of the new password; undefined for an unknown username. */
  replace(username: string, hash: PasswordHash): Promise<number | undefined>;
  remove(username: string): Promise<'removed' | 'unknown'>;
}

/** Passwords by username, apart from the users, so that what reads a user need not be able to read a hash. */
export function createPasswordStore(dynamodb: DynamoDBClient, tableName: string): PasswordStore {
  const table = createTable(dynamodb, tableName, 'username');
  return {
    async find(username) {
      const item = await table.get(normalizeUsername(username));
      if (item === undefined) return undefined;
      const { username: name, sub, password_hash, generation } = item as unknown as PasswordItem;
      return { username: name, sub, hash: password_hash, generation };
    },

    add: ({ username, sub, hash, generation }) =>
      table.add({ username: normalizeUsername(username), sub, password_hash: hash, generation }),

    async replace(username, hash) {
      const result = await table.update(normalizeUsername(username), {
        expression: 'SET password_hash = :hash ADD generation :one',
        condition: 'attribute_exists(username)',
        values: { ':hash': hash, ':one': 1 },
      });
      return result.outcome === 'updated' ? Number(result.item.generation) : undefined;
    },

    remove: (username) => table.remove(normalizeUsername(username)),
  };
}

interface PasswordItem {
  username: string;
  sub: string;
  password_hash: PasswordHash;
  generation: number;
}

/** RFC 8265 section 3.3 in spirit: what looks the same to a person signs in the same person. */
export function normalizeUsername(username: string): string {
  return username.normalize('NFKC').trim().toLowerCase();
}
