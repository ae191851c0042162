import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { User } from './user.ts';

export interface UserStore {
  find(sub: string): Promise<User | undefined>;
  add(user: User): Promise<'added' | 'taken'>;
  list(): Promise<User[]>;
  /** Ends what was signed in before. `validFrom` in seconds since the epoch. */
  endSessions(sub: string, validFrom: number): Promise<'changed' | 'unknown'>;
  remove(sub: string): Promise<'removed' | 'unknown'>;
}

/** Users by `sub`, one item each, without anything that proves who they are. */
export function createUserStore(dynamodb: DynamoDBClient, tableName: string): UserStore {
  const table = createTable(dynamodb, tableName, 'sub');
  return {
    async find(sub) {
      const item = await table.get(sub);
      return item && userOf(item);
    },

    add: (user) => table.add(itemOf(user)),

    async list() {
      const users = (await table.scan()).map(userOf);
      return users.sort((a, b) => a.username.localeCompare(b.username));
    },

    async endSessions(sub, validFrom) {
      const { outcome } = await table.update(sub, {
        expression: 'SET sessions_valid_from = :valid_from',
        condition: 'attribute_exists(username)',
        values: { ':valid_from': validFrom },
      });
      return outcome === 'updated' ? 'changed' : 'unknown';
    },

    remove: (sub) => table.remove(sub),
  };
}

function itemOf(user: User): Item {
  return {
    sub: user.sub,
    username: user.username,
    permissions: user.permissions,
    roles: user.roles,
    claims: user.claims,
    disabled: user.disabled,
    sessions_valid_from: user.sessionsValidFrom,
    created_at: user.createdAt,
  };
}

interface UserItem {
  sub: string;
  username: string;
  permissions: User['permissions'];
  roles: User['roles'];
  claims: User['claims'];
  disabled: boolean;
  sessions_valid_from: number;
  created_at: number;
}

function userOf(item: Item): User {
  const stored = item as unknown as UserItem;
  return {
    sub: stored.sub,
    username: stored.username,
    permissions: stored.permissions,
    roles: stored.roles,
    claims: stored.claims,
    disabled: stored.disabled,
    sessionsValidFrom: stored.sessions_valid_from,
    createdAt: stored.created_at,
  };
}
