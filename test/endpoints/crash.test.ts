import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  eventOf,
  startLatchkey,
  type TestLatchkey,
  type TestRequest,
} from '../support/latchkey.ts';
import { type Call, type FaultProxy, startProxy } from '../support/proxy.ts';

const PASSWORD = 'correct horse battery';
const WRITES = ['PutItem', 'UpdateItem', 'DeleteItem'];

let latchkey: TestLatchkey;
let proxy: FaultProxy;

beforeAll(async () => {
  latchkey = await startLatchkey();
  proxy = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_DYNAMODB);
  await latchkey.createKeys();
  const api = await latchkey.addResourceServer({ identifier: 'api', scopes: { read: 'Read' } });
  await latchkey.addClient({
    name: 'App',
    clientId: 'app',
    isPublic: true,
    grantTypes: ['password'],
    audiences: [api],
  });
  await latchkey.addUser({ username: 'ada', password: PASSWORD, permissions: ['read'] });
});
afterEach(() => {
  proxy.fault = () => undefined;
  proxy.carriedOut = () => undefined;
});
afterAll(async () => {
  await proxy.close();
  await latchkey.close();
});

const loginRequest = {
  path: '/oauth/token',
  body: { grant_type: 'password', client_id: 'app', username: 'ada', password: PASSWORD },
};
const refreshRequest = (token: string) => ({
  path: '/oauth/refresh',
  headers: { authorization: `Bearer ${token}` },
});

/** Runs a function in a process of its own behind the proxy; what it printed, or undefined if it was killed. */
async function run(name: string, request: TestRequest, onStart: (kill: () => void) => void) {
  const child = spawn(process.execPath, [join('test', 'support', 'call-function.ts'), name], {
    env: { ...process.env, ...latchkey.environment, AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onStart(() => child.kill('SIGKILL'));
  child.stdin.end(JSON.stringify(eventOf(request)));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [, signal] = await once(child, 'close');
  return signal === 'SIGKILL' ? undefined : output;
}

/** The writes that a whole run makes, in order. */
async function writesOf(name: string, request: TestRequest): Promise<string[]> {
  proxy.calls.length = 0;
  expect(await run(name, request, () => undefined)).toContain('"statusCode":200');
  return proxy.calls.filter((operation) => WRITES.includes(operation));
}

/** Kills the process at its n-th write: before the store hears of it, or after it was carried out. */
async function killAtWrite(
  name: string,
  request: TestRequest,
  n: number,
  moment: 'before' | 'after',
) {
  let seen = 0;
  let kill = () => {};
  const isTheOne = ({ operation }: Call) => WRITES.includes(operation) && ++seen === n;
  if (moment === 'before') {
    proxy.fault = (call) => {
      if (!isTheOne(call)) return undefined;
      kill();
      return 'reset';
    };
  } else {
    proxy.carriedOut = (call) => {
      if (isTheOne(call)) kill();
    };
  }
  const output = await run(name, request, (killChild) => {
    kill = killChild;
  });
  expect(output).toBeUndefined();
  proxy.fault = () => undefined;
  proxy.carriedOut = () => undefined;
}

async function login(): Promise<string> {
  const { json } = await latchkey.call('token', loginRequest);
  return json.access_token;
}

/** The session lives: its token refreshes, and so does the one that comes of it. */
async function expectAlive(token: string): Promise<void> {
  const first = await latchkey.refresh(token);
  expect(first.status).toBe(200);
  expect((await latchkey.refresh(first.json.access_token)).status).toBe(200);
}

describe('a refresh that is killed', () => {
  it('makes two writes: the successor, then the claim', async () => {
    expect(await writesOf('refresh', refreshRequest(await login()))).toEqual([
      'PutItem',
      'UpdateItem',
    ]);
  });

  it.each([
    { n: 1, moment: 'before' as const },
    { n: 1, moment: 'after' as const },
    { n: 2, moment: 'before' as const },
    { n: 2, moment: 'after' as const },
  ])('$moment write $n loses no session', async ({ n, moment }) => {
    const token = await login();
    await killAtWrite('refresh', refreshRequest(token), n, moment);
    await expectAlive(token);
  });
});

describe('a login that is killed', () => {
  it('makes its writes in this order: counters, counters back, the refresh token', async () => {
    const writes = await writesOf('token', loginRequest);
    expect(writes).toEqual([...Array(6).fill('UpdateItem'), 'PutItem']);
  });

  it.each([
    { n: 3, moment: 'after' as const },
    { n: 6, moment: 'after' as const },
    { n: 7, moment: 'before' as const },
    { n: 7, moment: 'after' as const },
  ])('$moment write $n can be repeated', async ({ n, moment }) => {
    await killAtWrite('token', loginRequest, n, moment);
    await expectAlive(await login());
  });
});
