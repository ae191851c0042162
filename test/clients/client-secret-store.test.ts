import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTable } from '../../lib/aws/table.ts';
import { clientSecretId } from '../../lib/clients/client-secret.ts';
import {
  type ClientSecretStore,
  createClientSecretStore,
} from '../../lib/clients/client-secret-store.ts';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { newClient } from '../../lib/clients/registration.ts';
import { withoutSecret, withSuccessor } from '../../lib/clients/secret-overlap.ts';
import type { Client, SecretHash } from '../../lib/oauth/client.ts';
import { newResourceServer } from '../../lib/resource-servers/registration.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { type Fault, type FaultProxy, startProxy } from '../support/proxy.ts';
import { startTables } from '../support/tables.ts';

const NOW = 1_000_000;
const HOUR = 3600;

let tables: Awaited<ReturnType<typeof startTables>>;
let proxy: FaultProxy;
let dynamodb: DynamoDBClient;
let store: ClientSecretStore;
let number = 0;
let client: Client;
beforeAll(async () => {
  tables = await startTables();
  proxy = await startProxy(tables.endpoint);
  dynamodb = new DynamoDBClient({ endpoint: proxy.endpoint, ...LOCAL_CREDENTIALS });
  store = createClientSecretStore(dynamodb, tables.tableName('clients'));
});
beforeEach(async () => {
  const audiences = [newResourceServer({ identifier: 'api', scopes: {} }, NOW)];
  const grantTypes = ['client_credentials'];
  number += 1;
  ({ client } = newClient({ name: 'x', clientId: `client-${number}`, grantTypes, audiences }, NOW));
  await clients().add(client);
  proxy.calls.length = 0;
});
afterEach(() => {
  proxy.fault = () => undefined;
});
afterAll(async () => {
  dynamodb.destroy();
  await proxy.close();
  await tables.close();
});

const clients = () => createClientStore(tables.dynamodb, tables.tableName('clients'));
const stored = () => clients().find(client.clientId, { consistent: true });
const item = () =>
  createTable(tables.dynamodb, tables.tableName('clients'), 'client_id').get(client.clientId);
const add = (name: string, overlap = 100) =>
  store.change(client.clientId, ({ secrets }) =>
    withSuccessor(secrets, { hash: name as SecretHash, now: NOW, overlap }),
  );
const use = (at: number, known: Partial<Client> = {}) =>
  store.noteUse({ ...client, secretUses: {}, ...known }, 'abcdef01', { at, before: at - HOUR });

describe('a change of the secrets', () => {
  it('is told, written, and leaves everything else of the client as it is', async () => {
    const changed = await add('b');
    expect(changed?.secrets.map(({ hash }) => hash)).toEqual([client.secrets[0]?.hash, 'b']);
    expect(await stored()).toEqual({ ...client, secretUses: {}, secrets: changed?.secrets });
  });

  it('of none writes nothing', async () => {
    const changed = await store.change(client.clientId, ({ secrets }) => secrets);
    expect(changed).toEqual({ ...client, secretUses: {} });
    expect(proxy.calls).toEqual(['GetItem']);
  });

  it('finds no client where there is none, and makes none', async () => {
    expect(await store.change('nobody', () => [])).toBeUndefined();
    await clients().remove(client.clientId);
    expect(await add('b')).toBeUndefined();
    expect(await stored()).toBeUndefined();
  });

  it('does not bring back a client that is removed meanwhile', async () => {
    proxy.fault = async ({ operation }) => {
      if (operation === 'UpdateItem') await clients().remove(client.clientId);
      return undefined;
    };
    expect(await add('b')).toBeUndefined();
    expect(await item()).toBeUndefined();
  });

  it('is one of two that come at once: the other sees it', async () => {
    const outcomes = await Promise.allSettled([add('b'), add('c')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { secrets = [] } = (await stored()) ?? {};
    expect(secrets).toHaveLength(2);
    expect(secrets.map(({ expiresAt }) => expiresAt)).toEqual([NOW + 100, undefined]);
  });

  it('is never lost, of however many that come at once', async () => {
    const append = (name: string) =>
      store.change(client.clientId, ({ secrets }) => [
        ...secrets,
        { hash: name as SecretHash, createdAt: NOW },
      ]);
    await Promise.all(['b', 'c', 'd', 'e'].map(append));
    expect((await stored())?.secrets).toHaveLength(5);
  });

  it('gives up where others are always faster', async () => {
    const other = createClientSecretStore(tables.dynamodb, tables.tableName('clients'));
    let count = 0;
    proxy.fault = async ({ operation }) => {
      if (operation !== 'UpdateItem') return undefined;
      count += 1;
      const secrets = [{ hash: `other-${count}` as SecretHash, createdAt: NOW }];
      await other.change(client.clientId, () => secrets);
      return undefined;
    };
    await expect(add('b')).rejects.toThrow('others are changing the secrets');
  });

  it.each<Fault>(['lose-answer', 'duplicate', 'throttle', 'reset'])(
    'is made once where the call meets a fault (%s)',
    async (fault) => {
      let spoiled = false;
      proxy.fault = ({ operation }) => {
        if (spoiled || operation !== 'UpdateItem') return undefined;
        spoiled = true;
        return fault;
      };
      await add('b');
      expect(spoiled).toBe(true);
      expect((await stored())?.secrets.map(({ hash }) => hash)).toEqual([
        client.secrets[0]?.hash,
        'b',
      ]);
    },
  );

  it('forgets the uses of the secrets that go, and of no other', async () => {
    const [first] = client.secrets;
    if (first === undefined) throw new Error('no secret');
    const firstId = clientSecretId(first);
    const secondId = clientSecretId({ hash: 'b' as SecretHash });
    await add('b');
    for (const id of [firstId, secondId]) {
      await store.noteUse({ ...client, secretUses: {} }, id, { at: NOW, before: 0 });
    }
    await store.change(client.clientId, ({ secrets }) =>
      withoutSecret(secrets, firstId, { now: NOW, force: false }),
    );
    expect((await stored())?.secretUses).toEqual({ [secondId]: NOW });
  });
});

describe('the note of a use', () => {
  it('is one write, which changes nothing else', async () => {
    await use(NOW);
    expect(proxy.calls).toEqual(['UpdateItem']);
    expect(await stored()).toEqual({ ...client, secretUses: { abcdef01: NOW } });
  });

  it('is kept for an hour, whoever comes with an older record', async () => {
    await use(NOW);
    await use(NOW + HOUR - 1);
    expect((await stored())?.secretUses).toEqual({ abcdef01: NOW });
    await use(NOW + HOUR);
    expect((await stored())?.secretUses).toEqual({ abcdef01: NOW + HOUR });
  });

  it('is the first of a record of old, or the second', async () => {
    const { dynamodb, tableName } = tables;
    const { secret_uses, write_id, ...old } = (await item()) ?? {};
    await createTable(dynamodb, tableName('clients'), 'client_id').put(old);
    const found = await stored();
    expect(found).not.toHaveProperty('secretUses');
    await Promise.all(
      [1, 2].map((n) => store.noteUse(client, `secret-${n}`, { at: NOW, before: 0 })),
    );
    expect((await stored())?.secretUses).toEqual({ 'secret-1': NOW, 'secret-2': NOW });
  });

  it('does not bring back a client that was removed', async () => {
    await clients().remove(client.clientId);
    await use(NOW);
    await store.noteUse(client, 'abcdef01', { at: NOW, before: 0 });
    expect(await item()).toBeUndefined();
  });

  it('gives up after a second, so that no token waits longer for it', async () => {
    proxy.fault = () => 'hang';
    const startedAt = Date.now();
    await expect(use(NOW)).rejects.toThrow();
    expect(Date.now() - startedAt).toBeLessThan(3_000);
  });
});
