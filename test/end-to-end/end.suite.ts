import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { demonstration } from '../../local/demo/greeting.ts';
import { descendantsOf, listenOnce, stillRunning } from './processes.ts';
import { sharedStack } from './shared-stack.ts';

/** Every item of every table, as DynamoDB's own JSON. */
async function dumpTables(endpoint: string): Promise<{ tables: string[]; dump: string }> {
  const dynamodb = new DynamoDBClient({ endpoint, ...LOCAL_CREDENTIALS });
  try {
    const { TableNames: tables = [] } = await dynamodb.send(new ListTablesCommand());
    const pages: unknown[] = [];
    for (const TableName of tables) {
      let start: Record<string, never> | undefined;
      do {
        const page = await dynamodb.send(
          new ScanCommand({ TableName, ...(start && { ExclusiveStartKey: start }) }),
        );
        pages.push(page.Items);
        start = page.LastEvaluatedKey as typeof start;
      } while (start !== undefined);
    }
    return { tables, dump: JSON.stringify(pages) };
  } finally {
    dynamodb.destroy();
  }
}

describe('after all this', () => {
  it('many secrets were used', () => {
    const { canary } = sharedStack();
    expect(canary.count('access token')).toBeGreaterThan(50);
    expect(canary.count('secret of')).toBeGreaterThan(10);
    expect(canary.count('password of')).toBeGreaterThan(4);
    expect(canary.count('Basic credentials')).toBeGreaterThan(5);
    // An RSA key has six private members and an elliptic one has one: two of each.
    expect(canary.count('private key')).toBe(14);
  });

  it('no table holds one of them', async () => {
    const { canary, dynamodbEndpoint, demo } = sharedStack();
    const { tables, dump } = await dumpTables(dynamodbEndpoint);
    expect(tables.map((name) => name.replace('latchkey-local-', ''))).toEqual([
      'clients',
      'password-attempts',
      'passwords',
      'refresh-tokens',
      'resource-servers',
      'revocations',
      'signing-keys',
      'users',
    ]);
    const hash = createHash('sha256').update(demo.service.client_secret).digest('base64url');
    expect(dump).toContain(hash);
    expect(canary.findIn(dump)).toEqual([]);
  });

  it('SIGTERM ends it and leaves nothing behind', async () => {
    const { pid, kill, ended, port, workFolder, stackFile } = sharedStack();
    const processes = [pid, ...(await descendantsOf(pid))];
    expect(processes.length).toBeGreaterThan(1);
    expect(existsSync(workFolder)).toBe(true);
    kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
    await vi.waitFor(async () => expect(await stillRunning(processes)).toEqual([]));
    expect(await listenOnce(port)).toBe(port);
    expect(existsSync(workFolder)).toBe(false);
    expect(existsSync(stackFile)).toBe(false);
  });

  it('nothing that was printed holds one of the secrets, but for the demonstration', () => {
    const { canary, stdout, stderr, demo, issuer } = sharedStack();
    const printed = stdout().replace(demonstration({ issuer, demo }), '') + stderr();
    expect(printed).toContain('token issued');
    expect(printed).toContain('request refused');
    expect(canary.findIn(stdout())).toEqual([
      'secret of the demo service',
      'password of the demo user',
    ]);
    expect(canary.findIn(printed)).toEqual([]);
  });
});
