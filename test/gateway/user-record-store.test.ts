import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import dynalite from 'dynalite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createUserRecordStore, type FindUserRecord } from '../../lib/gateway/user-record-store.ts';

const ALICE = {
  sub: 'user-1',
  username: 'alice',
  permissions: ['create:keys'],
  roles: ['WidgetHost'],
  claims: { 'ucw/appMetaData': { aggregatorId: 7 } },
};

const server = dynalite({ createTableMs: 0 });
let findUser: FindUserRecord | undefined;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const client = new DynamoDBClient({});
  await client.send(
    new CreateTableCommand({
      TableName: 'users',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'sub', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'sub', AttributeType: 'S' }],
    }),
  );
  for (const user of [
    { ...ALICE, disabled: false, created_at: 1 },
    { ...ALICE, sub: 'user-2', disabled: true, created_at: 1 },
    { sub: 'user-3', username: 'carol' },
  ]) {
    await client.send(new PutItemCommand({ TableName: 'users', Item: marshall(user) }));
  }
  findUser = createUserRecordStore('users');
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

describe('the records of users', () => {
  it('have what an API may know, and nothing else', async () => {
    expect(await findUser?.('user-1')).toEqual(ALICE);
  });

  it('may have nothing but a name', async () => {
    expect(await findUser?.('user-3')).toEqual({
      sub: 'user-3',
      username: 'carol',
      permissions: [],
      roles: [],
      claims: {},
    });
  });

  it.each(['user-2', 'user-4', '', 'x'.repeat(3_000)])(
    'are not there for a disabled, an unknown or an impossible user: %.8s',
    async (sub) => {
      expect(await findUser?.(sub)).toBeUndefined();
    },
  );

  it('are not looked for without a table', () => {
    expect(createUserRecordStore(undefined)).toBeUndefined();
  });
});
