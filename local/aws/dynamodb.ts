import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DynamoDBClient,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import type { TableDefinition } from './definitions.ts';

export interface LocalDynamoDB {
  endpoint: string;
  close(): Promise<void>;
}

export interface LocalDynamoDBOptions {
  /** A folder to keep the tables in across restarts; in memory where left out. */
  path?: string;
  tables: readonly TableDefinition[];
}

/** Starts the embedded DynamoDB on a free port of the loopback interface and makes the tables that it lacks. */
export async function startDynamoDB({
  path,
  tables,
}: LocalDynamoDBOptions): Promise<LocalDynamoDB> {
  const server = dynalite({ ...(path !== undefined && { path }), createTableMs: 0 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBClient({ endpoint, ...LOCAL_CREDENTIALS });
  try {
    for (const table of tables) await createTable(client, table);
  } finally {
    client.destroy();
  }
  return {
    endpoint,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function createTable(client: DynamoDBClient, table: TableDefinition): Promise<void> {
  try {
    await client.send(new CreateTableCommand(table));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}
