import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readDefinitions } from '../../local/aws/definitions.ts';
import { startDynamoDB } from '../../local/aws/dynamodb.ts';
import { latchkey, local, ROOT, startTestStack, type TestStack } from './harness.ts';

let stack: TestStack;
let environment: NodeJS.ProcessEnv;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());
beforeEach(() => {
  environment = { ...process.env };
});
afterEach(() => {
  process.env = environment;
});

/** An AWS account at an endpoint, as the environment of an operator names it. */
function useAws(endpoint: string, settings: Record<string, string> = {}) {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) delete process.env[name];
  }
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'operator',
    AWS_SECRET_ACCESS_KEY: 'very-secret',
    ...settings,
  });
}

describe('the options that every command has', () => {
  it.each([
    ['--local', '--json', 'client', 'list'],
    ['client', '--local', 'list', '--json'],
    ['client', 'list', '--local', '--json'],
  ])('stand before or after the command: %s %s %s %s', async (...argv) => {
    expect(await latchkey(argv)).toEqual({ exitCode: 0, stdout: '[]\n', stderr: '' });
  });

  it('--local leaves nothing of an AWS account in the environment', async () => {
    useAws('http://127.0.0.1:9', { AWS_PROFILE: 'prod', AWS_SESSION_TOKEN: 'x' });
    await local(['client', 'list']);
    expect(process.env).toMatchObject({ AWS_ACCESS_KEY_ID: 'local' });
    expect(process.env).not.toHaveProperty('AWS_PROFILE');
    expect(process.env).not.toHaveProperty('AWS_SESSION_TOKEN');
  });

  it('--stage and --region choose one on AWS', async () => {
    const { tables } = await readDefinitions(join(ROOT, 'serverless.yml'), 'int');
    const dynamodb = await startDynamoDB({ tables });
    try {
      useAws(dynamodb.endpoint);
      const int = ['--stage', 'int', '--region', 'us-west-2'];
      expect(await latchkey([...int, 'resource-server', 'add', 'api'])).toMatchObject({
        exitCode: 0,
      });
      expect(process.env.AWS_REGION).toBe('us-west-2');
      expect((await latchkey(['resource-server', 'show', 'api', ...int])).exitCode).toBe(0);
      expect(await latchkey(['resource-server', 'show', 'api'])).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: 'error: there is no Latchkey in stage dev of region us-west-2: deploy it first\n',
      });
    } finally {
      await dynamodb.close();
    }
  });
});

describe('wrong usage is exit code 2', () => {
  it.each([
    { name: 'no command', argv: [], reason: 'a command is missing' },
    { name: 'half a command', argv: ['client'], reason: 'a command is missing' },
    {
      name: 'an unknown command',
      argv: ['clinet'],
      reason: "unknown command 'clinet' (Did you mean client?)",
    },
    {
      name: 'an unknown second half',
      argv: ['client', 'lst'],
      reason: "unknown command 'lst' (Did you mean list?)",
    },
    {
      name: 'an unknown option',
      argv: ['client', 'list', '--all=x'],
      reason: "unknown option '--all'",
    },
    {
      name: 'a missing argument',
      argv: ['client', 'show'],
      reason: "missing required argument 'id'",
    },
    {
      name: 'one argument too many',
      argv: ['keys', 'list', 'x'],
      reason:
        "too many arguments for 'list'. Expected 0 arguments but got 1 (an option takes one value: repeat it for more)",
    },
    {
      name: 'a stage and --local',
      argv: ['keys', 'list', '--local', '--stage', 'int'],
      reason: "option '--local' cannot be used with option '--stage <stage>'",
    },
    {
      name: 'a stage that is none',
      argv: ['keys', 'list', '--stage', 'a/b'],
      reason:
        "option '--stage <stage>' argument 'a/b' is invalid. Expected letters, digits and hyphens.",
    },
    {
      name: 'an option without its value',
      argv: ['keys', 'list', '--region'],
      reason: "option '--region <region>' argument missing",
    },
  ])('$name', async ({ argv, reason }) => {
    const text = await latchkey(argv);
    expect({ exitCode: text.exitCode, stdout: text.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(text.stderr.endsWith(`error: ${reason}\n`)).toBe(true);

    const json = await latchkey(['--json', ...argv]);
    expect(json.exitCode).toBe(2);
    expect(JSON.parse(json.stdout)).toEqual({ error: { reason } });
  });
});

describe('help', () => {
  it.each([
    [[]],
    ...['add', 'list', 'show', 'remove'].map((verb) => [['resource-server', verb]]),
    ...['add', 'list', 'show', 'disable', 'enable', 'remove'].map((verb) => [['client', verb]]),
    ...['add', 'list', 'show', 'set-password', 'remove'].map((verb) => [['user', verb]]),
    ...['create', 'list'].map((verb) => [['keys', verb]]),
  ])('of %j has an example and the options that every command has', async (argv) => {
    const { exitCode, stdout, stderr } = await latchkey([...argv, '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ${['latchkey', ...argv].join(' ')}`);
    expect(stdout).toMatch(/\nExample:\n {2}\$ .*npm run -s latchkey -- /);
    expect(stdout).toContain('--local');
  });
});

describe('a failure is exit code 1 and one line', () => {
  const listing = ['client', 'list'];

  it('in JSON as well', async () => {
    const { exitCode, stdout, stderr } = await latchkey([
      'client',
      'show',
      'nil',
      '--local',
      '--json',
    ]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: { reason: 'there is no client nil' } });
    expect(stderr).toBe('error: there is no client nil\n');
  });

  it('where npm start is not running', async () => {
    process.env.LATCHKEY_STACK_FILE = '/nowhere/stack.json';
    expect(await latchkey([...listing, '--local'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: `npm start` is not running: there is no /nowhere/stack.json\n',
    });
  });

  it.each([
    { name: 'is no JSON', content: '{' },
    { name: 'names no endpoints', content: '{}' },
  ])('where the file of npm start $name', async ({ content }) => {
    const file = `${stack.stackFile}.broken`;
    await writeFile(file, content);
    process.env.LATCHKEY_STACK_FILE = file;
    const { exitCode, stderr } = await latchkey([...listing, '--local']);
    await rm(file);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`error: ${file} is not what \`npm start\` writes: start it again\n`);
  });

  it('where npm start has ended without removing its file', async () => {
    const file = `${stack.stackFile}.stale`;
    const nowhere = 'http://127.0.0.1:9';
    await writeFile(
      file,
      JSON.stringify({ dynamodb_endpoint: nowhere, secrets_manager_endpoint: nowhere }),
    );
    process.env.LATCHKEY_STACK_FILE = file;
    const { exitCode, stderr } = await latchkey([...listing, '--local']);
    await rm(file);
    expect(exitCode).toBe(1);
    expect(stderr).toBe('error: `npm start` is not running: nothing answers where it did\n');
  });

  it('where there is no region', async () => {
    useAws(stack.dynamodbEndpoint);
    delete process.env.AWS_REGION;
    const { exitCode, stderr } = await latchkey(listing);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: no AWS region is configured: .*\n$/);
  });

  it('where there are no credentials', async () => {
    useAws(stack.dynamodbEndpoint);
    delete process.env.AWS_ACCESS_KEY_ID;
    const { exitCode, stderr } = await latchkey(listing);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: there are no AWS credentials to use: .*\n$/);
  });

  it('where the secret holds no keyset, of which nothing is shown', async () => {
    const server = await answering(200, { SecretString: '{"version":1,"keys":{"d":"canary"}}' });
    try {
      useAws(stack.dynamodbEndpoint, { AWS_ENDPOINT_URL_SECRETS_MANAGER: server.endpoint });
      const outcome = await latchkey(['keys', 'create', '--stage', 'local']);
      expect(outcome).toMatchObject({
        exitCode: 1,
        stderr: 'error: the signing-keys secret has no RS256 keys\n',
      });
    } finally {
      await server.close();
    }
  });

  it.each([
    { status: 400, type: 'UnrecognizedClientException', reason: /does not accept the credentials/ },
    { status: 400, type: 'InvalidSignatureException', reason: /does not accept the credentials/ },
    { status: 400, type: 'ExpiredTokenException', reason: /does not accept the credentials/ },
    { status: 400, type: 'AccessDeniedException', reason: /AWS refused it: canary line two/ },
    {
      status: 400,
      type: 'ResourceNotFoundException',
      reason: /no Latchkey in stage dev of region eu-central-1: deploy/,
    },
    {
      status: 400,
      type: 'ThrottlingException',
      reason: /DynamoDB of region eu-central-1 does not answer \(ThrottlingException\)/,
    },
    {
      status: 500,
      type: 'InternalServerError',
      reason: /DynamoDB of region eu-central-1 does not answer \(InternalServerError\)/,
    },
    {
      status: 400,
      type: 'ValidationException',
      reason: /failed unexpectedly: ValidationException: canary line two/,
    },
  ])('where AWS answers $type', async ({ status, type, reason }) => {
    const server = await answering(status, { __type: `aws#${type}`, message: 'canary\nline two' });
    try {
      useAws(server.endpoint);
      const { exitCode, stdout, stderr } = await latchkey(listing);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toMatch(reason);
      expect(stderr).toMatch(/^error: .+\n$/);
      expect(stderr).not.toMatch(/very-secret| at /);
    } finally {
      await server.close();
    }
  });
});

/** An AWS that has one answer to everything. */
async function answering(status: number, body: object) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
