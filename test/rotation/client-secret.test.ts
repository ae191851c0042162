import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSecretHandle } from '../../lib/aws/secret.ts';
import {
  clientSecretId,
  generateClientSecret,
  hashClientSecret,
} from '../../lib/clients/client-secret.ts';
import { createClientSecretStore } from '../../lib/clients/client-secret-store.ts';
import { newClient } from '../../lib/clients/registration.ts';
import { withDeadline } from '../../lib/lambda/deadline.ts';
import { createClientSecretRotation } from '../../lib/rotation/client-secret.ts';
import { createRotationHandler } from '../../lib/rotation/handler.ts';
import { ROTATION_STEPS, type RotationEvent, type RotationStep } from '../../lib/rotation/steps.ts';
import { createRequestToken, type RequestToken } from '../../lib/service-clients/request-token.ts';
import { type ServiceSecret, serviceSecret } from '../../lib/service-clients/service-secret.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { serve } from '../cli/serve.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';

const OVERLAP = 24 * 3600;
const SCOPE = 'registry-server/stac:register';
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:rotate';

let latchkey: TestLatchkey;
let front: Awaited<ReturnType<typeof serve>>;
/** What the rotation meets on its way to the stores. */
let proxies: { dynamodb: FaultProxy; secretsManager: FaultProxy };
let dynamodb: DynamoDBClient;
let secretsManager: SecretsManagerClient;
let requestToken: RequestToken;
let logged: string[];
let number = 0;
let clientId: string;
let first: string;
let secretId: string;
let version: string;

beforeAll(async () => {
  // The steps are run by the tests.
  latchkey = await startLatchkey({ rotate: async () => {} });
  front = await serve(async ({ path, headers, body }) => {
    const {
      status,
      headers: answered,
      text,
    } = await latchkey.call('token', { path, headers, body });
    return { status, headers: answered, body: text };
  });
  process.env.ISSUER = front.origin;
  const { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SECRETS_MANAGER } = latchkey.environment;
  proxies = {
    dynamodb: await startProxy(AWS_ENDPOINT_URL_DYNAMODB),
    secretsManager: await startProxy(AWS_ENDPOINT_URL_SECRETS_MANAGER),
  };
  // A call that is lost is not repeated: the step is.
  const once = { ...LOCAL_CREDENTIALS, maxAttempts: 1 };
  dynamodb = new DynamoDBClient({ ...once, endpoint: proxies.dynamodb.endpoint });
  secretsManager = new SecretsManagerClient({ ...once, endpoint: proxies.secretsManager.endpoint });
  await latchkey.createKeys();
  await latchkey.addResourceServer({
    identifier: 'registry-server',
    scopes: { [SCOPE]: 'Register' },
    audienceClaim: false,
  });
});
beforeEach(async () => {
  logged = [];
  requestToken = createRequestToken();
  number += 1;
  clientId = `service-${number}`;
  const [api] = await latchkey.stores.resourceServers.list();
  secretId = `latchkey-test/${clientId}`;
  const made = newClient(
    {
      name: 'Service',
      clientId,
      grantTypes: ['client_credentials'],
      audiences: api ? [api] : [],
    },
    now(),
  );
  first = made.clientSecret ?? '';
  await latchkey.stores.clients.add({ ...made.client, secretName: secretId });
  const place = { issuer: front.origin, stack: 'latchkey-test', region: 'us-east-1' };
  const value = serviceSecret({ clientId, clientSecret: first, scopes: [SCOPE] }, place);
  await latchkey.secretsManager.send(
    new CreateSecretCommand({
      Name: secretId,
      SecretString: JSON.stringify({ ...value, extra: 1 }),
    }),
  );
  version = await begin();
});
afterEach(() => {
  vi.useRealTimers();
  for (const proxy of Object.values(proxies)) {
    proxy.fault = () => undefined;
    proxy.carriedOut = () => undefined;
  }
});
afterAll(async () => {
  dynamodb.destroy();
  secretsManager.destroy();
  await proxies.dynamodb.close();
  await proxies.secretsManager.close();
  await front.close();
  await latchkey.close();
});

/** Has Secrets Manager begin a rotation; the version that it makes. */
async function begin(): Promise<string> {
  const token = randomUUID();
  await latchkey.secretsManager.send(
    new RotateSecretCommand({
      SecretId: secretId,
      ClientRequestToken: token,
      RotationLambdaARN: FUNCTION_ARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
    }),
  );
  await latchkey.rotationsSettled();
  return token;
}

function handlerOf(overlap = OVERLAP) {
  const log = (message: string, fields = {}) =>
    void logged.push(JSON.stringify({ message, ...fields }));
  return createRotationHandler({
    withDeadline,
    secretOf: (id) => createSecretHandle(secretsManager, id),
    rotationOf: createClientSecretRotation({
      store: createClientSecretStore(dynamodb, latchkey.environment.CLIENTS_TABLE),
      requestToken: (request) => requestToken(request),
      issuer: front.origin,
      overlap,
      now,
      // What a function has in memory is looked at again a second later: by the clock, which is moved.
      wait: async (milliseconds) => pass(milliseconds / 1000),
    }),
    log: { info: log, warn: log, error: log },
  });
}

const run = (Step: RotationStep, token = version) =>
  handlerOf()({ Step, SecretId: secretId, ClientRequestToken: token });
async function runAll(token = version): Promise<void> {
  for (const step of ROTATION_STEPS) await run(step, token);
}
const now = () => Math.floor(Date.now() / 1000);
function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}
const idOf = (secret: string) => clientSecretId({ hash: hashClientSecret(secret) });

async function read(label = 'AWSCURRENT'): Promise<ServiceSecret & { extra: number }> {
  const { SecretString = '{}' } = await latchkey.secretsManager.send(
    new GetSecretValueCommand({ SecretId: secretId, VersionStage: label }),
  );
  return JSON.parse(SecretString);
}

async function labels(): Promise<string[]> {
  const { VersionIdsToStages = {} } = await latchkey.secretsManager.send(
    new DescribeSecretCommand({ SecretId: secretId }),
  );
  return Object.values(VersionIdsToStages).flat().sort();
}

const secrets = async () =>
  (await latchkey.stores.clients.find(clientId, { consistent: true }))?.secrets ?? [];
const status = async (secret: string) =>
  (
    await createRequestToken()({
      issuer: front.origin,
      clientId,
      clientSecret: secret,
      scope: SCOPE,
    })
  ).status;

/** The new secret is current and good, the old one previous, good and about to end, and nothing is left over. */
async function expectRotated(): Promise<void> {
  expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  const { client_secret: fresh } = await read();
  expect((await read('AWSPREVIOUS')).client_secret).toBe(first);
  expect(fresh).not.toBe(first);
  const found = await secrets();
  expect(found.map(clientSecretId)).toEqual([idOf(first), idOf(fresh)]);
  const [old, current] = found;
  expect(old?.expiresAt).toBeGreaterThan(now() + OVERLAP - 60);
  expect(old?.expiresAt).toBeLessThanOrEqual(now() + OVERLAP);
  expect(current?.expiresAt).toBeUndefined();
  expect([await status(first), await status(fresh)]).toEqual([200, 200]);
}

describe('the rotation of a client secret', () => {
  it('puts a new secret beside the old, which lives for the overlap', async () => {
    const before = await read();
    await run('createSecret');
    const { client_secret: fresh } = await read('AWSPENDING');
    expect(await status(fresh)).toBe(401);
    await run('setSecret');
    expect(await status(fresh)).toBe(200);
    expect(await secrets()).toHaveLength(2);
    await run('testSecret');
    expect(await read()).toEqual(before);
    await run('finishSecret');
    expect(await read()).toEqual({ ...before, client_secret: fresh });
    await expectRotated();
    pass(OVERLAP);
    expect([await status(first), await status(fresh)]).toEqual([401, 200]);
  });

  it('follows on another, once the overlap is over', async () => {
    await runAll();
    const { client_secret: second } = await read();
    pass(OVERLAP);
    await runAll(await begin());
    const { client_secret: third } = await read();
    expect((await secrets()).map(clientSecretId)).toEqual([idOf(second), idOf(third)]);
    expect([await status(first), await status(second), await status(third)]).toEqual([
      401, 200, 200,
    ]);
  });

  it.each(ROTATION_STEPS)('does nothing more in %s when it is through', async (step) => {
    await runAll();
    const before = await secrets();
    pass(60);
    await run(step);
    expect(await secrets()).toEqual(before);
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });

  it.each(ROTATION_STEPS)('ends well where %s runs again at once', async (twice) => {
    for (const step of ROTATION_STEPS) {
      await run(step);
      if (step === twice) await run(step);
    }
    await expectRotated();
  });

  it('ends well with every step twice at the same time', async () => {
    for (const step of ROTATION_STEPS) await Promise.all([run(step), run(step)]);
    await expectRotated();
  });

  it.each([
    { order: ['setSecret'] },
    { order: ['testSecret'] },
    { order: ['finishSecret'] },
    { order: ['createSecret', 'testSecret'] },
    { order: ['createSecret', 'finishSecret'] },
  ] satisfies { order: RotationStep[] }[])(
    'changes nothing that is in use where the order is $order, and ends well after',
    async ({ order }) => {
      const last = order.at(-1) ?? 'createSecret';
      for (const step of order.slice(0, -1)) await run(step);
      await expect(run(last)).rejects.toThrow();
      expect((await read()).client_secret).toBe(first);
      expect((await secrets()).map(({ expiresAt }) => expiresAt)).toEqual([undefined]);
      await runAll();
      await expectRotated();
    },
  );

  it('may have its steps come late, from before', async () => {
    await run('createSecret');
    await run('setSecret');
    await run('createSecret');
    await run('testSecret');
    await run('setSecret');
    await run('finishSecret');
    await expectRotated();
  });
});

describe('a step that is killed', () => {
  it.each(
    ROTATION_STEPS.flatMap((step) => [
      { step, fault: 'reset' as const },
      { step, fault: 'lose-answer' as const },
    ]),
  )(
    'at each of its calls can be repeated: $step, $fault',
    { timeout: 60_000 },
    async ({ step: killed, fault }) => {
      let isThrough = false;
      for (let nth = 1; !isThrough; nth += 1) {
        for (const step of ROTATION_STEPS) {
          if (step === killed) isThrough = await survivesUntil(nth, fault, step);
          await run(step);
        }
        await expectRotated();
        // The next time around, with a secret and a client as new.
        if (!isThrough) await startOver();
      }
      expect(logged.join()).toMatch(/rotation step done/);
    },
  );

  /** Whether the step made fewer calls than that. */
  async function survivesUntil(nth: number, fault: 'reset' | 'lose-answer', step: RotationStep) {
    let calls = 0;
    const spoil = () => (++calls === nth ? fault : undefined);
    for (const proxy of Object.values(proxies)) proxy.fault = spoil;
    await run(step).catch(() => undefined);
    for (const proxy of Object.values(proxies)) proxy.fault = () => undefined;
    return calls < nth;
  }

  async function startOver(): Promise<void> {
    const value = await read();
    first = generateClientSecret();
    const store = createClientSecretStore(latchkey.dynamodb, latchkey.environment.CLIENTS_TABLE);
    await store.change(clientId, () => [{ hash: hashClientSecret(first), createdAt: now() }]);
    await latchkey.secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        SecretString: JSON.stringify({ ...value, client_secret: first }),
      }),
    );
    version = await begin();
  }
});

describe('an earlier secret', () => {
  const store = () =>
    createClientSecretStore(latchkey.dynamodb, latchkey.environment.CLIENTS_TABLE);
  const earlier = generateClientSecret();
  const put = (expiresAt?: number) =>
    store().change(clientId, ({ secrets }) => [
      {
        hash: hashClientSecret(earlier),
        createdAt: 1,
        ...(expiresAt !== undefined && { expiresAt }),
      },
      ...secrets,
    ]);
  const use = async (at: number) => {
    const client = await latchkey.stores.clients.find(clientId);
    if (client) await store().noteUse(client, idOf(earlier), { at, before: at });
  };

  it.each([
    {
      name: 'without an end makes way where nobody ever used it',
      end: undefined,
      usedAgo: undefined,
      makesWay: true,
    },
    {
      name: 'without an end makes way two hours after its last use',
      end: undefined,
      usedAgo: 2 * 3600,
      makesWay: true,
    },
    {
      name: 'that was promised its time has it, though nobody uses it',
      end: 1000,
      usedAgo: undefined,
      makesWay: false,
    },
    {
      name: 'that was promised its time has it, and is used',
      end: 1000,
      usedAgo: 10,
      makesWay: false,
    },
  ])('$name', async ({ end, usedAgo, makesWay }) => {
    await put(end && now() + end);
    if (usedAgo !== undefined) await use(now() - usedAgo);
    await run('createSecret');
    const set = run('setSecret');
    if (makesWay) {
      await set;
      for (const step of ['testSecret', 'finishSecret'] as const) await run(step);
      await expectRotated();
    } else {
      await expect(set).rejects.toThrow(`${idOf(earlier)}, is good still and ends at`);
      expect((await secrets()).map(clientSecretId)).toEqual([idOf(earlier), idOf(first)]);
      expect(await status(earlier)).toBe(200);
      pass(1000);
      await runAll();
      await expectRotated();
    }
  });

  it('that is in use and has no end is given one, so that rotation goes on some time', async () => {
    await put();
    await use(now());
    await run('createSecret');
    await expect(run('setSecret')).rejects.toThrow('is good still');
    const [stray, current] = await secrets();
    expect(stray?.expiresAt).toBeGreaterThan(now() + OVERLAP - 60);
    expect(current?.expiresAt).toBeUndefined();
    pass(OVERLAP);
    await runAll();
    await expectRotated();
  });

  it('that has expired is forgotten', async () => {
    await put(now());
    await use(now());
    await runAll();
    await expectRotated();
  });

  it('of a rotation that was given up makes way for the next', async () => {
    await run('createSecret');
    await run('setSecret');
    const { client_secret: abandoned } = await read('AWSPENDING');
    await createSecretHandle(latchkey.secretsManager, secretId).abandonRotation();
    version = await begin();
    await runAll();
    expect(await status(abandoned)).toBe(401);
    await expectRotated();
  });
});

describe('a secret that names a client which is not its own', () => {
  it('gives nobody a secret of that client', async () => {
    const [api] = await latchkey.stores.resourceServers.list();
    const victim = await latchkey.addClient({
      name: 'Victim',
      clientId: `victim-${number}`,
      grantTypes: ['client_credentials'],
      audiences: api ? [api] : [],
    });
    const before = await latchkey.stores.clients.find(victim.client.clientId, { consistent: true });
    await latchkey.secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        SecretString: JSON.stringify({ ...(await read()), client_id: victim.client.clientId }),
      }),
    );
    await run('createSecret');
    await expect(run('setSecret')).rejects.toThrow('is not the one of the client that it names');
    const after = await latchkey.stores.clients.find(victim.client.clientId, { consistent: true });
    expect(after?.secrets).toEqual(before?.secrets);
  });
});

describe('what rotation leaves alone', () => {
  it('is an end that comes sooner', async () => {
    const store = createClientSecretStore(latchkey.dynamodb, latchkey.environment.CLIENTS_TABLE);
    const expiresAt = now() + 1000;
    await run('createSecret');
    await run('setSecret');
    await store.change(clientId, ({ secrets }) =>
      secrets.map((secret, index) => (index === 0 ? { ...secret, expiresAt } : secret)),
    );
    await run('finishSecret');
    expect((await secrets())[0]?.expiresAt).toBe(expiresAt);
  });

  it('is a secret that the current value still has, under another version', async () => {
    await runAll();
    pass(OVERLAP);
    const value = await read();
    await latchkey.secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        SecretString: JSON.stringify({ ...value, extra: 2 }),
      }),
    );
    version = await begin();
    await run('createSecret');
    await run('setSecret');
    const [current, pending] = await secrets();
    expect(current && clientSecretId(current)).toBe(idOf(value.client_secret));
    expect([current?.expiresAt, pending?.expiresAt]).toEqual([undefined, undefined]);
  });

  it.each([
    { name: 'another client', previous: { client_id: 'somebody-else' } },
    { name: 'nothing that could be read', previous: 'not JSON, with a secret in it' },
  ])('is what a previous value of $name tells', async ({ previous }) => {
    const value = await read();
    const text =
      typeof previous === 'string' ? previous : JSON.stringify({ ...value, ...previous });
    for (const SecretString of [text, JSON.stringify(value)]) {
      await latchkey.secretsManager.send(
        new PutSecretValueCommand({ SecretId: secretId, SecretString }),
      );
    }
    expect((await labels()).filter((label) => label === 'AWSPREVIOUS')).toHaveLength(1);
    await runAll();
    await expectRotatedFrom(first);
    expect(logged.join()).not.toContain('not JSON');
  });

  async function expectRotatedFrom(old: string): Promise<void> {
    expect((await secrets()).map(clientSecretId)).toEqual([
      idOf(old),
      idOf((await read()).client_secret),
    ]);
  }
});

describe('a new secret that does not work', () => {
  it('is asked for a few times, and then not promoted', async () => {
    let requests = 0;
    const real = requestToken;
    requestToken = async (request) => {
      requests += 1;
      if (requests < 4) throw new Error('ECONNRESET');
      return real(request);
    };
    await runAll();
    await expectRotated();
  });

  it.each([
    {
      name: 'the client was disabled',
      spoil: () => latchkey.stores.clients.setDisabled(clientId, true),
      reason: 'the token endpoint answered 401 to the new secret: invalid_client',
    },
    {
      name: 'nothing answers',
      spoil: () => {
        requestToken = async () => Promise.reject(new Error('secret'));
      },
      reason: 'the token endpoint does not answer',
    },
    {
      name: 'the answer is no token',
      spoil: () => {
        requestToken = async () => ({ status: 200, body: { access_token: 'x', error: 'Oh <no>' } });
      },
      reason: 'the token endpoint answered 200 to the new secret: no token',
    },
  ])('is not promoted, and the log says why: $name', async ({ spoil, reason }) => {
    await run('createSecret');
    await run('setSecret');
    await spoil();
    for (const step of ['testSecret', 'finishSecret'] as const) {
      await expect(run(step)).rejects.toThrow(reason);
    }
    expect((await read()).client_secret).toBe(first);
    expect((await secrets())[0]?.expiresAt).toBeUndefined();
    expect(logged.at(-1)).toContain(reason);
  });

  it('is asked for at the issuer, whatever the secret says', async () => {
    const value = await read();
    await latchkey.secretsManager.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        SecretString: JSON.stringify({ ...value, cognito_domain: 'http://127.0.0.1:1' }),
      }),
    );
    await runAll();
    expect((await read()).cognito_domain).toBe('http://127.0.0.1:1');
    expect(await status((await read()).client_secret)).toBe(200);
  });
});

describe('a secret that cannot be rotated', () => {
  it.each([
    { name: 'is no JSON', value: 'canary text', reason: 'the value is none of a service client' },
    {
      name: 'has no secret',
      value: '{"flow":"user_password","client_id":"x"}',
      reason: 'the value is none of a service client',
    },
  ])('$name', async ({ value, reason }) => {
    await latchkey.secretsManager.send(
      new PutSecretValueCommand({ SecretId: secretId, SecretString: value }),
    );
    await expect(run('createSecret')).rejects.toThrow(reason);
    expect(logged.join()).toContain(reason);
    expect(logged.join()).not.toContain('canary text');
  });

  it('is of a client that does not exist', async () => {
    await latchkey.stores.clients.remove(clientId);
    await run('createSecret');
    await expect(run('setSecret')).rejects.toThrow('the client of the secret does not exist');
  });
});

it('leaves no secret in a log or a table', async () => {
  await runAll();
  const { client_secret: fresh } = await read();
  const tables = JSON.stringify(await latchkey.items());
  expect(tables).toContain(clientId);
  for (const secret of [first, fresh]) {
    expect(logged.join()).not.toContain(secret);
    expect(tables).not.toContain(secret);
  }
});

/** The event of `events/`, as the handler takes it. */
it('takes the events of Secrets Manager, which have a token more', async () => {
  const event = {
    Step: 'createSecret',
    SecretId: secretId,
    ClientRequestToken: version,
    RotationToken: randomUUID(),
  } satisfies RotationEvent & { RotationToken: string };
  await handlerOf()(event);
  expect((await read('AWSPENDING')).client_id).toBe(clientId);
});
