import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerOf as bodyOf } from '../../lib/custom-resources/answer.ts';
import { createDeliver, UndeliveredError } from '../../lib/custom-resources/callback.ts';
import {
  answerOf,
  type CloudFormation,
  type Event,
  RESOURCE_SERVER,
  STACK_ID,
  startCloudFormation,
} from './cloud-formation.ts';

let cloudFormation: CloudFormation;
let number = 0;

beforeAll(async () => {
  cloudFormation = await startCloudFormation();
});
afterEach(() => {
  cloudFormation.reset();
  vi.restoreAllMocks();
});
afterAll(() => cloudFormation.close());

function eventOf(changes: Event = {}): Event {
  number += 1;
  const event = cloudFormation.eventOf('Create', {
    resourceType: RESOURCE_SERVER,
    logicalId: 'Server',
    properties: { Identifier: `server-${number}`, Scopes: { read: 'Read' } },
  });
  return { ...event, ...changes };
}

/** Everything that was logged while the work ran. */
async function logOf(work: () => Promise<unknown>): Promise<string> {
  const lines: unknown[] = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((line) => lines.push(line));
  }
  await work().catch((error) => lines.push(String(error)));
  vi.restoreAllMocks();
  return JSON.stringify(lines);
}

describe('the answer', () => {
  it('is PUT with no content type, to the very URL', async () => {
    const event = eventOf();
    await cloudFormation.send(event);
    const { method, url, headers, text } = cloudFormation.callback.received.at(-1) ?? {};
    expect(method).toBe('PUT');
    expect(`${cloudFormation.callback.endpoint}${url}`).toBe(event.ResponseURL);
    expect(headers).toMatchObject({
      'content-type': '',
      'content-length': String(Buffer.byteLength(text ?? '')),
    });
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  it.each([
    { name: 'an error of S3', statuses: [500 as const] },
    { name: 'two, and a connection that breaks', statuses: [503 as const, 'reset' as const, 500] },
    { name: 'too many requests', statuses: [429 as const] },
  ])('is given again after $name', async ({ statuses }) => {
    cloudFormation.callback.statuses.push(...statuses);
    expect(await cloudFormation.send(eventOf())).toMatchObject({ Status: 'SUCCESS' });
    expect(cloudFormation.callback.statuses).toEqual([]);
  });

  it('that cannot be given makes Lambda call again, which then answers', async () => {
    const event = eventOf();
    cloudFormation.callback.statuses.push(500, 500, 500, 500);
    await expect(cloudFormation.send(event)).rejects.toThrow(UndeliveredError);
    expect(await cloudFormation.send(event)).toMatchObject({ Status: 'SUCCESS' });
  });

  it('is not tried again where that would not help', async () => {
    const before = cloudFormation.callback.received.length;
    cloudFormation.callback.statuses.push(403);
    await expect(cloudFormation.send(eventOf())).rejects.toThrow('answered 403, after 1 attempts');
    expect(cloudFormation.callback.received).toHaveLength(before + 1);
  });

  it('is given up on within its time', async () => {
    const deliver = createDeliver({ timeout: 100, pauses: [50, 50, 50] });
    cloudFormation.callback.statuses.push('hang', 'hang', 'hang', 'hang');
    const started = performance.now();
    await expect(deliver(`${cloudFormation.callback.endpoint}/x`, '{}', 250)).rejects.toThrow(
      /not reached \(\w+\), after 2 attempts/,
    );
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it.each(['', 'no url', 'http://example.com/x', 'ftp://127.0.0.1/x', undefined, 7])(
    'goes nowhere but https and the loopback address: %s',
    async (ResponseURL) => {
      const before = cloudFormation.callback.received.length;
      const log = await logOf(() => cloudFormation.send(eventOf({ ResponseURL })));
      expect(log).toContain('the ResponseURL is not an https URL');
      expect(cloudFormation.callback.received).toHaveLength(before);
    },
  );

  it('never shows the URL in the log, whatever becomes of it', async () => {
    const { signature } = cloudFormation.callback;
    const unreachable = `http://127.0.0.1:1/x?X-Amz-Signature=${signature}`;
    const log = await logOf(async () => {
      await cloudFormation.send(eventOf());
      await cloudFormation.send(eventOf({ RequestType: 'Other' }));
      cloudFormation.callback.statuses.push(403);
      await cloudFormation.send(eventOf()).catch((error) => console.error(error.stack));
      await cloudFormation.send(eventOf({ ResponseURL: unreachable }));
    });
    expect(log).toContain('custom resource not answered');
    expect(log).toContain('ECONNREFUSED');
    expect(log).not.toContain(signature);
    expect(log).not.toContain('X-Amz');
  });

  it('fits into 4 KB, whatever the reason', () => {
    const envelope = {
      responseUrl: '',
      stackId: STACK_ID,
      requestId: 'r'.repeat(36),
      logicalResourceId: 'L'.repeat(255),
      physicalResourceId: '',
    };
    for (const character of ['x', '\u0000', '💥', '"']) {
      const body = bodyOf(envelope, {
        status: 'FAILED',
        physicalResourceId: 'p'.repeat(1024),
        reason: character.repeat(10_000),
      });
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4096);
      expect(JSON.parse(body).Reason).toContain(character);
    }
  });
});

describe('a malformed request is answered', () => {
  it.each([
    { changes: { RequestType: 'Destroy' }, reason: 'none of Create, Update and Delete' },
    { changes: { RequestType: undefined }, reason: 'the request has no RequestType' },
    { changes: { ResourceType: 7 }, reason: 'the request has no ResourceType' },
    { changes: { StackId: undefined }, reason: 'the request has no StackId' },
    { changes: { RequestId: null }, reason: 'the request has no RequestId' },
    { changes: { LogicalResourceId: '' }, reason: 'the request has no LogicalResourceId' },
    { changes: { RequestType: 'Update' }, reason: 'the request has no PhysicalResourceId' },
    { changes: { RequestType: 'Delete' }, reason: 'the request has no PhysicalResourceId' },
    { changes: { ResourceProperties: 'none' }, reason: 'Identifier is missing' },
    { changes: { ResourceProperties: [1] }, reason: 'Identifier is missing' },
    { changes: { ResourceType: 'Custom::Latchkey' }, reason: 'there is no type Custom::Latchkey' },
    { changes: { ResourceType: 'toString' }, reason: 'there is no type toString' },
  ])('$changes', async ({ changes, reason }) => {
    const answer = await cloudFormation.send(eventOf(changes));
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining(reason),
      PhysicalResourceId: expect.stringMatching(/./),
    });
  });

  it('with success where it is the Delete of an unknown type, which was never created', async () => {
    const answer = await cloudFormation.send(
      eventOf({ RequestType: 'Delete', ResourceType: 'Custom::Latchkey', PhysicalResourceId: 'x' }),
    );
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'x' });
  });

  it.each([undefined, null, 'text', []])('or logged, where it is none: %s', async (event) => {
    const { handler } = await import('../../functions/client-resource.ts');
    await expect(handler(event, {})).rejects.toThrow(UndeliveredError);
  });
});

describe('when AWS does not do its part', () => {
  it('the time of the function is not used up before the answer', async () => {
    cloudFormation.dynamodb.fault = () => 'hang';
    const before = cloudFormation.dynamodb.calls.length;
    const started = performance.now();
    const answer = await cloudFormation.send(eventOf(), 10_500);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: 'the time of the function ran out: try again',
      PhysicalResourceId: `server-${number}`,
    });
    // What goes on in the frozen function calls AWS no more.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(cloudFormation.dynamodb.calls.length - before).toBeLessThanOrEqual(1);
  });

  it('the reason names what failed, and a repetition mends it', async () => {
    cloudFormation.dynamodb.fault = () => 'break';
    const event = eventOf();
    expect(await cloudFormation.send(event)).toMatchObject({
      Status: 'FAILED',
      Reason: 'it could not be done: DynamoDB UpdateItem: InternalServerError',
    });
    cloudFormation.reset();
    expect(await cloudFormation.send(event)).toMatchObject({ Status: 'SUCCESS' });
  });
});

describe('the events in the repository', () => {
  const files = readdirSync('events').filter((file) => file.startsWith('client-resource-'));
  const read = (file: string) => JSON.parse(readFileSync(`events/${file}`, 'utf8'));

  it('have no URL that anybody could answer at', () => {
    expect(files).toHaveLength(4);
    for (const file of files)
      expect(read(file).ResponseURL).toBe('http://127.0.0.1:1/<the pre-signed URL>');
  });

  it('are answered with success in the order of a life', async () => {
    for (const part of ['create-resource-server', 'create', 'update', 'delete']) {
      const { RequestId, ...event } = read(`client-resource-${part}.json`);
      const ResponseURL = `${cloudFormation.callback.endpoint}/${part}`;
      const answer = await cloudFormation.send({ ...event, RequestId, ResponseURL });
      expect({ part, ...answer }).toMatchObject({ part, Status: 'SUCCESS', RequestId });
    }
    expect(answerOf(cloudFormation.callback.received.at(-1)).Data).toEqual({});
  });
});
