import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type LocalStack,
  START_TIMEOUT,
  type Start,
  start,
  startLocalStack,
} from './local-stack.ts';
import { descendantsOf, freePort, listenOnce, stillRunning } from './processes.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-start-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** One line on stderr, nothing else anywhere, and exit code 1. */
async function expectRefusal(refused: Start, line: string): Promise<void> {
  onTestFinished(() => refused.kill('SIGKILL'));
  expect(await refused.ended).toEqual({ code: 1, signal: null });
  expect(refused.stderr()).toBe(`${line}\n`);
  expect(refused.stdout()).toBe('');
  expect(existsSync(refused.workFolder)).toBe(false);
}

async function expectGone(processes: readonly number[]): Promise<void> {
  await vi.waitFor(async () => expect(await stillRunning(processes)).toEqual([]), 5_000);
}

describe('a start that cannot be', () => {
  it.each(['abc', '0', '65536', '3000.5'])('says so for PORT=%s', async (port) => {
    const line = `PORT must be a number from 1 to 65535, not "${port}"`;
    await expectRefusal(await start({ port }), line);
  });

  it('says so for a port that is taken', async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const line = `Port ${port} is taken: name another one, as in PORT=${port + 1} npm start`;
    await expectRefusal(await start({ port }), line);
  });

  it('says so for a data folder that cannot be made', async () => {
    // Below a file, since permissions do not bind root.
    const file = join(folder, 'file');
    await writeFile(file, 'a file');
    const dataFolder = join(file, 'data');
    const line = `The folder ${dataFolder} (LATCHKEY_DATA) cannot be written`;
    await expectRefusal(await start({ port: await freePort(), dataFolder }), line);
  });

  it('that is interrupted ends at once and leaves nothing behind', async () => {
    const port = await freePort();
    const started = await start({ port, isGroup: true });
    onTestFinished(() => started.kill('SIGKILL'));
    const processes = await vi.waitUntil(
      async () => {
        const descendants = await descendantsOf(started.pid);
        return descendants.length > 0 && descendants;
      },
      { timeout: 15_000, interval: 20 },
    );
    started.kill('SIGINT');
    // Far less than the start would have taken.
    const ending = vi.waitUntil(
      async () => (await stillRunning([started.pid])).length === 0,
      8_000,
    );
    await expect(ending).resolves.toBe(true);
    await expectRefusal(started, 'Stopped before it was ready');
    await expectGone(processes);
    expect(await listenOnce(port)).toBe(port);
  });
});

describe('with LATCHKEY_DATA', () => {
  let port: number;
  let dataFolder: string;
  let first: LocalStack;
  let token: string;
  let login: string;

  beforeAll(async () => {
    port = await freePort();
    dataFolder = join(folder, 'data', 'nested');
    first = await startLocalStack({ port, dataFolder, isGroup: true });
    token = await requestToken(first);
    login = await signIn(first);
  }, START_TIMEOUT);

  afterAll(async () => {
    first.kill('SIGKILL');
    await first.ended;
  });

  it('the files that hold secrets are for their owner alone', async () => {
    const { demo } = JSON.parse(await readFile(first.stackFile, 'utf8'));
    expect(demo).toEqual(first.demo);
    for (const file of [
      first.stackFile,
      join(dataFolder, 'demo.json'),
      join(dataFolder, 'secrets-manager.json'),
    ]) {
      expect((await stat(file)).mode & 0o077).toBe(0);
    }
  });

  it('a second stack on the same folder is one that cannot be', async () => {
    const second = await start({ port: await freePort(), dataFolder });
    onTestFinished(() => second.kill('SIGKILL'));
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toMatch(/^The folder [^\n]+ \(LATCHKEY_DATA\) is in use\n$/);
    expect(await requestToken(first)).toMatch(/^eyJ/);
  });

  it('Ctrl-C ends it, and leaves nothing behind but the data', async () => {
    const processes = [first.pid, ...(await descendantsOf(first.pid))];
    expect(processes.length).toBeGreaterThan(1);
    first.kill('SIGINT');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    await expectGone(processes);
    expect(await listenOnce(port)).toBe(port);
    expect(existsSync(first.workFolder)).toBe(false);
    expect(existsSync(first.stackFile)).toBe(false);
  });

  it(
    'the state outlives the restart, and no process outlives the second stack even when it is killed',
    async () => {
      const second = await startLocalStack({ port, dataFolder });
      onTestFinished(async () => {
        second.kill('SIGKILL');
        await rm(second.workFolder, { recursive: true, force: true });
      });
      expect(second.demo).toEqual(first.demo);
      expect(await requestToken(second)).toMatch(/^eyJ/);
      await expectValid(token, second);
      await expectValid(await refresh(login, second), second);

      const processes = [second.pid, ...(await descendantsOf(second.pid))];
      second.kill('SIGKILL');
      expect(await second.ended).toEqual({ code: null, signal: 'SIGKILL' });
      await expectGone(processes);
      expect(await listenOnce(port)).toBe(port);
    },
    START_TIMEOUT,
  );
});

async function post(url: string, body: Record<string, string>, authorization?: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: authorization === undefined ? {} : { Authorization: authorization },
    body: new URLSearchParams(body),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`${url} answered ${response.status}`);
  return answer.access_token;
}

function requestToken({ issuer, demo }: LocalStack): Promise<string> {
  const { client_id, client_secret } = demo.service;
  const body = { grant_type: 'client_credentials', client_id, client_secret };
  return post(`${issuer}/oauth/token`, body);
}

function signIn({ issuer, demo }: LocalStack): Promise<string> {
  const body = { grant_type: 'password', client_id: demo.app.client_id, ...demo.user };
  return post(`${issuer}/oauth/token`, body);
}

function refresh(accessToken: string, { issuer }: LocalStack): Promise<string> {
  return post(`${issuer}/oauth/refresh`, {}, `Bearer ${accessToken}`);
}

/** To a verifier, and to the authorizer. */
async function expectValid(accessToken: string, { issuer }: LocalStack): Promise<void> {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
  await jwtVerify(accessToken, keys, { issuer, audience: 'demo', typ: 'at+jwt' });
  const headers = { Authorization: `Bearer ${accessToken}` };
  expect((await fetch(`${issuer}/whoami`, { headers })).status).toBe(200);
}
