import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findOnPath, startMoto } from '../support/moto.ts';
import { latchkey, ROOT } from './harness.ts';
import { type Reply, serve, serveLatchkey } from './serve.ts';

const ROLE = 'arn:aws:iam::123456789012:role/importer';
const PASSWORD = 'correct horse battery staple';
const SERVICE = ['--client', 'importer'];
const PERSON = ['--username', 'ada', '--programmatic-client', 'sdk'];

let server: Awaited<ReturnType<typeof serveLatchkey>>;
let clientSecret: string;
let environment: NodeJS.ProcessEnv;
beforeAll(async () => {
  server = await serveLatchkey();
  await server.createKeys();
  const audience = await server.addResourceServer({
    identifier: 'sts.amazonaws.com',
    scopes: { assume: 'Take on a role' },
    tokenType: 'JWT',
  });
  const other = await server.addResourceServer({ identifier: 'other', scopes: { read: 'Read' } });
  const importer = await server.addClient({
    name: 'Importer',
    clientId: 'importer',
    grantTypes: ['client_credentials'],
    audiences: [audience],
  });
  clientSecret = importer.clientSecret;
  const several = await server.addClient({
    name: 'Several',
    clientId: 'several',
    grantTypes: ['client_credentials'],
    audiences: [audience, other],
  });
  await server.addClient({
    name: 'SDK',
    clientId: 'sdk',
    grantTypes: ['password'],
    audiences: [audience],
    isPublic: true,
  });
  await server.addUser({
    username: 'ada',
    password: PASSWORD,
    permissions: ['assume'],
    roles: [],
    claims: {},
  });
  const common = { cognito_domain: server.issuer, userpool_id: 'latchkey-test', aws_region: 'x' };
  for (const [id, secret] of Object.entries({
    importer: {
      flow: 'client_credentials',
      client_id: 'importer',
      client_secret: clientSecret,
      scope: 'assume',
    },
    several: {
      flow: 'client_credentials',
      client_id: 'several',
      client_secret: several.clientSecret,
      scope: 'read',
    },
    forgotten: {
      flow: 'client_credentials',
      client_id: 'importer',
      client_secret: 'old',
      scope: 'assume',
    },
    sdk: { flow: 'user_password', client_id: 'sdk' },
  })) {
    await server.secretsManager.send(
      new CreateSecretCommand({
        Name: `latchkey-test/${id}`,
        SecretString: JSON.stringify({ ...common, ...secret }),
      }),
    );
  }
  await server.secretsManager.send(
    new CreateSecretCommand({ Name: 'latchkey-test/odd', SecretString: 'an odd value' }),
  );
});
afterAll(() => server.close());
beforeEach(() => {
  environment = { ...process.env };
});
afterEach(() => {
  process.env = environment;
});

function awsCredentials(argv: readonly string[], stdin?: string) {
  return latchkey(['aws-credentials', '--stage', 'test', '--role-arn', ROLE, ...argv], stdin);
}

/** What STS answered, with the ids of an example. */
const RECORDED = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>importer</Audience>
    <AssumedRoleUser>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:importer</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/importer/importer</Arn>
    </AssumedRoleUser>
    <Provider>arn:aws:iam::123456789012:oidc-provider/auth.example.com</Provider>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLEEXAMPLE</AccessKeyId>
      <SecretAccessKey>example-secret-access-key</SecretAccessKey>
      <SessionToken>example-session-token</SessionToken>
      <Expiration>2026-11-22T09:00:00Z</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>importer</SubjectFromWebIdentityToken>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`;

const PRINTED = `${JSON.stringify({
  Version: 1,
  AccessKeyId: 'ASIAEXAMPLEEXAMPLE',
  SecretAccessKey: 'example-secret-access-key',
  SessionToken: 'example-session-token',
  Expiration: '2026-11-22T09:00:00.000Z',
})}\n`;

/** Stands in for STS for one test, and remembers what it was asked. */
async function standInForSts(reply: (token: string) => Reply) {
  const requests: { headers: Record<string, string>; parameters: Record<string, string> }[] = [];
  const sts = await serve(({ headers, body }) => {
    const parameters = Object.fromEntries(new URLSearchParams(body));
    requests.push({ headers, parameters });
    return reply(parameters.WebIdentityToken ?? '');
  });
  process.env.AWS_ENDPOINT_URL_STS = sts.origin;
  return { requests, close: sts.close };
}

describe('with what STS has answered once', () => {
  let sts: Awaited<ReturnType<typeof standInForSts>>;
  beforeEach(async () => {
    sts = await standInForSts(() => ({ status: 200, body: RECORDED }));
  });
  afterEach(() => sts.close());

  it.each([
    { who: 'a service client', argv: SERVICE },
    { who: 'a person, through the secret of the client', argv: [...PERSON, '--password-stdin'] },
    {
      who: 'a person whose password is in the environment',
      argv: [...PERSON, '--password-env', 'ADA'],
    },
  ])('prints the credentials of $who and nothing else', async ({ argv }) => {
    process.env.ADA = PASSWORD;
    expect(await awsCredentials(argv, `${PASSWORD}\n`)).toEqual({
      exitCode: 0,
      stdout: PRINTED,
      stderr: '',
    });
    expect(process.env).not.toHaveProperty('LATCHKEY_CREDENTIAL_PROCESS');
  });

  it('exchanges a token of the client, without a signature', async () => {
    await awsCredentials(SERVICE);
    const [{ headers, parameters }] = sts.requests as [(typeof sts.requests)[0]];
    const { WebIdentityToken = '', ...others } = parameters;
    expect(others).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: ROLE,
      RoleSessionName: 'importer',
    });
    expect(decodeJwt(WebIdentityToken)).toMatchObject({
      iss: server.issuer,
      sub: 'importer',
      aud: 'sts.amazonaws.com',
      azp: 'importer',
    });
    expect(headers).not.toHaveProperty('authorization');
  });

  it('names the session, its length and the API as it is told', async () => {
    const options = [
      '--duration',
      '900',
      '--session-name',
      'me@work',
      '--audience',
      'sts.amazonaws.com',
    ];
    expect(await awsCredentials(['--client', 'several', ...options])).toMatchObject({
      exitCode: 0,
    });
    const [{ parameters }] = sts.requests as [(typeof sts.requests)[0]];
    expect(parameters).toMatchObject({ DurationSeconds: '900', RoleSessionName: 'me@work' });
    expect(decodeJwt(parameters.WebIdentityToken ?? '').aud).toBe('sts.amazonaws.com');
  });

  it('makes a session name of whatever the person is called', async () => {
    await server.addUser({
      username: 'ünï/grâce hopper',
      password: PASSWORD,
      permissions: ['assume'],
      roles: [],
      claims: {},
    });
    const person = ['--username', 'ünï/grâce hopper', '--programmatic-client', 'sdk'];
    expect(await awsCredentials([...person, '--password-stdin'], PASSWORD)).toMatchObject({
      exitCode: 0,
    });
    expect(sts.requests[0]?.parameters.RoleSessionName).toBe('-n--gr-ce-hopper');
  });

  it('needs nothing of AWS for a person, where the issuer is named', async () => {
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = 'http://127.0.0.1:1';
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
    const argv = [...PERSON, '--issuer', server.issuer, '--password-stdin'];
    expect(await awsCredentials(argv, PASSWORD)).toEqual({
      exitCode: 0,
      stdout: PRINTED,
      stderr: '',
    });
  });

  it.each([
    {
      name: 'no such secret',
      argv: ['--client', 'nobody'],
      reason: 'there is no secret latchkey-test/nobody: `client add-service` makes one',
    },
    {
      name: 'a secret of another kind',
      argv: ['--client', 'odd'],
      reason: 'the secret latchkey-test/odd is not one that `client add-service` made',
    },
    {
      name: 'a programmatic client where a service is wanted',
      argv: ['--client', 'sdk'],
      reason: 'the secret latchkey-test/sdk is not one that `client add-service` made',
    },
    {
      name: 'a client whose secret is no longer',
      argv: ['--client', 'forgotten'],
      reason: /^\S+\/oauth2\/token gave no token: invalid_client: .+$/,
    },
    {
      name: 'a client of several APIs',
      argv: ['--client', 'several'],
      reason: /^\S+ gave no token: invalid_target: The request must name an audience$/,
    },
    {
      name: 'a wrong password',
      argv: [...PERSON, '--password-stdin'],
      stdin: 'guess',
      reason: /^\S+ gave no token: invalid_grant: The username or password is wrong$/,
    },
    {
      name: 'no password in the environment',
      argv: [...PERSON, '--password-env', 'NOT_THERE'],
      reason: 'there is no password in NOT_THERE',
    },
    {
      name: 'an issuer that would be told the password in the clear',
      argv: [...PERSON, '--issuer', 'http://192.0.2.1', '--password-stdin'],
      stdin: PASSWORD,
      reason:
        'http://192.0.2.1 is not https: credentials are sent without it to this very machine alone',
    },
    {
      name: 'an issuer that does not answer',
      argv: [...PERSON, '--issuer', 'http://127.0.0.1:1', '--password-stdin'],
      stdin: PASSWORD,
      reason: /^http:\/\/127\.0\.0\.1:1\/oauth2\/token does not answer \(/,
    },
  ])('says in one line what is wrong: $name', async ({ argv, stdin, reason }) => {
    const { exitCode, stdout, stderr } = await awsCredentials(argv, stdin);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .+\n$/);
    const said = stderr.slice('error: '.length, -1);
    if (typeof reason === 'string') expect(said).toBe(reason);
    else expect(said).toMatch(reason);
    expect(sts.requests).toEqual([]);
  });

  it('does not start itself for its own credentials', async () => {
    process.env.LATCHKEY_CREDENTIAL_PROCESS = '1';
    expect(await awsCredentials(SERVICE)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'error: the credentials to read the secret with are to come from this very command: set another AWS_PROFILE for it\n',
    });
  });
});

describe('where STS refuses', () => {
  const VERIFICATION_KEY =
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements";

  it.each([
    ['ExpiredTokenException', 'Token expired: current date', /^STS takes the token for expired/],
    ['InvalidIdentityToken', VERIFICATION_KEY, /^STS cannot read the issuer's metadata and keys/],
    ['InvalidIdentityToken', 'Incorrect token audience', /^the token's client is not in the list/],
    ['InvalidIdentityToken', 'Missing a required claim: aud', /^the token lacks a claim/],
    [
      'InvalidIdentityToken',
      'No OpenIDConnect provider found in your account for https://auth.example.com',
      /^the role's account has no IAM OIDC provider/,
    ],
    ['InvalidIdentityToken', 'The ID Token provided is not a valid JWT', /^STS does not accept/],
    [
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      /^the role does not trust the token/,
    ],
    ['IDPCommunicationError', 'The IdP could not be reached', /^STS could not reach the issuer/],
    ['IDPRejectedClaim', 'The IdP reported an error', /^STS says that the issuer has rejected/],
    ['RegionDisabledException', 'STS is not activated', /^STS is switched off in this region/],
    [
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      /^the role does not last that long/,
    ],
    ['PackedPolicyTooLarge', 'Too large', /^STS refused it/],
  ])('%s (%s) becomes plain words', async (code, message, words) => {
    const sts = await standInForSts((token) => ({
      status: code === 'AccessDenied' ? 403 : 400,
      body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message} ${token}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
    }));
    const { exitCode, stdout, stderr } = await awsCredentials(SERVICE);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr.slice('error: '.length)).toMatch(words);
    expect(stderr).toMatch(/^.+ \(\w+: .+ \[token\]\)\n$/);
    expect(stderr).not.toMatch(/eyJ/);
    await sts.close();
  });

  it('says so where nothing answers', async () => {
    process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:1';
    expect(await awsCredentials(SERVICE)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: STS does not answer (ECONNREFUSED)\n',
    });
  });

  it('says so where the answer has no credentials', async () => {
    const sts = await standInForSts(() => ({
      status: 200,
      body: '<AssumeRoleWithWebIdentityResponse/>',
    }));
    expect(await awsCredentials(SERVICE)).toMatchObject({
      exitCode: 1,
      stderr: 'error: STS answered without credentials\n',
    });
    await sts.close();
  });
});

describe('the command line', () => {
  it.each([
    [[], /either --client or --username is required/],
    [['--username', 'ada', '--password-stdin'], /needs --programmatic-client/],
    [PERSON, /--username needs --password-stdin or --password-env/],
    [[...PERSON, '--password-stdin', '--password-env', 'ADA'], /cannot be used with/],
    [[...SERVICE, ...PERSON, '--password-stdin'], /cannot be used with/],
    [[...SERVICE, '--duration', '899'], /Expected 900 to 43200 seconds/],
    [[...SERVICE, '--duration', '1h'], /Expected 900 to 43200 seconds/],
    [[...SERVICE, '--session-name', 'a b'], /Expected 2 to 64 letters/],
    [[...SERVICE, '--role-arn', 'importer'], /Expected a role's ARN/],
  ])('refuses %j', async (argv, reason) => {
    const { exitCode, stdout, stderr } = await awsCredentials(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(reason);
  });

  it('needs an STS that is named where it works on the local stack', async () => {
    delete process.env.AWS_ENDPOINT_URL_STS;
    const argv = ['aws-credentials', '--local', '--role-arn', ROLE, ...SERVICE];
    expect(await latchkey(argv)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: the local stack has no STS: name one in AWS_ENDPOINT_URL_STS\n',
    });
  });
});

const motoServer = findOnPath('moto_server');
const aws = findOnPath('aws');

describe.skipIf(motoServer === undefined)(
  `with moto's STS${motoServer === undefined ? ' (skipped: no moto_server on the PATH)' : ''}`,
  () => {
    let moto: Awaited<ReturnType<typeof startMoto>>;
    beforeAll(async () => {
      moto = await startMoto(motoServer ?? '');
    });
    afterAll(() => moto.close());

    it.each([
      { argv: SERVICE, stdin: '' },
      { argv: [...PERSON, '--password-stdin'], stdin: PASSWORD },
    ])('prints credentials: %j', async ({ argv, stdin }) => {
      process.env.AWS_ENDPOINT_URL_STS = moto.endpoint;
      const { exitCode, stdout, stderr } = await awsCredentials(argv, stdin);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const { Expiration, ...credentials } = JSON.parse(stdout);
      expect(credentials).toEqual({
        Version: 1,
        AccessKeyId: expect.stringMatching(/^ASIA/),
        SecretAccessKey: expect.stringMatching(/./),
        SessionToken: expect.stringMatching(/./),
      });
      expect(Date.parse(Expiration)).toBeGreaterThan(Date.now());
    });

    it.skipIf(aws === undefined)(
      'is a credential_process of the AWS CLI (skipped where aws is not on the PATH)',
      { timeout: 60_000 },
      async () => {
        const folder = await mkdtemp(join(tmpdir(), 'latchkey-aws-'));
        const command = [process.execPath, join(ROOT, 'cli', 'latchkey.ts')];
        const argv = ['--stage', 'test', 'aws-credentials', '--role-arn', ROLE, ...SERVICE];
        const config = [
          '[profile importer]',
          'region = us-east-1',
          `credential_process = ${[...command, ...argv].join(' ')}`,
        ];
        await writeFile(join(folder, 'config'), `${config.join('\n')}\n`);
        const { stdout } = await promisify(execFile)(
          aws ?? '',
          [
            '--profile',
            'importer',
            '--endpoint-url',
            moto.endpoint,
            '--output',
            'json',
            'sts',
            'get-caller-identity',
          ],
          {
            env: {
              ...process.env,
              AWS_CONFIG_FILE: join(folder, 'config'),
              AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
              AWS_ENDPOINT_URL_STS: moto.endpoint,
            },
          },
        );
        expect(JSON.parse(stdout)).toMatchObject({
          Account: '123456789012',
          Arn: 'arn:aws:sts::123456789012:assumed-role/importer/importer',
        });
        await rm(folder, { recursive: true });
      },
    );
  },
);
