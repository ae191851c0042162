import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Demo } from '../../local/demo/parties.ts';
import { freePort } from './processes.ts';

export const REPOSITORY = join(import.meta.dirname, '../..');
/** Milliseconds that a test gives a start on a busy machine: more than the start gives itself. */
export const START_TIMEOUT = 150_000;
const READY_TIMEOUT = 140_000;

export interface Start {
  pid: number;
  /** All that was written to stdout and stderr so far. */
  stdout(): string;
  stderr(): string;
  /** Where the functions are built. */
  workFolder: string;
  stackFile: string;
  /** How it ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
}

export interface LocalStack extends Start {
  port: number;
  issuer: string;
  dynamodbEndpoint: string;
  secretsManagerEndpoint: string;
  demo: Demo;
}

export interface StartOptions {
  /** A free one where left out. */
  port?: number;
  dataFolder?: string;
  /**
   * In a process group of its own, which a signal then goes to as a whole: what a terminal does on Ctrl-C.
   */
  isGroup?: boolean;
}

/** What `npm start` runs, beside whatever else runs here. */
export async function start({
  port,
  dataFolder,
  isGroup = false,
}: Omit<StartOptions, 'port'> & { port: number | string }): Promise<Start> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-end-to-end-'));
  const stackFile = join(folder, 'stack.json');
  const child = spawn(process.execPath, ['local/start.mjs'], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isGroup,
    env: {
      ...withoutSettings(process.env),
      PORT: String(port),
      LATCHKEY_STACK_FILE: stackFile,
      ...(dataFolder !== undefined && { LATCHKEY_DATA: dataFolder }),
    },
  });
  const pid = child.pid ?? 0;
  const kill = (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    process.kill(isGroup ? -pid : pid, signal);
  };
  const endWithTest = () => kill('SIGKILL');
  process.once('exit', endWithTest);
  const ended = new Promise<Awaited<Start['ended']>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(async () => {
    process.removeListener('exit', endWithTest);
    await rm(folder, { recursive: true, force: true });
  });
  return {
    pid,
    ...collectOutput(child),
    workFolder: join(REPOSITORY, '.local', `functions-${pid}`),
    stackFile,
    ended,
    kill,
  };
}

/** The same, ready. @throws {Error} where it ended instead */
export async function startLocalStack(options: StartOptions = {}): Promise<LocalStack> {
  const port = options.port ?? (await freePort());
  const started = await start({ ...options, port });
  const failed = started.ended.then(() => {
    throw new Error(`The local stack ended:\n${started.stdout()}\n${started.stderr()}`);
  });
  failed.catch(() => undefined);
  await Promise.race([ready(started), failed]);
  const file = JSON.parse(await readFile(started.stackFile, 'utf8'));
  return {
    ...started,
    port,
    issuer: file.issuer,
    dynamodbEndpoint: file.dynamodb_endpoint,
    secretsManagerEndpoint: file.secrets_manager_endpoint,
    demo: file.demo,
  };
}

/** The four commands come last, and so the address of the last one. */
async function ready({ stdout, kill }: Start): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT;
  while (!/Latchkey is ready.*\/oauth\/refresh[^\n]*\n/s.test(stdout())) {
    if (Date.now() > deadline) {
      kill('SIGKILL');
      throw new Error('The local stack was not ready in time');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function collectOutput(child: ChildProcess): Pick<Start, 'stdout' | 'stderr'> {
  const collect = (stream: ChildProcess['stdout']) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString('utf8');
  };
  return { stdout: collect(child.stdout), stderr: collect(child.stderr) };
}

/** Nothing that a developer has set for their own stack, or for AWS, takes part. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = /^(LATCHKEY_|AWS_|PORT$|NODE_ENV$|VITEST)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.test(name)));
}
