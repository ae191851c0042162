import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDB } from '../../lib/aws/dynamodb.ts';
import { verifyPassword } from '../../lib/users/password.ts';
import { createPasswordStore } from '../../lib/users/password-store.ts';
import { latchkey, local, startTestStack, type TestStack } from './harness.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

const PASSWORD = 'correct hörse battery staple';

/** Whether the user signs in with the password. The endpoint is in the environment since the first `--local`. */
async function opens(username: string, password: string) {
  const dynamodb = createDynamoDB();
  try {
    const record = await createPasswordStore(dynamodb, 'latchkey-local-passwords').find(username);
    return record && (await verifyPassword(password, record.hash));
  } finally {
    dynamodb.destroy();
  }
}

describe('user', () => {
  it('add takes the password from standard input, without its last line end', async () => {
    const added = JSON.parse(
      await local(
        [
          ...['user', 'add', 'Ada', '--password-stdin', '--json', '--permission', 'create:x'],
          ...['--permission', 'read:x', '--role', 'WidgetHost', '--claim', 'ucw/roles=["a"]'],
        ],
        `${PASSWORD}\n`,
      ),
    );
    expect(added).toEqual({
      username: 'ada',
      sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
      disabled: false,
      permissions: ['create:x', 'read:x'],
      roles: ['WidgetHost'],
      claims: { 'ucw/roles': ['a'] },
      created_at: expect.any(Number),
    });
    expect(await opens('ada', PASSWORD)).toBe(true);
    expect(JSON.parse(await local(['user', 'show', 'ADA', '--json']))).toEqual(added);
  });

  it.each([
    { name: 'one line end is not part of it', stdin: 'password1\r\n', password: 'password1' },
    { name: 'another is', stdin: 'password1\n\n', password: 'password1\n' },
    { name: 'spaces are', stdin: '  password1 ', password: '  password1 ' },
  ])('a password is what was given: $name', async ({ stdin, password }) => {
    await local(['user', 'add', 'given', '--password-stdin'], stdin);
    expect(await opens('given', password)).toBe(true);
    await local(['user', 'remove', 'given']);
  });

  it('show tells a person all of it', async () => {
    expect(await local(['user', 'show', 'ada'])).toMatch(
      /^Username {5}ada\nSub {10}\S{36}\nState {8}enabled\nPermissions {2}create:x, read:x\nRoles {8}WidgetHost\nClaims {7}\{"ucw\/roles":\["a"\]\}\nCreated {6}20..-.*Z\n$/,
    );
  });

  it('list shows all of them, by name', async () => {
    await local(['user', 'add', 'bob', '--password-stdin'], PASSWORD);
    expect((await local(['user', 'list'])).replaceAll(/[0-9a-f-]{36}/g, 'S'.repeat(36))).toBe(
      [
        `USERNAME  SUB${' '.repeat(35)}PERMISSIONS       ROLES       STATE`,
        `ada       ${'S'.repeat(36)}  create:x, read:x  WidgetHost  enabled`,
        `bob       ${'S'.repeat(36)}  -                 -           enabled`,
        '',
      ].join('\n'),
    );
    expect(JSON.parse(await local(['--json', 'user', 'list']))).toMatchObject([
      { username: 'ada' },
      { username: 'bob' },
    ]);
  });

  it('set-password replaces the password', async () => {
    const text = await local(['user', 'set-password', 'BOB', '--password-stdin'], 'another one\n');
    expect(text).toBe('set the password of bob\n');
    expect(await opens('bob', 'another one')).toBe(true);
    expect(await opens('bob', PASSWORD)).toBe(false);
    const json = await local(
      ['user', 'set-password', 'bob', '--password-stdin', '--json'],
      'a third one',
    );
    expect(JSON.parse(json)).toEqual({ username: 'bob', password_set: true });
  });

  it('remove removes a user', async () => {
    expect(await local(['user', 'remove', 'bob'])).toBe('removed bob\n');
    expect(await opens('bob', 'a third one')).toBeUndefined();
    await local(['user', 'add', 'bob', '--password-stdin'], PASSWORD);
    expect(JSON.parse(await local(['user', 'remove', 'Bob', '--json']))).toEqual({
      username: 'bob',
      removed: true,
    });
  });

  it.each([
    {
      name: 'a username that is taken',
      argv: ['add', 'ADA', '--password-stdin'],
      stdin: PASSWORD,
      reason: /taken/,
    },
    {
      name: 'a short password',
      argv: ['add', 'eve', '--password-stdin'],
      stdin: 'short',
      reason: /8 to 1024/,
    },
    {
      name: 'no password',
      argv: ['add', 'eve', '--password-stdin'],
      stdin: '',
      reason: /8 to 1024/,
    },
    {
      name: 'a short new password',
      argv: ['set-password', 'ada', '--password-stdin'],
      stdin: 'short',
      reason: /8 to 1024/,
    },
    {
      name: 'a password that is not text',
      argv: ['add', 'eve', '--password-stdin'],
      stdin: Buffer.alloc(9, 0xff),
      reason: /UTF-8/,
    },
    {
      name: 'a claim that is reserved',
      argv: ['add', 'eve', '--password-stdin', '--claim', 'iss=x'],
      stdin: PASSWORD,
      reason: /reserved/,
    },
    { name: 'to show an unknown user', argv: ['show', 'nil'], stdin: '', reason: /no user nil/ },
    {
      name: 'to change an unknown user',
      argv: ['set-password', 'nil', '--password-stdin'],
      stdin: PASSWORD,
      reason: /no user nil/,
    },
    {
      name: 'to remove an unknown user',
      argv: ['remove', 'nil'],
      stdin: '',
      reason: /no user nil/,
    },
  ])('refuses $name', async ({ argv, stdin, reason }) => {
    const { exitCode, stdout, stderr } = await latchkey(['user', ...argv, '--local'], stdin);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/^error: .+\n$/);
  });

  it.each([
    { name: 'as an option', argv: ['--password', PASSWORD] },
    { name: 'as the value of an option', argv: [`--password=${PASSWORD}`] },
    { name: 'with quotes in it', argv: [`--password='${PASSWORD}'=1`] },
    { name: 'as a short option', argv: ['-p', PASSWORD] },
    { name: 'within a short option', argv: [`-p${PASSWORD}`] },
    { name: 'as an argument', argv: [PASSWORD] },
    { name: 'as an argument beside --password-stdin', argv: ['--password-stdin', PASSWORD] },
    { name: 'as the value of --password-stdin', argv: [`--password-stdin=${PASSWORD}`] },
    { name: 'as nothing', argv: [] },
  ])('takes no password on the command line: $name', async ({ argv }) => {
    for (const verb of ['add', 'set-password']) {
      const json = await latchkey(
        ['user', verb, 'mallory', ...argv, '--local', '--json'],
        PASSWORD,
      );
      expect(json.exitCode).toBe(2);
      expect(JSON.stringify(json)).not.toContain('battery');
    }
    expect((await latchkey(['user', 'show', 'mallory', '--local'])).exitCode).toBe(1);
  });

  it('shows neither a password nor its hash', async () => {
    const outcomes = [];
    for (const argv of [
      ['add', 'carol', '--password-stdin'],
      ['add', 'carol', '--password-stdin'],
      ['set-password', 'carol', '--password-stdin'],
      ['show', 'carol'],
      ['list'],
      ['list', '--json'],
      ['remove', 'carol'],
    ]) {
      outcomes.push(await latchkey(['user', ...argv, '--local'], PASSWORD));
    }
    expect(JSON.stringify(outcomes)).not.toMatch(/battery|argon2/);
  });
});
