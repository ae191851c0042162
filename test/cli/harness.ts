import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../cli/run.ts';
import { readDefinitions } from '../../local/aws/definitions.ts';
import { startDynamoDB } from '../../local/aws/dynamodb.ts';
import { createSecrets } from '../../local/aws/secrets.ts';
import {
  type SecretsManagerOptions,
  startSecretsManager,
} from '../../local/aws/secrets-manager/server.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command in this process, as `npm run -s latchkey -- …` would in its own. */
export async function latchkey(argv: readonly string[], stdin: string | Uint8Array = '') {
  const written = { stdout: '', stderr: '' };
  const collect = (stream: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[stream] += text;
    },
  });
  const exitCode = await run(argv, {
    stdin: (async function* () {
      // Byte by byte, so that no character arrives whole by chance.
      for (const byte of Buffer.from(stdin)) yield Uint8Array.of(byte);
    })(),
    stdout: collect('stdout'),
    stderr: collect('stderr'),
  });
  return { exitCode, ...written } satisfies Outcome;
}

/** The same with `--local`; what is refused is thrown. */
export async function local(argv: readonly string[], stdin?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await latchkey(['--local', ...argv], stdin);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return stdout;
}

export interface TestStack {
  stackFile: string;
  dynamodbEndpoint: string;
  secretsManagerEndpoint: string;
  close(): Promise<void>;
}

export interface TestStackOptions {
  issuer?: string;
  /** Stands for the functions that rotate secrets. */
  rotate?: SecretsManagerOptions['rotate'];
}

/** The stores of `npm start`, and the file that tells where they are. LATCHKEY_STACK_FILE names it from then on. */
export async function startTestStack({
  issuer = 'http://localhost:3000',
  rotate,
}: TestStackOptions = {}): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-cli-'));
  const { tables, secrets } = await readDefinitions(join(ROOT, 'serverless.yml'), 'local');
  const [dynamodb, secretsManager] = await Promise.all([
    startDynamoDB({ tables }),
    startSecretsManager({ ...(rotate && { rotate }) }),
  ]);
  await createSecrets(secretsManager.endpoint, secrets);
  const stackFile = join(folder, 'stack.json');
  await writeFile(
    stackFile,
    JSON.stringify({
      issuer,
      dynamodb_endpoint: dynamodb.endpoint,
      secrets_manager_endpoint: secretsManager.endpoint,
      demo: {},
    }),
  );
  process.env.LATCHKEY_STACK_FILE = stackFile;
  return {
    stackFile,
    dynamodbEndpoint: dynamodb.endpoint,
    secretsManagerEndpoint: secretsManager.endpoint,
    async close() {
      await Promise.all([dynamodb.close(), secretsManager.close()]);
      await rm(folder, { recursive: true });
    },
  };
}
