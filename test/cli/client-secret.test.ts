import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDynamoDB } from '../../lib/aws/dynamodb.ts';
import {
  clientSecretId,
  hashClientSecret,
  verifyClientSecret,
} from '../../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../../lib/clients/client-secret-store.ts';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { latchkey, local, startTestStack, type TestStack } from './harness.ts';

const HOUR = 3600;
const TABLE = 'latchkey-local-clients';

let stack: TestStack;
let number = 0;
let id: string;
let first: string;
beforeAll(async () => {
  stack = await startTestStack();
  await local(['resource-server', 'add', 'api', '--scope', 'read=Reads']);
});
beforeEach(async () => {
  number += 1;
  id = `machine-${number}`;
  const added = await local([
    ...['client', 'add', 'Machine', '--client-id', id, '--audience', 'api'],
    ...['--grant-type', 'client_credentials', '--json'],
  ]);
  first = JSON.parse(added).client_secret;
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => stack.close());

const now = () => Math.floor(Date.now() / 1000);
function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}
const idOf = (secret: string) => clientSecretId({ hash: hashClientSecret(secret) });
const rotate = async (...options: string[]) =>
  JSON.parse(await local(['client', 'rotate-secret', id, ...options, '--json']));
const show = async () => JSON.parse(await local(['client', 'show', id, '--json']));

/** The endpoint is in the environment since the first `--local`. */
async function stored() {
  const dynamodb = createDynamoDB();
  try {
    return await createClientStore(dynamodb, TABLE).find(id);
  } finally {
    dynamodb.destroy();
  }
}

async function use(secret: string, at: number): Promise<void> {
  const dynamodb = createDynamoDB();
  try {
    const client = await stored();
    const store = createClientSecretStore(dynamodb, TABLE);
    if (client) await store.noteUse(client, idOf(secret), { at, before: at });
  } finally {
    dynamodb.destroy();
  }
}

describe('client rotate-secret', () => {
  it('shows a new secret, once, and lets the old one live for a day', async () => {
    const { exitCode, stdout, stderr } = await latchkey(['--local', 'client', 'rotate-secret', id]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/Keep the secret now/);
    const second = /^Client secret +(\S{43})$/m.exec(stdout)?.[1] ?? '';
    const client = await stored();
    expect(verifyClientSecret(client, second, now() + 10 * 365 * 24 * HOUR)).toBe(true);
    const { expiresAt = 0 } = client?.secrets[0] ?? {};
    expect(Math.abs(expiresAt - (now() + 24 * HOUR))).toBeLessThan(5);
    expect(verifyClientSecret(client, first, expiresAt - 1)).toBe(true);
    expect(verifyClientSecret(client, first, expiresAt)).toBe(false);
    expect(JSON.stringify(client)).not.toContain(second);
    expect(JSON.stringify(await show())).not.toContain(second);
  });

  it.each([
    { overlap: '30m', seconds: 1800 },
    { overlap: '7d', seconds: 7 * 24 * HOUR },
    { overlap: '90', seconds: 90 },
    { overlap: '45s', seconds: 45 },
  ])('takes $overlap for the overlap', async ({ overlap, seconds }) => {
    const { secrets } = await rotate('--overlap', overlap);
    expect(Math.abs(secrets[0].expires_at - (now() + seconds))).toBeLessThan(5);
    expect(secrets[1].expires_at).toBeUndefined();
  });

  it('--now ends all the others at once', async () => {
    await rotate();
    const { client_secret, secrets } = await rotate('--now');
    expect(secrets).toEqual([
      { number: 1, id: idOf(client_secret), created_at: expect.any(Number) },
    ]);
    expect(verifyClientSecret(await stored(), first, now())).toBe(false);
  });

  it('is refused while two are good, and goes on when the end of the older has come', async () => {
    await rotate('--overlap', '1h');
    const refused = await latchkey(['--local', 'client', 'rotate-secret', id]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      new RegExp(`${idOf(first)}, the oldest, ends at 20\\S+Z: .*retire-secret.*--now`),
    );
    pass(HOUR);
    const { secrets } = await rotate();
    expect(secrets).toHaveLength(2);
    expect(JSON.stringify(secrets)).not.toContain(idOf(first));
  });

  it('gives one secret to one of two who ask at once', async () => {
    const outcomes = await Promise.all(
      [1, 2].map(() => latchkey(['--local', 'client', 'rotate-secret', id])),
    );
    expect(outcomes.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    expect((await stored())?.secrets).toHaveLength(2);
  });

  it.each([
    { name: 'an unknown client', argv: ['nobody'], reason: /no client nobody/ },
    { name: 'a public client', argv: ['public-app'], reason: /public: it has no secret/ },
  ])('refuses $name', async ({ argv, reason }) => {
    await latchkey([
      ...['--local', 'client', 'add', 'x', '--client-id', 'public-app', '--public'],
      ...['--grant-type', 'password', '--audience', 'api'],
    ]);
    const outcome = await latchkey(['--local', 'client', 'rotate-secret', ...argv]);
    expect(outcome).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(reason),
    });
  });

  it.each([
    { name: 'an overlap in words', argv: ['--overlap', 'a day'] },
    { name: 'an overlap of nothing', argv: ['--overlap', '0'] },
    { name: 'an overlap in weeks', argv: ['--overlap', '1w'] },
    { name: 'both an overlap and none', argv: ['--overlap', '1h', '--now'] },
  ])('finds wrong usage: $name', async ({ argv }) => {
    const outcome = await latchkey(['--local', 'client', 'rotate-secret', id, ...argv]);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await stored())?.secrets).toHaveLength(1);
  });
});

describe('client show', () => {
  it('tells of each secret its number, id, creation, last use and end, and no hash', async () => {
    const { client_secret: second } = await rotate('--overlap', '1h');
    await use(first, now() - 60);
    const { secrets } = await show();
    expect(secrets).toEqual([
      {
        number: 1,
        id: idOf(first),
        created_at: expect.any(Number),
        last_used_at: expect.any(Number),
        expires_at: expect.any(Number),
      },
      { number: 2, id: idOf(second), created_at: expect.any(Number) },
    ]);
    const text = await local(['client', 'show', id]);
    expect(text.replaceAll(/20\d\d-\S+Z/g, 'TIME')).toMatch(
      new RegExp(
        `^Secret 1 +${idOf(first)}, created TIME, last used TIME, expires TIME\nSecret 2 +${idOf(second)}, created TIME, no use noted$`,
        'm',
      ),
    );
    for (const hash of [first, second].map(hashClientSecret)) expect(text).not.toContain(hash);
    pass(HOUR);
    expect(await local(['client', 'show', id])).toMatch(/^Secret 1 .*, expired 20\S+Z$/m);
  });
});

describe('client retire-secret', () => {
  it.each([
    { name: 'number', named: () => '1' },
    { name: 'id', named: () => idOf(first) },
  ])('removes a secret by its $name, at once', async ({ named }) => {
    const { client_secret: second } = await rotate();
    const retired = JSON.parse(await local(['client', 'retire-secret', id, named(), '--json']));
    expect(retired).toEqual({
      client_id: id,
      retired: idOf(first),
      secrets: [{ number: 1, id: idOf(second), created_at: expect.any(Number) }],
    });
    expect(verifyClientSecret(await stored(), first, now())).toBe(false);
    expect(verifyClientSecret(await stored(), second, now())).toBe(true);
  });

  it('makes room for another', async () => {
    await rotate();
    expect(await local(['client', 'retire-secret', id, '1'])).toMatch(
      new RegExp(`^retired ${idOf(first)}\nSecret 1 `),
    );
    await rotate();
    expect((await stored())?.secrets).toHaveLength(2);
  });

  it('leaves the last one, unless --force says otherwise', async () => {
    const refused = await latchkey(['--local', 'client', 'retire-secret', id, '1']);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/--force/) });
    expect(await local(['client', 'retire-secret', id, '1', '--force'])).toBe(
      `retired ${idOf(first)}\n`,
    );
    expect((await stored())?.secrets).toEqual([]);
    await rotate();
    expect((await stored())?.secrets).toHaveLength(1);
  });

  it.each(['2', '0', '-1', 'abcdef01'])(
    'refuses the secret %s, which there is not',
    async (named) => {
      const argv = ['--local', 'client', 'retire-secret', id, '--', named];
      expect(await latchkey(argv)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`has no secret ${named}`),
      });
    },
  );
});
