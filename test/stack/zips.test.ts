import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionsOf, type Packaged, packageStage, type Value } from './packaged.ts';
import { unzip } from './unzip.ts';

const KILOBYTE = 1024;

/** Where the SDK would look for credentials, did the environment not have them, as it does on Lambda. */
const OTHER_CREDENTIALS = ['http', 'ini', 'process', 'sso', 'web-identity'].map(
  (kind) => `@aws-sdk/credential-provider-${kind}`,
);

interface Expectation {
  name: string;
  /** Kilobytes of the zip: a cold start pays for each. */
  budget: number;
  bundlesSdk: boolean;
  /** What Lambda's runtime brings, where it is needed at all. */
  dynamicImports: string[];
  event: string;
  /** Part of the answer to the event where no AWS service can be reached. */
  answer: object;
}

const FUNCTIONS: Expectation[] = [
  {
    name: 'token',
    budget: 200,
    bundlesSdk: true,
    dynamicImports: OTHER_CREDENTIALS,
    event: 'token-client-credentials-json.json',
    answer: { statusCode: 503, headers: { 'Retry-After': '2' } },
  },
  {
    name: 'refresh',
    budget: 200,
    bundlesSdk: true,
    dynamicImports: OTHER_CREDENTIALS,
    event: 'refresh.json',
    answer: { statusCode: 401 },
  },
  {
    name: 'rotateSigningKey',
    budget: 200,
    bundlesSdk: true,
    dynamicImports: OTHER_CREDENTIALS,
    event: 'rotate-signing-key.json',
    answer: { error: 'Error' },
  },
  {
    name: 'clientResource',
    budget: 200,
    bundlesSdk: true,
    dynamicImports: OTHER_CREDENTIALS,
    event: 'client-resource-create.json',
    answer: { error: 'UndeliveredError' },
  },
  {
    name: 'rotateClientSecret',
    budget: 200,
    bundlesSdk: true,
    dynamicImports: OTHER_CREDENTIALS,
    event: 'rotate-client-secret.json',
    answer: { error: 'Error' },
  },
  {
    name: 'jwks',
    budget: 150,
    bundlesSdk: true,
    dynamicImports: OTHER_CREDENTIALS,
    event: 'jwks.json',
    answer: { statusCode: 503, headers: { 'Retry-After': '2' } },
  },
  {
    name: 'metadata',
    budget: 15,
    bundlesSdk: false,
    dynamicImports: [],
    event: 'openid-configuration.json',
    answer: { statusCode: 200, body: expect.stringContaining('"issuer":"https://ref-of-HttpApi.') },
  },
  {
    name: 'authorizer',
    budget: 25,
    bundlesSdk: false,
    dynamicImports: ['@aws-sdk/client-dynamodb', '@aws-sdk/util-dynamodb'],
    event: 'authorizer-http-2.0.json',
    answer: { isAuthorized: false },
  },
];

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1';

const SETTINGS = {
  LATCHKEY_TRUSTED_ISSUERS: '[{"issuer":"https://auth.example.com","audience":"demo"}]',
  LATCHKEY_ROUTE_SCOPES: 'GET /whoami: read:whoami',
};

let folder: string;
let packaged: Packaged;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-zips-'));
  packaged = await packageStage('int', join(folder, 'package'), SETTINGS);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(FUNCTIONS)('the zip of $name', ({ name, event, answer, ...expected }) => {
  const zip = () => readFile(packaged.zipOf(name));
  const bundle = `functions/${fileOf(name)}.mjs`;

  it(`has at most ${expected.budget} KB`, async () => {
    expect((await zip()).length).toBeLessThanOrEqual(expected.budget * KILOBYTE);
  });

  it('has one file, which is the one that Lambda is told to load', async () => {
    expect([...unzip(await zip()).keys()]).toEqual([bundle]);
    const { Handler } = functionsOf(packaged.template)[name]?.Properties ?? {};
    expect(Handler).toBe(`functions/${fileOf(name)}.handler`);
  });

  it('imports nothing that is not in it, in Node or in the runtime', async () => {
    const source = String(unzip(await zip()).get(bundle));
    const imports = importsOf(source);
    expect(imports.fixed.filter((specifier) => !isBuiltin(specifier))).toEqual([]);
    expect(imports.dynamic.filter((specifier) => !isBuiltin(specifier)).sort()).toEqual(
      expected.dynamicImports,
    );
  });

  it(
    expected.bundlesSdk ? 'brings its own AWS SDK' : 'has nothing of the AWS SDK in it',
    async () => {
      const source = String(unzip(await zip()).get(bundle));
      expect(/smithy|DynamoDB_20120810|middlewareStack/.test(source)).toBe(expected.bundlesSdk);
    },
  );

  it('runs alone in an empty folder', async () => {
    const task = join(folder, `task-${name}`);
    for (const [file, content] of unzip(await zip())) {
      await mkdir(dirname(join(task, file)), { recursive: true });
      await writeFile(join(task, file), content);
    }
    expect(await nodeModulesAbove(task)).toEqual([]);
    expect(await invoke(task, name, event)).toMatchObject(answer);
  });
});

/** Calls the handler as Lambda does: a process of its own, with the environment of the template and no other. */
async function invoke(task: string, name: string, event: string): Promise<unknown> {
  const { Environment } = functionsOf(packaged.template)[name]?.Properties ?? {};
  const { Variables = {} } = (Environment ?? {}) as Record<string, Record<string, Value>>;
  const program = `
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(task, `functions/${fileOf(name)}.mjs`)))});
    const { readFileSync, writeFileSync } = await import('node:fs');
    const event = JSON.parse(readFileSync(0, 'utf8'));
    const answer = await handler(event, {}).catch((error) => ({ error: error.name }));
    writeFileSync('answer.json', JSON.stringify(answer));`;
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: task,
    env: {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'none',
      AWS_SECRET_ACCESS_KEY: 'none',
      AWS_ENDPOINT_URL: NOWHERE,
      ...Object.fromEntries(
        Object.entries(Variables).map(([variable, value]) => [variable, textOf(value)]),
      ),
    },
  });
  running.child.stdin?.end(await readFile(join(import.meta.dirname, '../../events', event)));
  await running;
  return JSON.parse(await readFile(join(task, 'answer.json'), 'utf8'));
}

/** `rotateSigningKey` is in `rotate-signing-key`. */
function fileOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What CloudFormation would put in the place of a value. */
function textOf(value: Value): string {
  if (typeof value !== 'object') return String(value);
  const { 'Fn::Sub': template } = value as { 'Fn::Sub'?: string };
  if (template === undefined) throw new Error(`not a value of text: ${JSON.stringify(value)}`);
  return template.replace(/\$\{([\w:]+)\}/g, (_, name) => `ref-of-${name.replaceAll(':', '')}`);
}

/** The modules that a bundle names, whatever happens to the rest of its text. */
function importsOf(source: string): { fixed: string[]; dynamic: string[] } {
  const specifiers = (pattern: RegExp) =>
    [...source.matchAll(pattern)].map(([, specifier = '']) => specifier);
  return {
    fixed: specifiers(/(?:^|[;}\s])(?:import|export)\b[^;"'()]*?["']([^"']+)["']/g),
    dynamic: [...new Set(specifiers(/\bimport\(\s*["']([^"']+)["']/g))],
  };
}

async function nodeModulesAbove(path: string): Promise<string[]> {
  const candidate = join(path, 'node_modules');
  const found = await access(candidate).then(
    () => [candidate],
    () => [],
  );
  return dirname(path) === path ? found : [...found, ...(await nodeModulesAbove(dirname(path)))];
}
