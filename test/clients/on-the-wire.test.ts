import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clientSecretId,
  generateClientSecret,
  hashClientSecret,
} from '../../lib/clients/client-secret.ts';
import {
  type ClientSecretStore,
  createClientSecretStore,
} from '../../lib/clients/client-secret-store.ts';
import { replaced, withSuccessor } from '../../lib/clients/secret-overlap.ts';
import type { Client } from '../../lib/oauth/client.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';

const PASSWORD = 'correct horse battery';
const HOUR = 3600;

let latchkey: TestLatchkey;
let dynamodb: FaultProxy;
let store: ClientSecretStore;
let old: string;
let number = 0;
let clientId: string;
beforeAll(async () => {
  latchkey = await startLatchkey();
  dynamodb = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_DYNAMODB);
  process.env.AWS_ENDPOINT_URL_DYNAMODB = dynamodb.endpoint;
  store = createClientSecretStore(latchkey.dynamodb, latchkey.environment.CLIENTS_TABLE);
  await latchkey.createKeys();
  await latchkey.addResourceServer({ identifier: 'api', scopes: { read: 'Read' } });
  await latchkey.addUser({ username: 'ada', password: PASSWORD, permissions: ['read'] });
});
/** Every test meets a function that has just started, and a client of its own. */
beforeEach(async () => {
  vi.resetModules();
  dynamodb.fault = () => undefined;
  number += 1;
  clientId = `client-${number}`;
  const [api] = await latchkey.stores.resourceServers.list();
  const added = await latchkey.addClient({
    name: 'Machine',
    clientId,
    grantTypes: ['client_credentials', 'password'],
    audiences: api ? [api] : [],
  });
  old = added.clientSecret;
  dynamodb.calls.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await dynamodb.close();
  await latchkey.close();
});

const now = () => Math.floor(Date.now() / 1000);
function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

async function token(secret: string, id = clientId) {
  const { status } = await latchkey.token({
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
    audience: 'api',
  });
  return status;
}

async function rotate(overlap = 24 * HOUR): Promise<string> {
  const secret = generateClientSecret();
  const fresh = { hash: hashClientSecret(secret), now: now() };
  await store.change(clientId, ({ secrets }) => withSuccessor(secrets, { ...fresh, overlap }));
  return secret;
}

const usesOf = async (): Promise<Client['secretUses']> =>
  (await latchkey.stores.clients.find(clientId))?.secretUses;
const idOf = (secret: string) => clientSecretId({ hash: hashClientSecret(secret) });
const reads = () => dynamodb.calls.filter((operation) => operation === 'GetItem').length;

describe('a new secret', () => {
  it('is good at once, where the client was in memory, and the old one stays so', async () => {
    expect(await token(old)).toBe(200);
    const fresh = await rotate();
    expect(await token(fresh)).toBe(200);
    expect(await token(old)).toBe(200);
    expect(await token(fresh)).toBe(200);
  });

  it('is good at once for refreshing', async () => {
    const { json } = await latchkey.token({
      grant_type: 'password',
      client_id: clientId,
      client_secret: old,
      username: 'ada',
      password: PASSWORD,
    });
    const refresh = (secret: string, accessToken: string) =>
      latchkey.call('refresh', {
        path: '/oauth/refresh',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
        },
        body: { access_token: accessToken },
      });
    const first = await refresh(old, json.access_token);
    expect(first.status).toBe(200);
    expect((await refresh(await rotate(), first.json.access_token)).status).toBe(200);
  });

  it('lets the old one live for exactly its overlap, in memory as in the table', async () => {
    const fresh = await rotate(HOUR);
    const { expiresAt = 0 } = (await store.change(clientId, ({ secrets }) => secrets))
      ?.secrets[0] ?? { expiresAt: 0 };
    pass(expiresAt - now() - 1);
    expect(await token(old)).toBe(200);
    pass(1);
    expect(await token(old)).toBe(401);
    expect(await token(fresh)).toBe(200);
  });

  it('that replaces the old ones at once ends them within a minute', async () => {
    await token(old);
    const hash = hashClientSecret(generateClientSecret());
    await store.change(clientId, ({ secrets }) => replaced(secrets, { hash, now: now() }));
    expect(await token(old)).toBe(200);
    pass(60);
    expect(await token(old)).toBe(401);
  });
});

describe('a wrong secret', () => {
  it('costs one read a second, whatever it is tried at', async () => {
    await token(old);
    pass(1);
    dynamodb.calls.length = 0;
    for (let n = 0; n < 10; n += 1) expect(await token(generateClientSecret())).toBe(401);
    expect(reads()).toBe(1);
    pass(1);
    await token(generateClientSecret());
    expect(reads()).toBe(2);
    expect(dynamodb.calls).not.toContain('UpdateItem');
  });

  it('costs one read where the client was not in memory, or does not exist', async () => {
    await token(generateClientSecret());
    // The client and the resource server.
    expect(reads()).toBe(2);
    await token(generateClientSecret(), 'nobody');
    expect(reads()).toBe(3);
  });

  it('is not told to be wrong where that cannot be found out', async () => {
    await token(old);
    dynamodb.fault = () => 'throttle';
    expect(await token(await rotate())).toBe(503);
    expect(await token(old)).toBe(200);
  });
});

describe('the last use of a secret', () => {
  it('is written at the first use, and again after an hour, by whichever instance', async () => {
    const startedAt = now();
    await token(old);
    expect(dynamodb.calls.filter((operation) => operation === 'UpdateItem')).toHaveLength(1);
    vi.resetModules();
    pass(HOUR - 5);
    await token(old);
    expect(dynamodb.calls.filter((operation) => operation === 'UpdateItem')).toHaveLength(1);
    expect((await usesOf())?.[idOf(old)]).toBeLessThan(startedAt + 5);
    pass(10);
    await token(old);
    expect((await usesOf())?.[idOf(old)]).toBeGreaterThanOrEqual(startedAt + HOUR);
  });

  it('is told for each secret apart', async () => {
    const fresh = await rotate();
    await token(fresh);
    expect(Object.keys((await usesOf()) ?? {})).toEqual([idOf(fresh)]);
    await token(old);
    expect(Object.keys((await usesOf()) ?? {}).sort()).toEqual([idOf(fresh), idOf(old)].sort());
  });

  it('is not that of a wrong secret', async () => {
    await token(generateClientSecret());
    expect(await usesOf()).toEqual({});
  });

  it.each(['throttle', 'break', 'hang', 'reset'] as const)(
    'never costs a request where it cannot be written (%s)',
    async (fault) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      dynamodb.fault = ({ operation }) => (operation === 'UpdateItem' ? fault : undefined);
      const startedAt = performance.now();
      expect(await token(old)).toBe(200);
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      expect(warn).toHaveBeenCalledWith(
        expect.objectContaining({ client_id: clientId, secret_id: idOf(old) }),
      );
      expect(JSON.stringify(warn.mock.calls)).not.toContain(old);
    },
  );

  it('is written beside the search for the resource server', async () => {
    let inFlight = 0;
    let most = 0;
    dynamodb.fault = async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 200));
      inFlight -= 1;
      return undefined;
    };
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: old };
    expect((await latchkey.token(form)).status).toBe(200);
    expect(dynamodb.calls).toHaveLength(3);
    expect(most).toBe(2);
  });
});

describe('a secret in use near its end', () => {
  it('is told of on standard output and in the log, and neither names it', async () => {
    await rotate(HOUR);
    pass(HOUR - 60);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    expect(await token(old)).toBe(200);
    const lines = write.mock.calls.map(([line]) => String(line));
    write.mockRestore();
    const metric = lines.find((line) => line.includes('ClientSecretNearEnd')) ?? '{}';
    expect(JSON.parse(metric)).toMatchObject({ ClientId: clientId, ClientSecretNearEnd: 1 });
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ audit: true, client_id: clientId, secret_id: idOf(old) }),
    );
    expect(JSON.stringify([lines, warn.mock.calls])).not.toContain(old);
  });
});

it('leaves no secret in the tables', async () => {
  const fresh = await rotate();
  await token(fresh);
  const tables = JSON.stringify(await latchkey.items());
  expect(tables).toContain(idOf(fresh));
  for (const secret of [old, fresh]) expect(tables).not.toContain(secret);
});
