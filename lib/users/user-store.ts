import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createRecord } from '../aws/record.ts';
import { createTable } from '../aws/table.ts';
import type { User } from '../oauth/user.ts';

export interface UserStore {
  find(sub: string): Promise<User | undefined>;
  add(user: User): Promise<'added' | 'taken'>;
  list(): Promise<User[]>;
  /** Ends what was signed in with an earlier password. Never lowers the number. */
  raisePasswordGeneration(sub: string, generation: number): Promise<void>;
  remove(sub: string): Promise<'removed' | 'unknown'>;
}

const users = createRecord<User>({
  sub: 'sub',
  username: 'username',
  permissions: 'permissions',
  roles: 'roles',
  claims: 'claims',
  disabled: 'disabled',
  passwordGeneration: 'password_generation',
  createdAt: 'created_at',
});

/** Users by `sub`, one item each, without anything that proves who they are. */
export function createUserStore(dynamodb: DynamoDBClient, tableName: string): UserStore {
  const table = createTable(dynamodb, tableName, 'sub');
  return {
    async find(sub) {
      const item = await table.get(sub);
      return item && users.valueOf(item);
    },

    add: (user) => table.add(users.itemOf(user)),

    async list() {
      const all = (await table.scan()).map(users.valueOf);
      return all.sort((a, b) => a.username.localeCompare(b.username));
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
