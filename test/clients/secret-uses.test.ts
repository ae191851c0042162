import { beforeEach, describe, expect, it } from 'vitest';
import {
  clientSecretId,
  generateClientSecret,
  hashClientSecret,
} from '../../lib/clients/client-secret.ts';
import { createSecretUses, type NoteSecretUse } from '../../lib/clients/secret-uses.ts';
import type { Client } from '../../lib/oauth/client.ts';
import { createMetrics } from '../../lib/runtime/metrics.ts';
import { StoreUnavailableError } from '../../lib/runtime/store-unavailable-error.ts';

const HOUR = 3600;
const START = 1_000_000;
const secret = generateClientSecret();
const other = generateClientSecret();
const id = clientSecretId({ hash: hashClientSecret(secret) });

let now: number;
let notes: { clientId: string; secretId: string; at: number }[];
let fault: Error | undefined;
let lines: string[];
let warnings: string[];
let noteUse: NoteSecretUse;
const instance = () =>
  createSecretUses({
    store: {
      noteUse: async ({ clientId }, secretId, { at }) => {
        if (fault !== undefined) throw fault;
        notes.push({ clientId, secretId, at });
      },
    },
    now: () => now,
    log: {
      info: () => {},
      error: () => {},
      warn: (message, fields) => warnings.push(JSON.stringify({ message, ...fields })),
    },
    metrics: createMetrics(
      (line) => lines.push(line),
      () => now,
    ),
  });
beforeEach(() => {
  now = START;
  notes = [];
  fault = undefined;
  lines = [];
  warnings = [];
  noteUse = instance();
});

const clientWith = (fields: Partial<Client> = {}, expiresAt?: number) =>
  ({
    clientId: 'machine',
    secrets: [
      {
        hash: hashClientSecret(secret),
        createdAt: 0,
        ...(expiresAt !== undefined && { expiresAt }),
      },
      { hash: hashClientSecret(other), createdAt: START },
    ],
    secretUses: {},
    ...fields,
  }) as unknown as Client;
const use = (client: Client, clientSecret = secret) =>
  noteUse(client, { method: 'client_secret_basic', clientId: client.clientId, clientSecret });

describe('the use of a secret', () => {
  it('is noted at its first use, and again after an hour', async () => {
    await use(clientWith());
    now += HOUR - 1;
    await use(clientWith());
    expect(notes).toEqual([{ clientId: 'machine', secretId: id, at: START }]);
    now += 1;
    await use(clientWith());
    expect(notes).toHaveLength(2);
  });

  it.each([
    { name: 'is not noted where the record has a note of this hour', age: HOUR - 1, count: 0 },
    { name: 'is noted where the note of the record is an hour old', age: HOUR, count: 1 },
  ])('$name', async ({ age, count }) => {
    await use(clientWith({ secretUses: { [id]: now - age } }));
    expect(notes).toHaveLength(count);
  });

  it('is noted for each secret and each client apart', async () => {
    await use(clientWith());
    await use(clientWith(), other);
    await use(clientWith({ clientId: 'other' }));
    expect(notes).toHaveLength(3);
  });

  it('is noted once of many that come at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => use(clientWith())));
    expect(notes).toHaveLength(1);
  });

  it('is tried again a minute after it could not be noted; the log says so, without what was thrown', async () => {
    fault = new Error(`unavailable, with ${secret}`);
    await use(clientWith());
    expect(warnings).toEqual([expect.stringContaining('not noted')]);
    fault = undefined;
    now += 59;
    await use(clientWith());
    expect(notes).toHaveLength(0);
    now += 1;
    await use(clientWith());
    expect(notes).toHaveLength(1);
    expect(warnings.join()).not.toContain(secret);
  });

  it('that could not be noted names the store that was at fault', async () => {
    fault = new StoreUnavailableError({
      service: 'DynamoDB',
      operation: 'UpdateItem',
      cause: Object.assign(new Error(secret), { name: 'TimeoutError' }),
    });
    await use(clientWith());
    expect(warnings.map((line) => JSON.parse(line).reason)).toEqual([
      'DynamoDB UpdateItem: TimeoutError',
    ]);
  });

  it('is none where a client has no secret to show', async () => {
    await noteUse(clientWith(), { method: 'none', clientId: 'machine' });
    expect(notes).toEqual([]);
  });

  it('is remembered of a thousand secrets, the latest', async () => {
    for (let n = 0; n <= 1000; n += 1) await use(clientWith({ clientId: `client-${n}` }));
    expect(notes).toHaveLength(1001);
    await use(clientWith({ clientId: 'client-1000' }));
    expect(notes).toHaveLength(1001);
    await use(clientWith({ clientId: 'client-0' }));
    expect(notes).toHaveLength(1002);
  });
});

describe('a secret in use near its end', () => {
  it.each([
    { overlap: 24 * HOUR, left: 6 * HOUR, isTold: false },
    { overlap: 24 * HOUR, left: 6 * HOUR - 1, isTold: true },
    { overlap: HOUR, left: 900, isTold: false },
    { overlap: HOUR, left: 899, isTold: true },
    { overlap: 7 * 24 * HOUR, left: 41 * HOUR, isTold: true },
  ])(
    'is told of with $left of $overlap seconds left: $isTold',
    async ({ overlap, left, isTold }) => {
      now = START + overlap - left;
      await use(clientWith({}, START + overlap));
      expect(warnings).toHaveLength(isTold ? 1 : 0);
      expect(lines).toHaveLength(isTold ? 1 : 0);
    },
  );

  it('is told of with six hours left where nothing succeeds it', async () => {
    const client = clientWith({}, START + 6 * HOUR);
    const alone = { ...client, secrets: client.secrets.slice(0, 1) };
    await use(alone);
    expect(warnings).toHaveLength(0);
    now += 1;
    await use(alone);
    expect(warnings).toHaveLength(1);
  });

  it('is told of once an hour, and its successor never', async () => {
    const client = clientWith({}, START + 100);
    now = START + 99;
    for (let n = 0; n < 5; n += 1) await use(client);
    await use(client, other);
    expect(lines).toHaveLength(1);
  });

  it('is a warning for the audit and a metric in the embedded format, with nothing of the secret', async () => {
    now = START + 99;
    await use(clientWith({}, START + 100));
    expect(JSON.parse(warnings[0] ?? '')).toEqual({
      message: 'a client secret is in use near its end',
      audit: true,
      client_id: 'machine',
      secret_id: id,
      end: 'ends at 1970-01-12T13:48:20Z',
    });
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      _aws: {
        Timestamp: now * 1000,
        CloudWatchMetrics: [
          {
            Namespace: 'Latchkey',
            Dimensions: [['ClientId']],
            Metrics: [{ Name: 'ClientSecretNearEnd', Unit: 'Count' }],
          },
        ],
      },
      ClientId: 'machine',
      ClientSecretNearEnd: 1,
    });
    const all = [...warnings, ...lines].join();
    for (const word of [secret, other, hashClientSecret(secret), hashClientSecret(other)]) {
      expect(all).not.toContain(word);
    }
  });
});
