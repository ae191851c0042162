import { randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { createTable, type Item } from '../aws/table.ts';
import type { Client } from '../oauth/client.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { clientSecretId } from './client-secret.ts';
import { clientOf, secretItemsOf } from './client-store.ts';

/** Changes the secrets of a client and nothing else of it: all that the roles of the functions allow. */
export interface ClientSecretStore {
  /**
   * Replaces the secrets with what `change` makes of them; nothing is written where it returns the same list.
   * `change` may be called several times, as others may change them meanwhile, and what it throws is thrown.
   *
   * @returns the client as it is then; undefined where there is none
   * @throws {RefusedError} where others kept changing them
   */
  change(
    clientId: string,
    change: (client: Client) => Client['secrets'],
  ): Promise<Client | undefined>;
  /** Notes when a secret was last used, unless it is noted already for a moment after `before`. Seconds, both. */
  noteUse(client: Client, secretId: string, use: { at: number; before: number }): Promise<void>;
}

const MOST_ATTEMPTS = 8;
/** Milliseconds that a token may wait for the note of its client's secret. */
const NOTE_TIMEOUT = 1_000;

export function createClientSecretStore(
  dynamodb: DynamoDBClient,
  tableName: string,
): ClientSecretStore {
  const table = createTable(dynamodb, tableName, 'client_id');

  /** Nothing is returned: a role that may write three attributes is not to be shown the others. */
  async function write(
    clientId: string,
    { values, ...update }: Partial<UpdateItemCommandInput> & { values: Item },
    abortSignal?: AbortSignal,
  ): Promise<'written' | 'refused'> {
    try {
      await dynamodb.send(
        new UpdateItemCommand({
          ...update,
          TableName: tableName,
          Key: { client_id: { S: clientId } },
          ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }),
        }),
        { ...(abortSignal && { abortSignal }) },
      );
      return 'written';
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return 'refused';
      throw error;
    }
  }

  return {
    async change(clientId, change) {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
        const item = await table.get(clientId);
        if (item === undefined) return undefined;
        const client = clientOf(item);
        const secrets = change(client);
        if (secrets === client.secrets) return client;
        const outcome = await write(clientId, replacement(client, secrets, item.secrets_version));
        if (outcome === 'written') return { ...client, secrets };
      }
      throw new RefusedError('others are changing the secrets of the client: try again');
    },

    async noteUse({ clientId, secretUses }, secretId, { at, before }) {
      const abortSignal = AbortSignal.timeout(NOTE_TIMEOUT);
      if (secretUses === undefined) {
        const first = {
          UpdateExpression: 'SET secret_uses = :uses',
          ConditionExpression: 'attribute_exists(client_id) AND attribute_not_exists(secret_uses)',
          values: { ':uses': { [secretId]: at } },
        };
        // Another may have been the first since the record was read.
        if ((await write(clientId, first, abortSignal)) === 'written') return;
      }
      const note = {
        UpdateExpression: 'SET secret_uses.#secret = :at',
        ConditionExpression:
          'attribute_exists(secret_uses) AND (attribute_not_exists(secret_uses.#secret) OR secret_uses.#secret <= :before)',
        ExpressionAttributeNames: { '#secret': secretId },
        values: { ':at': at, ':before': before },
      };
      await write(clientId, note, abortSignal);
    },
  };
}

/**
 * The write that puts the secrets in the place of those that were read, and forgets the uses of those that go. It
 * recognises its own earlier success, since the SDK repeats what may have succeeded.
 */
function replacement(client: Client, secrets: Client['secrets'], version: unknown) {
  const { secretUses = {} } = client;
  const kept = new Set(secrets.map(clientSecretId));
  const gone = Object.keys(secretUses).filter((id) => !kept.has(id));
  const isUnchanged =
    version === undefined
      ? '(attribute_exists(client_id) AND attribute_not_exists(secrets_version))'
      : 'secrets_version = :version';
  return {
    UpdateExpression: [
      'SET secrets = :secrets, secrets_version = :written',
      ...(gone.length > 0
        ? [`REMOVE ${gone.map((_, n) => `secret_uses.#gone${n}`).join(', ')}`]
        : []),
    ].join(' '),
    ConditionExpression: `${isUnchanged} OR secrets_version = :written`,
    ...(gone.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(gone.map((id, n) => [`#gone${n}`, id])),
    }),
    values: {
      ':secrets': secretItemsOf(secrets),
      ':written': randomUUID(),
      ':version': version,
    },
  };
}
