import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { describe, expect, it } from 'vitest';
import { codeOf, type Import, importsOf, readSources, type Source } from './sources.ts';

interface Rule {
  rule: string;
  /** The offences of one file; none where the rule is kept or does not concern it. */
  offences: (source: Source) => string[];
  broken: Source[];
  kept: Source[];
}

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));

const RULES: Rule[] = [
  {
    rule: 'lib/oauth imports nothing but lib/oauth',
    offences: (source) =>
      isIn(source.file, 'lib/oauth')
        ? targets(source, ({ target }) => !isIn(target, 'lib/oauth'))
        : [],
    broken: [
      { file: 'lib/oauth/a.ts', text: "import { createHash } from 'node:crypto';" },
      { file: 'lib/oauth/a.ts', text: "import type { A } from 'jose';" },
      { file: 'lib/oauth/grants/a.ts', text: "import {\n  now,\n} from '../../runtime/clock.ts';" },
      { file: 'lib/oauth/a.ts', text: "const load = () => import('../users/sign-in.ts');" },
    ],
    kept: [
      { file: 'lib/oauth/grants/a.ts', text: "import { b } from '../scope.ts';" },
      { file: 'lib/users/a.ts', text: "import { createHash } from 'node:crypto';" },
    ],
  },
  {
    rule: 'lib/oauth has no clock, no randomness and no environment of its own',
    offences: (source) =>
      isIn(source.file, 'lib/oauth')
        ? matches(
            source,
            /\bprocess\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bcrypto\.|\bperformance\./g,
          )
        : [],
    broken: [
      { file: 'lib/oauth/a.ts', text: 'const now = Date.now();' },
      { file: 'lib/oauth/a.ts', text: 'const now = new Date();' },
      { file: 'lib/oauth/a.ts', text: 'const id = globalThis.crypto.randomUUID();' },
      { file: 'lib/oauth/a.ts', text: 'const issuer = process.env.ISSUER;' },
    ],
    kept: [
      { file: 'lib/oauth/a.ts', text: '/** Never Date.now(). */\nconst at = new Date(now);' },
      { file: 'lib/runtime/clock.ts', text: 'const now = Date.now();' },
    ],
  },
  {
    rule: 'lib/aws does not know what clients are told: nothing of lib/oauth, nothing of lib/http',
    offences: (source) =>
      isIn(source.file, 'lib/aws')
        ? targets(source, ({ target }) => isIn(target, 'lib/oauth', 'lib/http'))
        : [],
    broken: [{ file: 'lib/aws/a.ts', text: "import { OAuthError } from '../oauth/errors.ts';" }],
    kept: [{ file: 'lib/aws/a.ts', text: "import { faultOf } from '../runtime/fault.ts';" }],
  },
  {
    rule: 'the AWS SDK is for lib/aws, the stores and what stands outside of lib',
    offences: (source) => {
      const { file } = source;
      const isAllowed = isIn(file, 'lib/aws') || file.endsWith('-store.ts') || !isIn(file, 'lib');
      return isAllowed ? [] : targets(source, ({ target }) => target.startsWith('@aws-sdk/'));
    },
    broken: [
      { file: 'lib/users/user.ts', text: "import type { A } from '@aws-sdk/client-dynamodb';" },
      { file: 'lib/gateway/a.ts', text: "await import('@aws-sdk/client-dynamodb');" },
    ],
    kept: [
      { file: 'lib/users/user-store.ts', text: "import { A } from '@aws-sdk/client-dynamodb';" },
      { file: 'local/a.ts', text: "import { A } from '@aws-sdk/client-dynamodb';" },
    ],
  },
  {
    rule: 'jose is for lib/jwt, lib/keys, lib/sealing, lib/signatures, the tests and the benchmarks',
    offences: (source) =>
      isIn(source.file, 'lib/jwt', 'lib/keys', 'lib/sealing', 'lib/signatures', 'test', 'bench')
        ? []
        : targets(source, ({ target }) => target === 'jose' || target.startsWith('jose/')),
    broken: [
      { file: 'lib/gateway/a.ts', text: "import { jwtVerify } from 'jose';" },
      { file: 'lib/endpoints/a.ts', text: "import { SignJWT } from 'jose/jwt/sign';" },
    ],
    kept: [{ file: 'lib/keys/a.ts', text: "import { importJWK } from 'jose';" }],
  },
  {
    rule: 'the environment is read by functions, the command line, the local stack, the deployment and tests',
    offences: (source) =>
      isIn(source.file, 'functions', 'cli', 'local', 'stack', 'bench', 'test')
        ? []
        : matches(source, /\bprocess\.env\b|\bfrom 'node:process'/g),
    broken: [
      { file: 'lib/runtime/log.ts', text: 'const level = process.env.LOG_LEVEL;' },
      { file: 'lib/runtime/log.ts', text: "import { env } from 'node:process';" },
    ],
    kept: [
      { file: 'lib/runtime/settings.ts', text: '/** As `process.env` has them. */' },
      { file: 'functions/a.ts', text: 'settingsOf(process.env);' },
    ],
  },
  {
    rule: 'the packages that lib and functions load are dependencies of production, or of Node itself',
    offences: (source) =>
      isIn(source.file, 'lib', 'functions')
        ? targets(
            source,
            ({ target, isRelative, isType }) => !isType && !isRelative && !isOfProduction(target),
          )
        : [],
    broken: [
      { file: 'lib/a.ts', text: "import { vi } from 'vitest';" },
      { file: 'lib/a.ts', text: "import dynalite from 'dynalite';" },
      { file: 'functions/a.ts', text: "import { parse } from 'yaml';" },
    ],
    kept: [
      { file: 'lib/a.ts', text: "import middy from '@middy/core';" },
      { file: 'lib/a.ts', text: "import { createHash } from 'node:crypto';" },
      { file: 'lib/a.ts', text: "import type { Context } from 'aws-lambda';" },
    ],
  },
  {
    rule: 'lib does nothing when it is imported: no client, no await, no timer at the top of a file',
    offences: (source) =>
      isIn(source.file, 'lib')
        ? matches(
            source,
            /^(?:export )?(?:const|let) [^\n]*= (?:await\b|new \w*Client\b)[^\n]*|^(?:await|setInterval|setTimeout|console)\b[^\n]*/gm,
          )
        : [],
    broken: [
      { file: 'lib/a.ts', text: 'const client = new DynamoDBClient({});' },
      { file: 'lib/a.ts', text: 'export const keys = await loadKeys();' },
      { file: 'lib/a.ts', text: 'setInterval(refresh, 1000);' },
    ],
    kept: [
      { file: 'lib/a.ts', text: 'function make() {\n  const client = new DynamoDBClient({});\n}' },
      { file: 'functions/a.ts', text: 'const client = new DynamoDBClient({});' },
    ],
  },
  {
    rule: 'lib exports by name',
    offences: (source) =>
      isIn(source.file, 'lib') ? matches(source, /^export default\b|\bas default\b/gm) : [],
    broken: [
      { file: 'lib/a.ts', text: 'export default function a() {}' },
      { file: 'lib/a.ts', text: 'export { a as default };' },
    ],
    kept: [{ file: 'lib/a.ts', text: 'export function a() {}' }],
  },
  {
    rule: 'lib exports only what it has itself: no barrels',
    offences: (source) =>
      isIn(source.file, 'lib') ? matches(source, /^export\b[^'";=()]*?\bfrom '[^']+'/gm) : [],
    broken: [
      { file: 'lib/a.ts', text: "export * from './b.ts';" },
      { file: 'lib/a.ts', text: "export {\n  b,\n} from './b.ts';" },
      { file: 'lib/a.ts', text: "export type { B } from './b.ts';" },
    ],
    kept: [{ file: 'lib/a.ts', text: "import { b } from './b.ts';\n\nexport const a = b;" }],
  },
  {
    rule: 'functions decide nothing: an if belongs in lib',
    offences: (source) =>
      isIn(source.file, 'functions')
        ? matches(source, /\b(?:if|switch|for|while)\s*\(|\s\?\s|\?\?|&&|\|\|/g)
        : [],
    broken: [
      { file: 'functions/a.ts', text: 'if (config.usersTable) users();' },
      { file: 'functions/a.ts', text: 'const a = b\n  ? c\n  : d;' },
      { file: 'functions/a.ts', text: "const a = process.env.A ?? 'b';" },
    ],
    kept: [
      { file: 'functions/a.ts', text: "// No if (here).\nimport type { A } from '../lib/a.ts';" },
      { file: 'lib/a.ts', text: 'const a = b ? c : d;' },
    ],
  },
];

const sources = readSources();

describe('the rules of the house', () => {
  it('are read against every file', () => {
    const folders = new Set(sources.map(({ file }) => file.split('/')[0]));
    expect([...folders]).toEqual(
      expect.arrayContaining(['functions', 'lib', 'local', 'stack', 'test']),
    );
  });

  it.each(RULES.map((rule) => [rule.rule, rule] as const))('%s', (_, { offences }) => {
    const found = sources.flatMap((source) =>
      offences(source).map((offence) => `${source.file}: ${offence}`),
    );
    expect(found).toEqual([]);
  });
});

describe('a file that breaks a rule is found out', () => {
  it.each(RULES.map((rule) => [rule.rule, rule] as const))(
    '%s',
    (_, { offences, broken, kept }) => {
      expect(broken.filter((source) => offences(source).length === 0)).toEqual([]);
      expect(kept.filter((source) => offences(source).length > 0)).toEqual([]);
    },
  );
});

function isIn(file: string, ...folders: string[]): boolean {
  return folders.some((folder) => file.startsWith(`${folder}/`));
}

function targets(source: Source, isOffence: (imported: Import) => boolean): string[] {
  return importsOf(source)
    .filter(isOffence)
    .map(({ target }) => target);
}

function matches(source: Source, pattern: RegExp): string[] {
  return [...codeOf(source).matchAll(pattern)].map(([match]) => match.trim());
}

function isOfProduction(target: string): boolean {
  const name = target.startsWith('@') ? target.split('/', 2).join('/') : target.split('/')[0];
  return target.startsWith('node:')
    ? builtinModules.includes(target.slice('node:'.length))
    : Object.hasOwn(dependencies, name ?? '');
}
