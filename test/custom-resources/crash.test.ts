import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../support/proxy.ts';
import {
  type CloudFormation,
  type Event,
  type EventOptions,
  type Properties,
  stackIdOf,
  startCloudFormation,
} from './cloud-formation.ts';

let cloudFormation: CloudFormation;
let clientId: string;
let number = 0;

beforeAll(async () => {
  cloudFormation = await startCloudFormation();
  await cloudFormation.latchkey.addResourceServer({
    identifier: 'api',
    scopes: { read: 'Read', write: 'Write' },
  });
});
beforeEach(() => {
  number += 1;
  clientId = `client-${number}`;
});
afterEach(() => cloudFormation.reset());
afterAll(() => cloudFormation.close());

const proxies = () => [cloudFormation.dynamodb, cloudFormation.secretsManager];

function propertiesOf(scopes: string[] = ['read']): Properties {
  return {
    Name: 'Workflows',
    ClientId: clientId,
    GrantTypes: ['client_credentials'],
    Grants: [{ Audience: 'api', Scopes: scopes }],
  };
}

const create = (options: EventOptions = {}) =>
  cloudFormation.eventOf('Create', { properties: propertiesOf(), ...options });
const update = () =>
  cloudFormation.eventOf('Update', {
    physicalId: clientId,
    oldProperties: propertiesOf(),
    properties: propertiesOf(['read', 'write']),
  });
const remove = () =>
  cloudFormation.eventOf('Delete', { physicalId: clientId, properties: propertiesOf() });

/** What is done before, the request, and what must be so once it was repeated. */
const LIVES: { name: string; before: () => Event[]; request: () => Event; calls: string[] }[] = [
  {
    name: 'a Create',
    before: () => [],
    request: create,
    calls: [
      ...['GetItem', 'GetItem', 'CreateSecret'],
      // The client is not there to be changed, and is added.
      ...['UpdateItem', 'GetItem', 'PutItem', 'GetSecretValue', 'DescribeSecret'],
    ],
  },
  {
    name: 'a Create of what was deleted before',
    before: () => [create(), remove()],
    request: () => create({ stackId: stackIdOf('made-again') }),
    calls: [
      ...['GetItem', 'GetItem', 'CreateSecret', 'DescribeSecret', 'RestoreSecret'],
      ...['DescribeSecret', 'PutSecretValue', 'TagResource', 'GetSecretValue'],
      ...['UpdateItem', 'GetItem', 'PutItem', 'GetSecretValue', 'DescribeSecret'],
    ],
  },
  {
    name: 'an Update',
    before: () => [create()],
    request: update,
    calls: [
      ...['GetItem', 'GetItem', 'CreateSecret', 'DescribeSecret', 'GetSecretValue', 'UpdateItem'],
      ...['GetSecretValue', 'DescribeSecret', 'PutSecretValue', 'UpdateSecretVersionStage'],
      'DescribeSecret',
    ],
  },
  {
    name: 'a Delete',
    before: () => [create()],
    request: remove,
    calls: ['GetItem', 'DeleteItem', 'DescribeSecret', 'TagResource', 'DeleteSecret'],
  },
];

async function expectDone(name: string): Promise<void> {
  const secretName = `latchkey-test/${clientId}`;
  const client = await cloudFormation.client(clientId);
  if (name === 'a Delete') {
    expect(client).toBeUndefined();
    expect((await cloudFormation.describeSecret(secretName)).DeletedDate).toBeDefined();
    return;
  }
  expect(await cloudFormation.works(clientId)).toBe(true);
  expect(client?.secrets).toHaveLength(1);
  const scopes = name === 'an Update' ? ['read', 'write'] : ['read'];
  expect(client?.grants).toEqual({ api: scopes });
  const { scope } = await cloudFormation.secretValue(secretName);
  expect(scope).toBe(scopes.join(' '));
}

async function prepare(before: () => Event[]): Promise<void> {
  for (const event of before()) {
    expect(await cloudFormation.send(event)).toMatchObject({ Status: 'SUCCESS' });
  }
}

/** Runs the function in a process of its own; killed as soon as its n-th call was carried out. */
async function killAfter(event: Event, n: number): Promise<void> {
  let child: ChildProcess | undefined;
  let calls = 0;
  for (const proxy of proxies()) {
    proxy.carriedOut = () => {
      calls += 1;
      if (calls === n) child?.kill('SIGKILL');
    };
  }
  const script = join('test', 'support', 'call-function.ts');
  child = spawn(process.execPath, [script, 'client-resource'], {
    env: { ...process.env, ...cloudFormation.environment },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin?.end(JSON.stringify(event));
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  cloudFormation.reset();
}

describe.each(LIVES)('$name', ({ name, before, request, calls }) => {
  it('makes these calls', async () => {
    await prepare(before);
    for (const proxy of proxies()) proxy.calls.length = 0;
    const made: string[] = [];
    for (const proxy of proxies()) {
      proxy.carriedOut = ({ operation }) => {
        made.push(operation);
      };
    }
    expect(await cloudFormation.send(request())).toMatchObject({ Status: 'SUCCESS' });
    expect(made).toEqual(calls);
    await expectDone(name);
  });

  it.each(calls.map((call, index) => ({ call, n: index + 1 })))(
    'that is killed after call $n, $call, is done when it is repeated',
    async ({ n }) => {
      await prepare(before);
      const event = request();
      await killAfter(event, n);
      expect(await cloudFormation.send(event)).toMatchObject({ Status: 'SUCCESS' });
      await expectDone(name);
    },
  );

  it.each(['lose-answer', 'throttle', 'reset', 'duplicate'] satisfies Fault[])(
    'is done where each call meets a fault at first: %s',
    async (fault) => {
      await prepare(before);
      for (const proxy of proxies()) {
        let seen = 0;
        // Every other call, so that its repetition gets through.
        proxy.fault = () => {
          seen += 1;
          return seen % 2 === 1 ? fault : undefined;
        };
      }
      expect(await cloudFormation.send(request())).toMatchObject({ Status: 'SUCCESS' });
      cloudFormation.reset();
      await expectDone(name);
    },
  );
});

describe('a Create that failed half-way', () => {
  it.each(['GetSecretValue', 'PutItem', 'DescribeSecret'])(
    'at %s leaves nothing once its Delete has come, and can be tried again',
    async (operation) => {
      for (const proxy of proxies()) {
        proxy.fault = (call) => (call.operation === operation ? 'break' : undefined);
      }
      const failed = await cloudFormation.send(create());
      expect(failed.Status).toBe('FAILED');
      cloudFormation.reset();
      const deleted = await cloudFormation.request('Delete', {
        physicalId: failed.PhysicalResourceId,
        properties: propertiesOf(),
      });
      expect(deleted.Status).toBe('SUCCESS');
      expect(await cloudFormation.client(clientId)).toBeUndefined();
      const { DeletedDate } = await cloudFormation.describeSecret(`latchkey-test/${clientId}`);
      expect(DeletedDate).toBeDefined();
      await cloudFormation.send(create());
      await expectDone('a Create');
    },
  );
});
