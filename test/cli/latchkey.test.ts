import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, ROOT, startTestStack, type TestStack } from './harness.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

interface ProcessOptions {
  stdin?: string;
  /** Closes standard output before anything is written to it, as `head` does after its last line. */
  brokenPipe?: boolean;
  stdoutFile?: number;
}

/** The real process. */
async function latchkey(argv: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, 'cli', 'latchkey.ts'), ...argv], {
    stdio: ['pipe', options.stdoutFile ?? 'pipe', 'pipe'],
    env: { ...process.env, LATCHKEY_STACK_FILE: stack.stackFile },
  });
  child.stdin?.end(options.stdin ?? '');
  if (options.brokenPipe) child.stdout?.destroy();
  const exited = new Promise<number>((resolve) =>
    child.once('exit', (code) => resolve(code ?? -1)),
  );
  const [exitCode, stdout, stderr] = await Promise.all([
    exited,
    child.stdout && !options.brokenPipe ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
  ]);
  return { exitCode, stdout, stderr };
}

describe('the process', () => {
  it('prints one JSON document and nothing else, and ends with exit code 0', async () => {
    const { exitCode, stdout, stderr } = await latchkey(
      ['user', 'add', 'ada', '--password-stdin', '--local', '--json'],
      { stdin: 'correct horse battery staple\n' },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ username: 'ada' });
  });

  it('ends with exit code 1 and the reason', async () => {
    expect(await latchkey(['client', 'show', 'nil', '--local'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: there is no client nil\n',
    });
  });

  it('ends with exit code 2 where it was used wrongly', async () => {
    const { exitCode, stdout, stderr } = await latchkey(['client', 'show']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/missing required argument/);
  });

  it('is silent where whoever read its output has stopped', async () => {
    const outcome = await latchkey(['user', 'list', '--local'], { brokenPipe: true });
    expect(outcome).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it.runIf(existsSync('/dev/full'))('fails where its output is lost on a full disk', async () => {
    const file = await open('/dev/full', 'w');
    const outcome = await latchkey(['user', 'list', '--local'], { stdoutFile: file.fd });
    await file.close();
    expect(outcome).toMatchObject({
      exitCode: 1,
      stderr: 'error: cannot write the output: ENOSPC\n',
    });
  });
});
