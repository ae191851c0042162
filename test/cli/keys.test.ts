import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecret } from '../../lib/aws/secret.ts';
import { createSecretsManager } from '../../lib/aws/secrets-manager.ts';
import { keysetOf } from '../../lib/keys/keyset.ts';
import { latchkey, local, startTestStack, type TestStack } from './harness.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

/** The endpoint is in the environment since the first `--local`. */
async function privateKeys() {
  const secretsManager = createSecretsManager();
  try {
    const keyset = keysetOf(await readSecret(secretsManager, 'latchkey/local/signing-keys'));
    return Object.values(keyset ?? {}).flatMap(({ current, next }) => [current, next]);
  } finally {
    secretsManager.destroy();
  }
}

describe('keys', () => {
  it('list shows none where none were made', async () => {
    expect(await local(['keys', 'list', '--json'])).toBe('[]\n');
    expect(await local(['keys', 'list'])).toBe('KID  ALGORITHM  CREATED  PUBLIC UNTIL\n');
  });

  it('create makes the first keys, once, and publishes them', async () => {
    const first = JSON.parse(await local(['keys', 'create', '--json']));
    expect(first.outcome).toBe('created');
    const made = (await privateKeys()).map(({ kid, algorithm, createdAt }) => ({
      kid,
      algorithm,
      created_at: createdAt,
    }));
    expect(made).toHaveLength(4);
    expect(first.keys).toHaveLength(4);
    expect(first.keys).toEqual(expect.arrayContaining(made));

    const second = JSON.parse(await local(['keys', 'create', '--json']));
    expect(second).toEqual({ outcome: 'present', keys: first.keys });
    expect(JSON.parse(await local(['keys', 'list', '--json']))).toEqual(first.keys);
  });

  it('list and create show them to a person', async () => {
    const listed = await local(['keys', 'list']);
    expect(listed).toMatch(
      /^KID +ALGORITHM {2}CREATED +PUBLIC UNTIL\n([\w-]{43} {2}(RS256|ES256) {6}\S+Z {2}-\n){4}$/,
    );
    expect(await latchkey(['keys', 'create', '--local'])).toEqual({
      exitCode: 0,
      stdout: listed,
      stderr: 'there were signing keys already\n',
    });
  });

  it('status tells which sign and which are next', async () => {
    const keys = JSON.parse(await local(['keys', 'status', '--json']));
    const states = keys.map(({ algorithm, state }: { algorithm: string; state: string }) =>
      [algorithm, state].join(' '),
    );
    expect(states.sort()).toEqual(['ES256 current', 'ES256 next', 'RS256 current', 'RS256 next']);
    expect(await local(['keys', 'status'])).toMatch(
      /^KID +ALGORITHM {2}STATE +SINCE +UNTIL\n([\w-]{43} {2}(RS256|ES256) {6}(current|next) +\S+Z {2}-\n){4}$/,
    );
  });

  it('rotate waits for verifiers to know the next keys', async () => {
    const { exitCode, stderr } = await latchkey(['keys', 'rotate', '--local']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: the next keys are public only since .* or say --early\n$/);
  });

  it('rotate puts a compromised key out of use at once, and says what breaks', async () => {
    const before = (await privateKeys()).filter(({ algorithm }) => algorithm === 'RS256');
    const [current, next] = before.map(({ kid }) => kid);
    const { stdout, stderr } = await latchkey(
      ['keys', 'rotate', '--compromised', current ?? '', '--local', '--json'],
      '',
    );
    const { outcome, consequences, keys } = JSON.parse(stdout);
    expect(outcome).toBe('was-current');
    expect(consequences).toMatch(/^it signed until now/);
    expect(stderr).toBe('');
    const stateOf = (wanted: string | undefined) =>
      keys.find(({ kid }: { kid: string }) => kid === wanted)?.state;
    expect(stateOf(current)).toBe('compromised');
    expect(stateOf(next)).toBe('current');
  });

  it('rotate refuses a key that it does not know', async () => {
    const { exitCode, stderr } = await latchkey([
      'keys',
      'rotate',
      '--compromised',
      'x',
      '--local',
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'error: there is no key x\n' });
  });

  it('shows no private half', async () => {
    const outputs = [
      await local(['keys', 'create', '--json']),
      await local(['keys', 'create']),
      await local(['keys', 'list', '--json']),
      await local(['keys', 'list']),
    ].join('\n');
    for (const { privateJwk } of await privateKeys()) {
      expect(outputs).not.toContain(privateJwk.d);
    }
    expect(outputs).not.toContain('"d"');
  });
});
