import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

/** An item as the stores see it. Names are snake_case; an undefined value is not written. */
export type Item = Record<string, unknown>;

export interface Condition {
  condition: string;
  values: Item;
}

export interface Update extends Condition {
  expression: string;
  /** Attributes whose names are DynamoDB's reserved words, by their placeholders. */
  names?: Readonly<Record<string, string>>;
}

export type UpdateResult =
  | { outcome: 'updated'; item: Item }
  /** The condition did not hold; `item` is what stood there, undefined where nothing did. */
  | { outcome: 'refused'; item: Item | undefined };

/** A table with a partition key and no sort key: every state change is one conditional write of one item. */
export interface Table {
  /** A strongly consistent read, unless `eventuallyConsistent` (half the price) will do. */
  get(key: string, options?: { eventuallyConsistent: true }): Promise<Item | undefined>;
  /** Writes an item whose key must be new. Recognises its own earlier success when the SDK repeats it. */
  add(item: Item): Promise<'added' | 'taken'>;
  /** Writes an item whatever stood there. */
  put(item: Item): Promise<void>;
  update(key: string, update: Update): Promise<UpdateResult>;
  remove(key: string): Promise<'removed' | 'unknown'>;
  /** Removes the item that the condition holds for; `refused` where there is no such item. */
  removeIf(key: string, condition: Condition): Promise<'removed' | 'refused'>;
  /** All items, for small tables and for the operator. */
  scan(): Promise<Item[]>;
}

export function createTable(dynamodb: DynamoDBClient, tableName: string, keyName: string): Table {
  const keyOf = (key: string) => ({ [keyName]: { S: key } });

  async function get(key: string, options?: { eventuallyConsistent: true }) {
    if (!canBeKey(key)) return undefined;
    const { Item } = await dynamodb.send(
      new GetItemCommand({
        TableName: tableName,
        Key: keyOf(key),
        ConsistentRead: !options?.eventuallyConsistent,
      }),
    );
    return itemOf(Item);
  }

  return {
    get,

    async add(item) {
      const writeId = randomUUID();
      try {
        await dynamodb.send(
          new PutItemCommand({
            TableName: tableName,
            Item: attributesOf({ ...item, write_id: writeId }),
            ConditionExpression: 'attribute_not_exists(#key) OR write_id = :write_id',
            ExpressionAttributeNames: { '#key': keyName },
            ExpressionAttributeValues: { ':write_id': { S: writeId } },
          }),
        );
        return 'added';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'taken';
        throw error;
      }
    },

    async put(item) {
      await dynamodb.send(new PutItemCommand({ TableName: tableName, Item: attributesOf(item) }));
    },

    async update(key, { expression, condition, values, names }) {
      if (!canBeKey(key)) return { outcome: 'refused', item: undefined };
      try {
        const { Attributes } = await dynamodb.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: keyOf(key),
            UpdateExpression: expression,
            ...(condition && { ConditionExpression: condition }),
            ...(names && { ExpressionAttributeNames: { ...names } }),
            ExpressionAttributeValues: attributesOf(values),
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return { outcome: 'updated', item: itemOf(Attributes) ?? {} };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { outcome: 'refused', item: itemOf(error.Item) ?? (await get(key)) };
      }
    },

    async remove(key) {
      if (!canBeKey(key)) return 'unknown';
      const { Attributes } = await dynamodb.send(
        new DeleteItemCommand({ TableName: tableName, Key: keyOf(key), ReturnValues: 'ALL_OLD' }),
      );
      return Attributes === undefined ? 'unknown' : 'removed';
    },

    async removeIf(key, { condition, values }) {
      if (!canBeKey(key)) return 'refused';
      try {
        await dynamodb.send(
          new DeleteItemCommand({
            TableName: tableName,
            Key: keyOf(key),
            ConditionExpression: condition,
            ExpressionAttributeValues: attributesOf(values),
          }),
        );
        return 'removed';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'refused';
        throw error;
      }
    },

    async scan() {
      const items: Item[] = [];
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await dynamodb.send(
          new ScanCommand({
            TableName: tableName,
            ConsistentRead: true,
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        for (const item of page.Items ?? []) items.push(unmarshall(item));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      return items;
    },
  };
}

/** Bytes. */
const LONGEST_KEY = 2048;

/** No item has a key that DynamoDB would refuse: there is no need to ask for it. */
function canBeKey(key: string): boolean {
  return key !== '' && Buffer.byteLength(key) <= LONGEST_KEY;
}

function attributesOf(item: Item): Record<string, AttributeValue> {
  return marshall(item, { removeUndefinedValues: true });
}

function itemOf(attributes: Record<string, AttributeValue> | undefined): Item | undefined {
  return attributes && unmarshall(attributes);
}
