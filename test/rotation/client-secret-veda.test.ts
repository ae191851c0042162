import { inspect } from 'node:util';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashClientSecret } from '../../lib/clients/client-secret.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { addServiceClient } from '../../lib/service-clients/service-registration.ts';
import { createServiceSecretStore } from '../../lib/service-clients/service-secret-store.ts';
import { serve } from '../cli/serve.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';

const STACK = 'latchkey-test';
const ID = 'workflows-client';
const SCOPE = 'veda-stac-ingestion-registry-server/stac:register';
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:rotate';

let latchkey: TestLatchkey;
let front: Awaited<ReturnType<typeof serve>>;
const logged: string[] = [];
/** Every secret that there ever was. */
const canaries = new Set<string>();
/** The steps that ran, and what the service got while they did. */
const steps: string[] = [];
let duringStep: () => Promise<void> = async () => {};

beforeAll(async () => {
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((...values) => {
      logged.push(inspect(values, { depth: 10, maxStringLength: null }));
    });
  }
  latchkey = await startLatchkey({
    rotate: async ({ event }) => {
      const { handler } = await import('../../functions/rotate-client-secret.ts');
      await duringStep();
      await handler(event);
      steps.push(event.Step);
      await duringStep();
    },
  });
  front = await serve(async ({ path, headers, body }) => {
    if (path !== '/oauth2/token') return { status: 404 };
    const {
      status,
      headers: answered,
      text,
    } = await latchkey.call('token', { path, headers, body });
    return { status, headers: answered, body: text };
  });
  process.env.ISSUER = front.origin;
  process.env.CLIENT_SECRET_OVERLAP = '86400';
  await latchkey.createKeys();
  const audience = await latchkey.addResourceServer({
    identifier: 'veda-stac-ingestion-registry',
    prefixedScopes: true,
    scopes: { 'stac:register': 'Register' },
    tokenType: 'JWT',
    audienceClaim: false,
  });
  const secrets = createServiceSecretStore(latchkey.secretsManager);
  const { secretName } = await addServiceClient(
    { id: ID, audience },
    {
      clients: latchkey.stores.clients,
      secrets,
      place: { issuer: front.origin, stack: STACK, region: 'us-east-1' },
      now: nowInSeconds(),
    },
  );
  await secrets.rotateEvery(secretName, 30, FUNCTION_ARN);
  await latchkey.rotationsSettled();
});
afterEach(() => {
  duringStep = async () => {};
  vi.useRealTimers();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await front.close();
  await latchkey.close();
});

interface Credentials {
  cognito_domain: string;
  client_id: string;
  client_secret: string;
  scope: string;
}

/** What the service's script does first. */
async function readCredentials(): Promise<Credentials> {
  const { SecretString = '' } = await latchkey.secretsManager.send(
    new GetSecretValueCommand({ SecretId: `${STACK}/${ID}` }),
  );
  const credentials = JSON.parse(SecretString);
  canaries.add(credentials.client_secret);
  return credentials;
}

/** And then: Basic, a form, and three fields that have to be there, and nothing else. */
async function requestToken(credentials: Credentials): Promise<Record<string, unknown>> {
  const pair = `${credentials.client_id}:${credentials.client_secret}`;
  const response = await fetch(`${credentials.cognito_domain}/oauth2/token`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: credentials.scope }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`);
  expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'token_type']);
  return body;
}

async function rotate(): Promise<void> {
  steps.length = 0;
  await latchkey.secretsManager.send(new RotateSecretCommand({ SecretId: `${STACK}/${ID}` }));
  await latchkey.rotationsSettled();
}

async function labels(): Promise<string[]> {
  const { VersionIdsToStages = {} } = await latchkey.secretsManager.send(
    new DescribeSecretCommand({ SecretId: `${STACK}/${ID}` }),
  );
  return Object.values(VersionIdsToStages).flat().sort();
}

describe('a service of VEDA, with the sequence of its script', () => {
  it('finds what it needs, to the letter, and a trial of the rotation has done no harm', async () => {
    expect(steps).toEqual(['testSecret']);
    expect(await labels()).toEqual(['AWSCURRENT']);
    const credentials = await readCredentials();
    expect(Object.keys(credentials)).toEqual([
      ...['flow', 'cognito_domain', 'client_id', 'client_secret', 'userpool_id', 'scope'],
      'aws_region',
    ]);
    expect(credentials).toMatchObject({
      flow: 'client_credentials',
      cognito_domain: front.origin,
      client_id: ID,
      userpool_id: STACK,
      scope: SCOPE,
      aws_region: 'us-east-1',
    });
    expect(await requestToken(credentials)).toMatchObject({ token_type: 'Bearer' });
  });

  it('gets a token before, during and after a rotation, with what it reads then and what it has kept', async () => {
    const kept = await readCredentials();
    let count = 0;
    duringStep = async () => {
      await requestToken(kept);
      await requestToken(await readCredentials());
      count += 2;
    };
    await rotate();
    expect(steps).toEqual(['createSecret', 'setSecret', 'testSecret', 'finishSecret']);
    await duringStep();
    expect(count).toBe(18);
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    const fresh = await readCredentials();
    expect(fresh).toEqual({ ...kept, client_secret: fresh.client_secret });
    expect(fresh.client_secret).not.toBe(kept.client_secret);
  });

  it('gets tokens through rotation after rotation', async () => {
    for (let n = 0; n < 5; n += 1) {
      const kept = await readCredentials();
      duringStep = async () => {
        await requestToken(kept);
        await requestToken(await readCredentials());
      };
      // The next one comes when the overlap of the last is over.
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * 24 * 3600 * 1000 });
      await rotate();
      expect(steps).toHaveLength(4);
      await requestToken(kept);
    }
    expect(await labels()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    const client = await latchkey.stores.clients.find(ID, { consistent: true });
    expect(client?.secrets).toHaveLength(2);
    expect(Object.keys(client?.secretUses ?? {}).length).toBeLessThanOrEqual(2);
  });

  it('leaves no secret in a log or a table', async () => {
    expect(canaries.size).toBeGreaterThan(5);
    const tables = JSON.stringify(await latchkey.items());
    const logs = logged.join('\n');
    expect(tables).toContain(ID);
    expect(logs).toContain('rotation step done');
    for (const canary of canaries) {
      expect(logs.includes(canary) || tables.includes(canary)).toBe(false);
      expect(logs.includes(hashClientSecret(canary))).toBe(false);
    }
  });
});
