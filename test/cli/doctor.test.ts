import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestKey } from '../support/issuer.ts';
import { latchkey } from './harness.ts';
import { type Reply, serve, serveLatchkey } from './serve.ts';

interface Check {
  check: string;
  outcome: 'ok' | 'warn' | 'fail';
  reason: string;
}

/** Runs the doctor; its JSON, and the exit code beside it. */
async function doctor(...argv: string[]) {
  const { exitCode, stdout, stderr } = await latchkey(['doctor', '--json', ...argv]);
  const { checks = [], ...report } = JSON.parse(stdout);
  return { exitCode, stderr, report, checks: checks as Check[] };
}

function named(checks: readonly Check[], outcome: Check['outcome']): string[] {
  return checks.filter((one) => one.outcome === outcome).map(({ check }) => check);
}

let environment: NodeJS.ProcessEnv;
beforeEach(() => {
  environment = { ...process.env };
});
afterEach(() => {
  process.env = environment;
});

describe('of the functions themselves', () => {
  let server: Awaited<ReturnType<typeof serveLatchkey>>;
  beforeAll(async () => {
    server = await serveLatchkey();
    await server.createKeys();
  });
  afterAll(() => server.close());

  const secretId = 'latchkey/test/signing-keys';
  const describeSecret = () =>
    server.secretsManager.send(new DescribeSecretCommand({ SecretId: secretId }));

  it('finds nothing wrong but that nothing rotates the keys of the test', async () => {
    const { exitCode, checks, report, stderr } = await doctor(
      '--stage',
      'test',
      '--issuer',
      server.issuer,
    );
    expect(named(checks, 'fail')).toEqual(['rotation']);
    expect(report).toEqual({ issuer: server.issuer, healthy: false });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(named(checks, 'ok')).toEqual(
      expect.arrayContaining([
        'openid-configuration',
        'oauth-authorization-server',
        'jwks',
        'key ids',
        'public keys',
        'RS256 keys',
        'ES256 keys',
        'keys for IAM',
        'caching of /.well-known/openid-configuration',
        'caching of /.well-known/jwks.json',
        'clock',
        'token endpoint, GET',
        'token endpoint, empty POST',
        'signing-keys secret',
        'published halves',
      ]),
    );
    // http and a port are what a loopback address has.
    expect(named(checks, 'warn')).toEqual(expect.arrayContaining(['https', 'port']));
  });

  it('ends with exit code 0 and one line each, where the issuer alone is looked at', async () => {
    const { exitCode, stdout, stderr } = await latchkey(['doctor', '--issuer', server.issuer]);
    expect(exitCode).toBe(0);
    const [heading, ...lines] = stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^RESULT +CHECK +REASON$/);
    expect(lines.filter((line) => !/^(ok|warn) {2,}\S.* {2,}\S/.test(line))).toEqual([]);
    expect(lines.at(-1)).toMatch(/^warn .*name the stage of the issuer/);
    expect(stderr).toBe(`0 of ${lines.length} checks failed\n`);
  });

  it('shows no private half', async () => {
    const { stdout } = await latchkey(['doctor', '--stage', 'test', '--issuer', server.issuer]);
    expect(stdout).not.toMatch(/"d"|privateJwk/);
  });

  it('takes the issuer of --local from what npm start wrote down', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-doctor-'));
    const stackFile = join(folder, 'stack.json');
    await writeFile(
      stackFile,
      JSON.stringify({
        issuer: server.issuer,
        dynamodb_endpoint: server.environment.AWS_ENDPOINT_URL_DYNAMODB,
        secrets_manager_endpoint: server.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER,
      }),
    );
    process.env.LATCHKEY_STACK_FILE = stackFile;
    const { report, checks } = await doctor('--local');
    expect(report).toMatchObject({ issuer: server.issuer });
    // The functions are another stage's.
    expect(checks.at(-1)).toEqual({
      check: 'signing-keys secret',
      outcome: 'fail',
      reason: 'there is no secret latchkey/local/signing-keys',
    });
    await rm(folder, { recursive: true });
  });

  it('takes the issuer of a stage from the outputs of its stack', async () => {
    const cloudFormation = await serve(({ body }) =>
      new URLSearchParams(body).get('StackName') === 'latchkey-test'
        ? { status: 200, body: describeStacks(server.issuer) }
        : {
            status: 400,
            body: queryError('ValidationError', 'Stack with id latchkey-nil does not exist'),
          },
    );
    process.env.AWS_ENDPOINT_URL_CLOUDFORMATION = cloudFormation.origin;
    expect((await doctor('--stage', 'test')).report).toMatchObject({ issuer: server.issuer });
    expect(await latchkey(['doctor', '--stage', 'nil'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'error: there is no stack latchkey-nil in this region: name the issuer with --issuer, or another --stage\n',
    });
    await cloudFormation.close();
  });

  it('says so where the stack may not be looked at', async () => {
    const cloudFormation = await serve(() => ({
      status: 403,
      body: queryError('AccessDenied', 'not authorized'),
    }));
    process.env.AWS_ENDPOINT_URL_CLOUDFORMATION = cloudFormation.origin;
    expect(await latchkey(['doctor', '--stage', 'test'])).toMatchObject({
      exitCode: 1,
      stderr:
        'error: AWS does not let you look at the stack latchkey-test: name the issuer with --issuer\n',
    });
    await cloudFormation.close();
  });

  it('warns of a secret that it may not look at', async () => {
    const refusing = await serve(() => ({
      status: 400,
      body: JSON.stringify({ __type: 'AccessDeniedException', message: 'not for you' }),
    }));
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = refusing.origin;
    const { checks, exitCode } = await doctor('--stage', 'test', '--issuer', server.issuer);
    expect(exitCode).toBe(0);
    expect(checks.slice(-2)).toEqual([
      {
        check: 'signing-keys secret',
        outcome: 'warn',
        reason: 'not looked at: AWS refused it: not for you',
      },
      {
        check: 'published halves',
        outcome: 'warn',
        reason: 'not looked at: AWS refused it: not for you',
      },
    ]);
    await refusing.close();
  });

  it('fails for a version that is left AWSPENDING', async () => {
    const { VersionId } = await server.secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        SecretString: 'unfinished',
        VersionStages: ['AWSPENDING'],
      }),
    );
    const { checks } = await doctor('--stage', 'test', '--issuer', server.issuer);
    expect(checks.find(({ check }) => check === 'signing-keys secret')).toMatchObject({
      outcome: 'fail',
      reason: expect.stringContaining('AWSPENDING'),
    });
    await server.secretsManager.send(
      new UpdateSecretVersionStageCommand({
        SecretId: secretId,
        VersionStage: 'AWSPENDING',
        RemoveFromVersionId: VersionId,
      }),
    );
  });

  it('fails for keys that sign and are not published', async () => {
    const other = await serveOther(await keysOf('RS256', 'RS256', 'ES256', 'ES256'));
    const { checks } = await doctor('--stage', 'test', '--issuer', other.origin);
    expect(checks.find(({ check }) => check === 'published halves')).toMatchObject({
      outcome: 'fail',
      reason: expect.stringMatching(/^4 missing from the JWKS, as RS256 [\w-]{43}$/),
    });
    await other.close();
  });

  it.each([
    [{ RotationEnabled: true, NextRotationDate: 4e9 }, 'ok', 'next by 2096-10-02T07:06:40Z'],
    [
      { RotationEnabled: true, NextRotationDate: 1e9 },
      'fail',
      'it was due 2001-09-09T01:46:40Z and has not been done',
    ],
    [{ RotationEnabled: true }, 'fail', 'it is switched on, but has no next date'],
    [{ RotationEnabled: false }, 'fail', 'it is switched off: the keys stay as they are'],
  ])('tells of the rotation: %j is %s', async (rotation, outcome, reason) => {
    const { VersionIdsToStages } = await describeSecret();
    const described = await serve(({ headers }) =>
      headers['x-amz-target']?.endsWith('DescribeSecret')
        ? { status: 200, body: JSON.stringify({ VersionIdsToStages, ...rotation }) }
        : { status: 400, body: JSON.stringify({ __type: 'AccessDeniedException' }) },
    );
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = described.origin;
    const { checks } = await doctor('--stage', 'test', '--issuer', server.issuer);
    expect(checks.find(({ check }) => check === 'rotation')).toEqual({
      check: 'rotation',
      outcome,
      reason,
    });
    await described.close();
  });

  it('fails for a secret without a value', async () => {
    const described = await serve(({ headers }) =>
      headers['x-amz-target']?.endsWith('DescribeSecret')
        ? { status: 200, body: '{}' }
        : { status: 400, body: JSON.stringify({ __type: 'ResourceNotFoundException' }) },
    );
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = described.origin;
    const { checks } = await doctor('--stage', 'test', '--issuer', server.issuer);
    expect(checks.find(({ check }) => check === 'signing-keys secret')).toMatchObject({
      outcome: 'fail',
      reason: 'it has no value: `latchkey keys create` makes the first keys',
    });
    await described.close();
  });
});

/** What an issuer without a fault answers, by path, and changes to that. */
type Site = Record<string, Reply | undefined>;

interface Defect {
  name: string;
  /** The check that fails, and what it says. */
  check: string;
  reason: RegExp;
  spoil: (site: Site, origin: string, keys: Record<string, unknown>[]) => Site;
}

const CACHED = { 'cache-control': 'public, max-age=300', etag: '"1"' };
const OIDC = '/.well-known/openid-configuration';
const OAUTH = '/.well-known/oauth-authorization-server';
const JWKS = '/.well-known/jwks.json';
const GET_TOKEN = 'GET /oauth/token';
const POST_TOKEN = 'POST /oauth/token';

const json = (document: unknown, headers: Record<string, string> = CACHED): Reply => ({
  status: 200,
  headers,
  body: JSON.stringify(document),
});

function metadata(origin: string, changes: Record<string, unknown> = {}): Reply {
  return json({
    issuer: origin,
    jwks_uri: `${origin}${JWKS}`,
    token_endpoint: `${origin}/oauth/token`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    ...changes,
  });
}

function faultless(origin: string, keys: unknown[]): Site {
  return {
    [OIDC]: metadata(origin),
    [OAUTH]: metadata(origin),
    [JWKS]: json({ keys }),
    [GET_TOKEN]: { status: 405 },
    [POST_TOKEN]: {
      status: 400,
      headers: { 'cache-control': 'no-store' },
      body: '{"error":"invalid_request"}',
    },
  };
}

async function keysOf(...algorithms: string[]): Promise<Record<string, unknown>[]> {
  const keys = await Promise.all(algorithms.map(createTestKey));
  return keys.map(({ publicJwk }) => ({ ...publicJwk }));
}

async function serveOther(
  keys: Record<string, unknown>[],
  spoil: Defect['spoil'] = (site) => site,
) {
  let site: Site = {};
  const server = await serve(
    ({ method, path }) => site[path] ?? site[`${method} ${path}`] ?? { status: 404 },
  );
  site = spoil(faultless(server.origin, keys), server.origin, keys);
  return server;
}

const DEFECTS: Defect[] = [
  {
    name: 'no OpenID Connect metadata',
    check: 'openid-configuration',
    reason: /openid-configuration answered 404$/,
    spoil: (site) => ({ ...site, [OIDC]: undefined }),
  },
  {
    name: 'no RFC 8414 metadata',
    check: 'oauth-authorization-server',
    reason: /oauth-authorization-server answered 404$/,
    spoil: (site) => ({ ...site, [OAUTH]: undefined }),
  },
  {
    name: 'metadata behind a redirect',
    check: 'openid-configuration',
    reason: /answered 302$/,
    spoil: (site) => ({ ...site, [OIDC]: { status: 302, headers: { location: OAUTH } } }),
  },
  {
    name: 'metadata that is a page',
    check: 'openid-configuration',
    reason: /is not a JSON object$/,
    spoil: (site) => ({ ...site, [OIDC]: { status: 200, body: '<html>' } }),
  },
  {
    name: 'an issuer with a slash more',
    check: 'openid-configuration',
    reason: /^it says that the issuer is "http:\/\/127\.0\.0\.1:\d+\/"$/,
    spoil: (site, origin) => ({ ...site, [OIDC]: metadata(origin, { issuer: `${origin}/` }) }),
  },
  {
    name: 'metadata without what IAM demands',
    check: 'metadata fields',
    reason: /^subject_types_supported missing$/,
    spoil: (site, origin) => ({
      ...site,
      [OIDC]: metadata(origin, { subject_types_supported: undefined }),
    }),
  },
  {
    name: 'no jwks_uri',
    check: 'jwks',
    reason: /^there is no jwks_uri$/,
    spoil: (site, origin) => ({ ...site, [OIDC]: metadata(origin, { jwks_uri: undefined }) }),
  },
  {
    name: 'a jwks_uri that others can listen in on',
    check: 'jwks',
    reason: /^http:\/\/keys\.example\.com\/ is not https$/,
    spoil: (site, origin) => ({
      ...site,
      [OIDC]: metadata(origin, { jwks_uri: 'http://keys.example.com/' }),
    }),
  },
  {
    name: 'a JWKS that nothing serves',
    check: 'jwks',
    reason: /^http:\/\/127\.0\.0\.1:1\/: /,
    spoil: (site, origin) => ({
      ...site,
      [OIDC]: metadata(origin, { jwks_uri: 'http://127.0.0.1:1/' }),
    }),
  },
  {
    name: 'a JWKS that is an error',
    check: 'jwks',
    reason: /answered 503$/,
    spoil: (site) => ({ ...site, [JWKS]: { status: 503 } }),
  },
  {
    name: 'a JWKS that is none',
    check: 'jwks',
    reason: /is not a JWKS$/,
    spoil: (site) => ({ ...site, [JWKS]: json([]) }),
  },
  ...(['kid', 'use', 'alg'] as const).map(
    (member): Defect => ({
      name: `a key without ${member}`,
      check: 'key ids',
      reason: new RegExp(`has no ${member}`),
      spoil: (site, _, [first, ...others]) => ({
        ...site,
        [JWKS]: json({ keys: [{ ...first, [member]: undefined }, ...others] }),
      }),
    }),
  ),
  {
    name: 'two keys of one kid',
    check: 'key ids',
    reason: /^two keys have the kid /,
    spoil: (site, _, [first, ...others]) => ({
      ...site,
      [JWKS]: json({ keys: [first, first, ...others] }),
    }),
  },
  {
    name: 'a private member',
    check: 'public keys',
    reason: /^the key [\w-]+ shows its member "d"$/,
    spoil: (site, _, [first, ...others]) => ({
      ...site,
      [JWKS]: json({ keys: [{ ...first, d: 'very-private' }, ...others] }),
    }),
  },
  {
    name: 'no next RS256 key',
    check: 'RS256 keys',
    reason: /^1 of at least 2: /,
    spoil: (site, _, [, ...others]) => ({ ...site, [JWKS]: json({ keys: others }) }),
  },
  {
    name: 'no next ES256 key',
    check: 'ES256 keys',
    reason: /^1 of at least 2: /,
    spoil: (site, _, keys) => ({ ...site, [JWKS]: json({ keys: keys.slice(0, 3) }) }),
  },
  {
    name: 'no RS256 key for IAM',
    check: 'keys for IAM',
    reason: /^there is no RS256 key$/,
    spoil: (site, _, keys) => ({ ...site, [JWKS]: json({ keys: keys.slice(2) }) }),
  },
  {
    name: 'a key that IAM does not verify with',
    check: 'keys for IAM',
    reason: /^IAM does not verify "EdDSA"$/,
    spoil: (site, _, [first, ...others]) => ({
      ...site,
      [JWKS]: json({ keys: [{ ...first, kid: 'ed', alg: 'EdDSA' }, first, ...others] }),
    }),
  },
  {
    name: 'more keys than IAM reads',
    check: 'keys for IAM',
    reason: /^103 RSA keys, of which IAM takes 100$/,
    spoil: (site, _, [first, ...others]) => {
      const many = Array.from({ length: 102 }, (_, index) => ({ ...first, kid: `${index}` }));
      return { ...site, [JWKS]: json({ keys: [...many, ...others] }) };
    },
  },
  {
    name: 'a JWKS without Cache-Control',
    check: `caching of ${JWKS}`,
    reason: /^no Cache-Control with max-age/,
    spoil: (site, _, keys) => ({ ...site, [JWKS]: json({ keys }, { etag: '"1"' }) }),
  },
  {
    name: 'a JWKS without ETag',
    check: `caching of ${JWKS}`,
    reason: /^no ETag/,
    spoil: (site, _, keys) => ({
      ...site,
      [JWKS]: json({ keys }, { 'cache-control': 'max-age=300' }),
    }),
  },
  {
    name: 'a clock that is behind',
    check: 'clock',
    reason: /^the issuer is (89|90|91) s behind this machine$/,
    spoil: (site, origin) => ({
      ...site,
      [OIDC]: {
        ...metadata(origin),
        headers: { ...CACHED, date: new Date(Date.now() - 90_000).toUTCString() },
      },
    }),
  },
  {
    name: 'no token endpoint in the metadata',
    check: 'token endpoint',
    reason: /^the metadata has no token_endpoint$/,
    spoil: (site, origin) => ({ ...site, [OIDC]: metadata(origin, { token_endpoint: undefined }) }),
  },
  {
    name: 'a token endpoint that answers GET',
    check: 'token endpoint, GET',
    reason: /^answered 200, not 405$/,
    spoil: (site) => ({ ...site, [GET_TOKEN]: { status: 200 } }),
  },
  {
    name: 'a token endpoint that fails',
    check: 'token endpoint, empty POST',
    reason: /^answered 500, not 400 or 401$/,
    spoil: (site) => ({ ...site, [POST_TOKEN]: { status: 500 } }),
  },
  {
    name: 'errors that are pages',
    check: 'token endpoint, empty POST',
    reason: /^the answer has no error in JSON$/,
    spoil: (site) => ({ ...site, [POST_TOKEN]: { status: 400, body: '<html>' } }),
  },
  {
    name: 'errors that caches may keep',
    check: 'token endpoint, empty POST',
    reason: /^the answer may be stored$/,
    spoil: (site) => ({ ...site, [POST_TOKEN]: { status: 401, body: '{"error":"x"}' } }),
  },
];

describe('of an issuer made for the purpose', () => {
  let keys: Record<string, unknown>[];
  beforeAll(async () => {
    keys = await keysOf('RS256', 'RS256', 'ES256', 'ES256');
  });

  it('finds no fault where there is none', async () => {
    const server = await serveOther(keys);
    const { checks, exitCode } = await doctor('--issuer', server.origin);
    expect(named(checks, 'fail')).toEqual([]);
    expect(named(checks, 'warn')).toEqual(['https', 'port', 'signing-keys secret']);
    expect(exitCode).toBe(0);
    await server.close();
  });

  it.each(DEFECTS)('finds $name', async ({ check, reason, spoil }) => {
    const server = await serveOther(keys, spoil);
    const { checks, exitCode } = await doctor('--issuer', server.origin);
    const found = checks.find((one) => one.check === check);
    expect(found).toMatchObject({ outcome: 'fail', reason: expect.stringMatching(reason) });
    expect(exitCode).toBe(1);
    expect(JSON.stringify(checks)).not.toContain('very-private');
    await server.close();
  });

  it('warns of metadata that offers no id_token', async () => {
    const server = await serveOther(keys, (site, origin) => ({
      ...site,
      [OIDC]: metadata(origin, { response_types_supported: [] }),
    }));
    const { checks } = await doctor('--issuer', server.origin);
    expect(named(checks, 'warn')).toContain('metadata fields');
    await server.close();
  });

  it('finds the RFC 8414 metadata of an issuer with a path', async () => {
    const server = await serve(({ path }) => {
      const issuer = `${server.origin}/realms/prod`;
      const isThere = [`/realms/prod${OIDC}`, `${OAUTH}/realms/prod`].includes(path);
      return isThere ? metadata(server.origin, { issuer }) : { status: 404 };
    });
    const { checks } = await doctor('--issuer', `${server.origin}/realms/prod`);
    expect(named(checks, 'ok')).toEqual(
      expect.arrayContaining(['openid-configuration', 'oauth-authorization-server']),
    );
    await server.close();
  });

  it.each([
    ['auth.example.invalid', 'https', /is not a URL$/],
    ['http://127.0.0.2:1', 'https', /is not https$/],
    ['https://127.0.0.1:443', 'port', /has a port, which IAM does not take$/],
    ['https://127.0.0.1?stage=dev', 'port', /has a query or a fragment$/],
    ['https://127.0.0.1', 'openid-configuration', /: nothing listens there$/],
  ])('finds what is wrong with %s', async (issuer, check, reason) => {
    const { checks, exitCode } = await doctor('--issuer', issuer);
    expect(checks.find((one) => one.check === check)).toMatchObject({
      outcome: 'fail',
      reason: expect.stringMatching(reason),
    });
    expect(exitCode).toBe(1);
  });
});

function describeStacks(issuer: string): string {
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>latchkey-test</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs><member><OutputKey>Issuer</OutputKey><OutputValue>${issuer}</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}

function queryError(code: string, message: string): string {
  return `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
}
