import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { keepTokens } from './canary.ts';
import { sharedStack } from './shared-stack.ts';

const run = promisify(execFile);

interface Key {
  kid: string;
  algorithm: string;
  state: string;
}

/** The command line, as an operator uses it on a running `npm start`. */
async function latchkey(...argv: string[]): Promise<{ keys: Key[] }> {
  const program = join(import.meta.dirname, '../../cli/latchkey.ts');
  const { stdout } = await run(process.execPath, [program, '--local', '--json', ...argv], {
    env: { ...process.env, LATCHKEY_STACK_FILE: sharedStack().stackFile },
  });
  const answer = JSON.parse(stdout);
  return { keys: Array.isArray(answer) ? answer : answer.keys };
}

async function demoToken(): Promise<string> {
  const { issuer, demo, canary } = sharedStack();
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...demo.service }),
  });
  const text = await response.text();
  keepTokens(text, canary);
  return JSON.parse(text).access_token;
}

const inState = (keys: Key[], state: string) =>
  keys.filter((key) => key.state === state).map(({ kid }) => kid);

describe('a rotation of the signing keys while npm start runs', () => {
  it('goes through Secrets Manager and the function, and costs no token', {
    timeout: 60_000,
  }, async () => {
    const { issuer } = sharedStack();
    const token = await demoToken();
    const before = (await latchkey('keys', 'status')).keys;
    await latchkey('keys', 'rotate', '--early');
    const after = (await latchkey('keys', 'status')).keys;
    expect(inState(after, 'current').sort()).toEqual(inState(before, 'next').sort());
    expect(inState(after, 'retiring').sort()).toEqual(inState(before, 'current').sort());
    for (const held of [token, await demoToken()]) {
      const headers = { authorization: `Bearer ${held}` };
      expect((await fetch(`${issuer}/whoami`, { headers })).status).toBe(200);
    }
  });
});
