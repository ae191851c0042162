import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDB } from '../../lib/aws/dynamodb.ts';
import { createSecretsManager } from '../../lib/aws/secrets-manager.ts';
import { hashClientSecret, verifyClientSecret } from '../../lib/clients/client-secret.ts';
import { createClientStore } from '../../lib/clients/client-store.ts';
import { latchkey, local, startTestStack, type TestStack } from './harness.ts';
import { serve } from './serve.ts';

const AUDIENCE = 'registry-server';
const REGISTER = `${AUDIENCE}/stac:register`;
const CANCEL = `${AUDIENCE}/stac:cancel`;

let stack: TestStack;
let front: Awaited<ReturnType<typeof serve>>;
let secretsManager: SecretsManagerClient;
/** What the token endpoint answers, and the forms that it got of clients that it knows. */
let reply: { status: number; body: string };
const forms: string[] = [];
const rotations: { step: string; functionArn: string }[] = [];

beforeAll(async () => {
  front = await serve(async ({ path, headers, body }) => {
    const [, pair = ''] = `${headers.authorization}`.split(' ');
    const [id = '', secret = ''] = Buffer.from(pair, 'base64').toString().split(':');
    if (path !== '/oauth2/token' || !verifyClientSecret(await stored(id), secret, 0)) {
      return { status: 401, body: '{"error":"invalid_client","error_description":"Failed"}' };
    }
    forms.push(body);
    return reply;
  });
  reply = {
    status: 200,
    body: '{"access_token":"abc","token_type":"Bearer","expires_in":3600}',
  };
  stack = await startTestStack({
    issuer: front.origin,
    rotate: async ({ event, functionArn }) => {
      rotations.push({ step: event.Step, functionArn });
    },
  });
  await local([
    ...['resource-server', 'add', 'registry', '--prefixed-scopes', '--no-audience-claim'],
    ...['--scope', 'stac:register=Register', '--scope', 'stac:cancel=Cancel'],
  ]);
  secretsManager = createSecretsManager();
});
afterAll(async () => {
  secretsManager.destroy();
  await front.close();
  await stack.close();
});

/** The endpoint is in the environment since the first `--local`. */
async function stored(clientId: string) {
  const dynamodb = createDynamoDB();
  try {
    return await createClientStore(dynamodb, 'latchkey-local-clients').find(clientId);
  } finally {
    dynamodb.destroy();
  }
}

async function secret(id: string) {
  const command = new GetSecretValueCommand({ SecretId: `latchkey-local/${id}` });
  return JSON.parse((await secretsManager.send(command)).SecretString ?? '');
}

const describeSecret = (id: string) =>
  secretsManager.send(new DescribeSecretCommand({ SecretId: `latchkey-local/${id}` }));
const addService = (id: string, ...options: string[]) =>
  latchkey(['--local', 'client', 'add-service', id, '--audience', AUDIENCE, ...options]);

describe('client add-service', () => {
  it('makes the client and its secret, puts that on rotation, and never shows it', async () => {
    const { exitCode, stdout, stderr } = await addService('workflows-client');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { client_secret, ...others } = await secret('workflows-client');
    expect(others).toEqual({
      flow: 'client_credentials',
      cognito_domain: front.origin,
      client_id: 'workflows-client',
      userpool_id: 'latchkey-local',
      scope: `${REGISTER} ${CANCEL}`,
      aws_region: 'us-east-1',
    });
    expect((await stored('workflows-client'))?.secrets[0]?.hash).toBe(
      hashClientSecret(client_secret),
    );
    expect(stdout).toMatch(/^In Secrets Manager +latchkey-local\/workflows-client$/m);
    expect(stdout).toMatch(/^Secret ARN +arn:aws:secretsmanager:\S+workflows-client-\w{6}$/m);
    expect(stdout).toMatch(/^Rotated +every 30 days$/m);
    expect(stdout).not.toContain(client_secret);
    expect(stdout).not.toContain(hashClientSecret(client_secret));
    expect(await describeSecret('workflows-client')).toMatchObject({
      RotationEnabled: true,
      RotationLambdaARN:
        'arn:aws:lambda:us-east-1:000000000000:function:latchkey-local-rotateClientSecret',
      RotationRules: { AutomaticallyAfterDays: 30 },
    });
    expect(rotations.map(({ step }) => step)).toEqual(['testSecret']);
  });

  it('changes nothing when it is repeated', async () => {
    const before = await secret('workflows-client');
    const { exitCode, stdout } = await addService('workflows-client', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      client_id: 'workflows-client',
      secret_name: 'latchkey-local/workflows-client',
      rotated_every_days: 30,
      secrets: [{ number: 1 }],
    });
    expect(await secret('workflows-client')).toEqual(before);
  });

  it('takes every setting', async () => {
    const { stdout } = await addService(
      'other-client',
      ...['--scope', REGISTER, '--client-id', 'other', '--issuer', 'https://auth.example.com/'],
      ...['--claim', 'team=data', '--token-lifetime', '60', '--rotate-every', '7d', '--json'],
    );
    expect(JSON.parse(stdout)).toMatchObject({
      client_id: 'other',
      secret_name: 'latchkey-local/other-client',
      grants: { [AUDIENCE]: [REGISTER] },
      claims: { team: 'data' },
      access_token_lifetime: 60,
      rotated_every_days: 7,
    });
    expect(await secret('other-client')).toMatchObject({
      client_id: 'other',
      cognito_domain: 'https://auth.example.com',
      scope: REGISTER,
    });
  });

  it('without rotation leaves the secret as it is, until it is repeated with', async () => {
    await addService('still-client', '--no-rotation');
    expect((await describeSecret('still-client')).RotationEnabled).toBeFalsy();
    const refused = await latchkey(['--local', 'client', 'rotate-secret', 'still-client']);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/--no-rotation/) });
    await addService('still-client');
    expect((await describeSecret('still-client')).RotationEnabled).toBe(true);
  });

  it.each([
    { name: 'an unknown audience', argv: ['x', '--audience', 'nil'], reason: /no resource server/ },
    {
      name: 'an unknown scope',
      argv: ['x', '--audience', AUDIENCE, '--scope', 'fly'],
      reason: /"fly"/,
    },
    {
      name: 'an id that no secret can have',
      argv: ['a b', '--audience', AUDIENCE],
      reason: /letters/,
    },
    {
      name: 'other scopes for what is there',
      argv: ['workflows-client', '--audience', AUDIENCE, '--scope', REGISTER],
      reason: /not the same/,
    },
    {
      name: 'an issuer that is no URL',
      argv: ['x', '--audience', AUDIENCE, '--issuer', 'auth'],
      reason: /no URL/,
    },
  ])('refuses $name', async ({ argv, reason }) => {
    const outcome = await latchkey(['--local', 'client', 'add-service', ...argv]);
    expect(outcome).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(reason),
    });
    expect(await stored('x')).toBeUndefined();
  });

  it.each(['30', '0d', '1001d', '4h', 'monthly'])(
    'finds wrong usage: rotation every %s',
    async (every) => {
      expect(await addService('x', '--rotate-every', every)).toMatchObject({ exitCode: 2 });
    },
  );
});

describe('the secret of a service client', () => {
  it('is rotated by Secrets Manager, when it is asked for', async () => {
    rotations.length = 0;
    const argv = ['--local', 'client', 'rotate-secret', 'workflows-client'];
    expect(await latchkey(argv)).toMatchObject({
      exitCode: 0,
      stdout: 'Secrets Manager rotates latchkey-local/workflows-client now\n',
    });
    for (const option of [['--now'], ['--overlap', '1h']]) {
      expect(await latchkey([...argv, ...option])).toMatchObject({ exitCode: 1, stdout: '' });
    }
    await expect.poll(() => rotations.at(-1)?.step).toBe('finishSecret');
  });

  it('is not retired while services read it', async () => {
    const refused = await latchkey(['--local', 'client', 'retire-secret', 'other', '1']);
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/is what services read from latchkey-local\/other-client/),
    });
    expect((await stored('other'))?.secrets).toHaveLength(1);
  });

  it('goes with its client, and can be restored for a while', async () => {
    const { stderr } = await latchkey(['--local', 'client', 'remove', 'other']);
    expect(stderr).toBe(
      'Secrets Manager deletes latchkey-local/other-client in 30 days, and can restore it until then.\n',
    );
    expect(await stored('other')).toBeUndefined();
    const { DeletedDate } = await describeSecret('other-client');
    expect(Math.round(((DeletedDate?.getTime() ?? 0) - Date.now()) / 86_400_000)).toBe(30);
    expect((await addService('other-client', '--client-id', 'other')).exitCode).toBe(0);
    await local(['client', 'remove', 'other', '--json']);
  });
});

describe('client add-programmatic', () => {
  it('makes a public client, and tells its programs of it', async () => {
    const argv = ['client', 'add-programmatic', 'notebooks', '--audience', AUDIENCE, '--json'];
    const added = JSON.parse(await local(argv));
    expect(added).toMatchObject({
      client_id: 'notebooks',
      grant_types: ['password'],
      authentication_methods: ['none'],
      secret_name: 'latchkey-local/notebooks',
      secrets: [],
    });
    expect(await secret('notebooks')).toEqual({
      flow: 'user_password',
      cognito_domain: front.origin,
      client_id: 'notebooks',
      userpool_id: 'latchkey-local',
      aws_region: 'us-east-1',
    });
    expect(JSON.parse(await local(argv))).toEqual(added);
  });

  it('is no client to rotate the secret of', async () => {
    const outcome = await latchkey(['--local', 'client', 'rotate-secret', 'notebooks']);
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/is public/) });
  });
});

describe('client token', () => {
  it('gets a token as the service would, and prints the answer as JSON', async () => {
    forms.length = 0;
    const expected = { access_token: 'abc', token_type: 'Bearer', expires_in: 3600 };
    for (const json of [[], ['--json']]) {
      expect(JSON.parse(await local(['client', 'token', 'workflows-client', ...json]))).toEqual(
        expected,
      );
    }
    const form = { grant_type: 'client_credentials', scope: `${REGISTER} ${CANCEL}` };
    expect(forms[0]).toBe(new URLSearchParams(form).toString());
  });

  it.each([
    { name: 'there is no such secret', id: 'nobody', reason: /no secret latchkey-local\/nobody/ },
    { name: 'the client signs people in', id: 'notebooks', reason: /none of a service client/ },
  ])('is refused where $name', async ({ id, reason }) => {
    const outcome = await latchkey(['--local', 'client', 'token', id]);
    expect(outcome).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(reason),
    });
  });

  it('is not asked for in the clear of another machine', async () => {
    await addService('clear-client', '--issuer', 'http://192.0.2.1', '--no-rotation');
    const refused = await latchkey(['--local', 'client', 'token', 'clear-client']);
    expect(refused).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(/http:\/\/192\.0\.2\.1 is not https/),
    });
  });

  it('tells what the endpoint says, and nothing of the secret', async () => {
    const { client_secret } = await secret('workflows-client');
    reply = { status: 400, body: '{"error":"invalid_scope","error_description":"Unknown"}' };
    const refused = await latchkey(['--local', 'client', 'token', 'workflows-client']);
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/answered 400: invalid_scope: Unknown\n$/),
    });
    await front.close();
    const silent = await latchkey(['--local', 'client', 'token', 'workflows-client']);
    expect(silent.stderr).toMatch(/does not answer \(ECONN\w+\)\n$/);
    expect(JSON.stringify([refused, silent])).not.toContain(client_secret);
  });
});
