import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { User } from '../oauth/user.ts';

export interface UserStore {
  find(sub: string): Promise<User | undefined>;
  add(user: User): Promise<'added' | 'taken'>;
  list(): Promise<User[]>;
  /** Ends what was signed in with an earlier password. Never lowers the number. */
  raisePasswordGeneration(sub: string, generation: number): Promise<void>;
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

    async raisePasswordGeneration(sub, generation) {
      await table.update(sub, {
        expression: 'SET password_generation = :generation',
        condition: 'attribute_exists(username) AND password_generation < :generation',
        values: { ':generation': generation },
      });
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
    password_generation: user.passwordGeneration,
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
  password_generation: number;
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
    passwordGeneration: stored.password_generation,
    createdAt: stored.created_at,
  };
}
