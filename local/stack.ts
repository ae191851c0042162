import { type ChildProcess, fork } from 'node:child_process';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { LOCAL_CREDENTIALS_ENVIRONMENT } from './aws/credentials.ts';
import { readDefinitions } from './aws/definitions.ts';
import { startDynamoDB } from './aws/dynamodb.ts';
import { createRotate, scheduleRotations } from './aws/rotations.ts';
import { createSecrets } from './aws/secrets.ts';
import { startSecretsManager } from './aws/secrets-manager/server.ts';
import { createDemo, type Demo } from './demo/parties.ts';

/** A start that cannot be, in one line for whoever started it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface StackOptions {
  port: string;
  /** Where the state is kept across restarts; in memory where left out. */
  dataFolder: string | undefined;
  /** Where the endpoints and the demo credentials are written for the command line. */
  stackFile: string;
  /** Ends the start early. */
  interrupted: Promise<void>;
}

export interface Stack {
  issuer: string;
  demo: Demo;
  /** Rejects with a `StartError` when a part of the stack ends by itself. */
  failed: Promise<never>;
  close(): Promise<void>;
}

const STAGE = 'local';
const SERVICE_ROOT = join(import.meta.dirname, '..');
/** Milliseconds between two looks at whose rotation is due. */
const ROTATION_INTERVAL = 60_000;
/** Milliseconds until the functions must answer. */
const START_TIMEOUT = 120_000;
/** Milliseconds that the functions are given to end before they are ended. */
const STOP_TIMEOUT = 5_000;

/**
 * Starts what Latchkey needs of AWS, embedded, and its functions behind serverless-offline.
 *
 * @throws {StartError} for a taken port, a folder that cannot be written, functions that do not come up
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const port = await freePort(options.port);
  const { dataFolder } = options;
  const definitions = await readDefinitions(join(SERVICE_ROOT, 'serverless.yml'), STAGE);

  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    if (dataFolder !== undefined) closing.push(await occupy(dataFolder));
    await prepareFile(options.stackFile);
    const dynamodb = await startDynamoDB({
      ...(dataFolder && { path: join(dataFolder, 'dynamodb') }),
      tables: definitions.tables,
    }).catch((error: unknown) => {
      throw new StartError(`The tables cannot be opened: ${reasonOf(error)}`);
    });
    closing.push(dynamodb.close);
    const { promise: lambdaEndpoint, resolve: functionsAreUp } = Promise.withResolvers<string>();
    const secretsManager = await startSecretsManager({
      rotate: createRotate(lambdaEndpoint),
      ...(dataFolder && { file: join(dataFolder, 'secrets-manager.json') }),
    }).catch((error: unknown) => {
      throw new StartError(`The secrets cannot be opened: ${reasonOf(error)}`);
    });
    closing.push(secretsManager.close);
    await createSecrets(secretsManager.endpoint, definitions.secrets);
    const demo = await createDemo({
      dynamodbEndpoint: dynamodb.endpoint,
      secretsManagerEndpoint: secretsManager.endpoint,
      tablePrefix: `latchkey-${STAGE}`,
      signingKeysSecret: `latchkey/${STAGE}/signing-keys`,
      file: dataFolder && join(dataFolder, 'demo.json'),
    });

    const issuer = `http://localhost:${port}`;
    const functions = await startFunctions(port, issuer, options.interrupted, {
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
    });
    closing.push(functions.close);
    functionsAreUp(functions.lambdaEndpoint);
    await scheduleRotations(secretsManager.endpoint, definitions.rotations);
    const rotations = setInterval(() => void secretsManager.runDueRotations(), ROTATION_INTERVAL);
    closing.push(async () => clearInterval(rotations));
    await writeStackFile(options.stackFile, {
      issuer,
      dynamodb_endpoint: dynamodb.endpoint,
      secrets_manager_endpoint: secretsManager.endpoint,
      demo,
    });
    closing.push(() => removeStackFile(options.stackFile, issuer));
    return { issuer, demo, failed: functions.failed, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function freePort(text: string): Promise<number> {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StartError(`PORT must be a number from 1 to 65535, not "${text}"`);
  }
  // Whoever asks for localhost may get either.
  for (const host of ['127.0.0.1', '::1']) await assertFree(port, host);
  return port;
}

async function assertFree(port: number, host: string): Promise<void> {
  try {
    await listen(port, host);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return;
    throw new StartError(
      code === 'EADDRINUSE'
        ? `Port ${port} is taken: name another one, as in PORT=${port + 1} npm start`
        : `Port ${port} cannot be used: ${reasonOf(error)}`,
    );
  }
}

/** Listens for a moment; 0 takes any free port. The port that was free. */
function listen(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? port) : port));
    });
  });
}

/**
 * Makes the folder this stack's own, by a file that names its process.
 *
 * @returns what gives it free again
 */
async function occupy(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'process');
  try {
    await mkdir(folder, { recursive: true });
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (!isRunning(holder)) await rm(file, { force: true });
    await writeFile(file, String(process.pid), { flag: 'wx' });
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new StartError(
      `The folder ${folder} (LATCHKEY_DATA) ${isTaken ? 'is in use' : 'cannot be written'}`,
    );
  }
  return () => rm(file, { force: true });
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function startFunctions(
  port: number,
  issuer: string,
  interrupted: Promise<void>,
  endpoints: Record<string, string>,
) {
  const lambdaPort = await listen(0, '127.0.0.1');
  const workFolder = join('.local', `functions-${process.pid}`);
  const child = fork(join(import.meta.dirname, 'functions.mjs'), ['offline', '--stage', STAGE], {
    cwd: SERVICE_ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      ...LOCAL_CREDENTIALS_ENVIRONMENT,
      ...endpoints,
      PORT: String(port),
      LATCHKEY_LAMBDA_PORT: String(lambdaPort),
      LATCHKEY_ISSUER: issuer,
      LATCHKEY_WORK_FOLDER: workFolder,
    },
  });
  const output = collectOutput(child);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
    await ended;
    clearTimeout(timer);
    await rm(join(SERVICE_ROOT, workFolder), { recursive: true, force: true });
  };
  const failed = ended.then((): never => {
    throw new StartError(`The functions ended:\n${output.text()}`);
  });
  failed.catch(() => undefined);
  const stopped = interrupted.then(() => {
    throw new StartError('Stopped before it was ready');
  });
  stopped.catch(() => undefined);
  const givenUp = new AbortController();
  try {
    const answers = answering(`http://127.0.0.1:${port}`, givenUp.signal);
    await Promise.race([answers, failed, stopped]);
  } catch (error) {
    await close();
    throw error;
  } finally {
    givenUp.abort();
  }
  output.passOn();
  return { failed, close, lambdaEndpoint: `http://127.0.0.1:${lambdaPort}` };
}

/** Keeps what the functions print while they start, and passes on what they print from then on. */
function collectOutput(child: ChildProcess) {
  const chunks: string[] = [];
  let isPassing = false;
  for (const [source, target] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    source?.on('data', (chunk: Buffer) => {
      if (isPassing) target.write(chunk);
      else chunks.push(chunk.toString());
    });
  }
  return {
    text: () => chunks.join('').trim(),
    passOn: () => {
      isPassing = true;
    },
  };
}

async function answering(origin: string, givenUp: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT;
  while (Date.now() < deadline && !givenUp.aborted) {
    const response = await fetch(`${origin}/.well-known/openid-configuration`).catch(
      () => undefined,
    );
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new StartError(`The functions did not answer within ${START_TIMEOUT / 1000} seconds`);
}

/** Finds out whether the file can be written before anything else is started. */
async function prepareFile(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw new StartError(`The file ${file} cannot be written: ${reasonOf(error)}`);
  }
}

async function writeStackFile(file: string, content: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
}

/** Removes the file, unless another stack has written its own there since. */
async function removeStackFile(file: string, issuer: string): Promise<void> {
  const content = await readFile(file, 'utf8').catch(() => '');
  if (content.includes(`"${issuer}"`)) await rm(file, { force: true });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error);
}
