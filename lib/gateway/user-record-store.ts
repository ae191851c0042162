import type { DynamoDBClient, GetItemCommandOutput } from '@aws-sdk/client-dynamodb';
import type { ClaimValue } from '../oauth/claims.ts';

/** What the authorizer tells an API about the user of a token. */
export interface UserRecord {
  readonly sub: string;
  readonly username: string;
  readonly permissions: readonly string[];
  readonly roles: readonly string[];
  readonly claims: { readonly [name: string]: ClaimValue };
}

/** The user's record; undefined where there is no such user, or the user is disabled. */
export type FindUserRecord = (sub: string) => Promise<UserRecord | undefined>;

/** Bytes. DynamoDB refuses a longer key; no user has one. */
const LONGEST_KEY = 2048;

/**
 * Reads records from the `users` table. The SDK, which takes 65 ms to load, is loaded when first needed.
 *
 * @param table undefined where records are not wanted: then there is nothing to find them with
 */
export function createUserRecordStore(table: string | undefined): FindUserRecord | undefined {
  if (table === undefined) return undefined;
  let client: DynamoDBClient | undefined;
  return async (sub) => {
    if (sub === '' || Buffer.byteLength(sub) > LONGEST_KEY) return undefined;
    const { DynamoDBClient, GetItemCommand } = await import('@aws-sdk/client-dynamodb');
    const { unmarshall } = await import('@aws-sdk/util-dynamodb');
    client ??= new DynamoDBClient({
      maxAttempts: 2,
      requestHandler: {
        connectionTimeout: 1_000,
        requestTimeout: 1_000,
        throwOnRequestTimeout: true,
      },
    });
    const { Item }: GetItemCommandOutput = await client.send(
      new GetItemCommand({ TableName: table, Key: { sub: { S: sub } } }),
    );
    const user = Item && unmarshall(Item);
    if (user === undefined || user.disabled === true) return undefined;
    const { username, permissions = [], roles = [], claims = {} } = user;
    return { sub, username, permissions, roles, claims };
  };
}
