import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
} from '@aws-sdk/client-secrets-manager';
import { createTable } from '../../lib/aws/table.ts';
import { verifyClientSecret } from '../../lib/clients/client-secret.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { startLatchkey } from '../support/latchkey.ts';
import { startProxy } from '../support/proxy.ts';

export const CLIENT = 'Custom::LatchkeyClient';
export const RESOURCE_SERVER = 'Custom::LatchkeyResourceServer';
export const STACK_ID = stackIdOf('workflows');

export type Properties = Record<string, unknown>;
export type Event = Record<string, unknown>;

/** What arrives at a pre-signed URL. */
export interface Callback {
  method: string | undefined;
  url: string;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Answer {
  Status: 'SUCCESS' | 'FAILED';
  Reason?: string;
  PhysicalResourceId: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  Data?: Record<string, string>;
}

export interface EventOptions {
  resourceType?: string;
  logicalId?: string;
  properties?: Properties;
  oldProperties?: Properties;
  physicalId?: string;
  stackId?: string;
  requestId?: string;
}

export type CloudFormation = Awaited<ReturnType<typeof startCloudFormation>>;

/** A stack's name, with the id that CloudFormation gives it. */
export function stackIdOf(name: string): string {
  return `arn:aws:cloudformation:eu-west-1:123456789012:stack/${name}/1c2d3e40-1234-11f1-9abc-0a1b2c3d4e5f`;
}

/**
 * The function as CloudFormation calls it, over the embedded DynamoDB and Secrets Manager, each behind a proxy,
 * with a place on the loopback address for its answers.
 */
export async function startCloudFormation() {
  const latchkey = await startLatchkey();
  const dynamodb = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_DYNAMODB);
  const secretsManager = await startProxy(latchkey.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER);
  const callback = await startCallback();
  const environment = {
    ...latchkey.environment,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
    STACK: 'latchkey-test',
  };
  Object.assign(process.env, environment);
  const clients = createTable(latchkey.dynamodb, environment.CLIENTS_TABLE, 'client_id');

  function eventOf(type: string, options: EventOptions = {}): Event {
    const { requestId = randomUUID(), stackId = STACK_ID, logicalId = 'WorkflowsClient' } = options;
    const serviceToken = { ServiceToken: 'arn:aws:lambda:eu-west-1:123456789012:function:f' };
    return {
      RequestType: type,
      ...serviceToken,
      ResponseURL: `${callback.endpoint}/${requestId}?X-Amz-Signature=${callback.signature}`,
      StackId: stackId,
      RequestId: requestId,
      ResourceType: options.resourceType ?? CLIENT,
      LogicalResourceId: logicalId,
      ...(options.physicalId !== undefined && { PhysicalResourceId: options.physicalId }),
      ResourceProperties: { ...serviceToken, ...options.properties },
      ...(options.oldProperties && {
        OldResourceProperties: { ...serviceToken, ...options.oldProperties },
      }),
    };
  }

  /** Sends the event, with so many milliseconds of the function's time left, and gives its answer. */
  async function send(event: Event, milliseconds = 60_000): Promise<Answer> {
    const before = callback.received.length;
    const { handler } = await import('../../functions/client-resource.ts');
    await handler(event, { getRemainingTimeInMillis: () => milliseconds });
    return answerOf(callback.received.slice(before).at(-1));
  }

  async function secretValue(name: string): Promise<Record<string, string>> {
    const { SecretString = '' } = await latchkey.secretsManager.send(
      new GetSecretValueCommand({ SecretId: name }),
    );
    return JSON.parse(SecretString);
  }

  return {
    latchkey,
    dynamodb,
    secretsManager,
    callback,
    environment,
    eventOf,
    send,
    request: (type: string, options: EventOptions = {}) => send(eventOf(type, options)),
    /** The item of a client, with all its attributes. */
    clientItem: (clientId: string) => clients.get(clientId),
    client: (clientId: string) => latchkey.stores.clients.find(clientId, { consistent: true }),
    secretValue,
    describeSecret: (name: string) =>
      latchkey.secretsManager.send(new DescribeSecretCommand({ SecretId: name })),
    /** Those scheduled for deletion among them. */
    async secretNames(): Promise<string[]> {
      const { SecretList = [] } = await latchkey.secretsManager.send(
        new ListSecretsCommand({ IncludePlannedDeletion: true, MaxResults: 100 }),
      );
      return SecretList.map(({ Name = '' }) => Name).filter((name) =>
        name.startsWith('latchkey-test/'),
      );
    },
    /** Whether what Secrets Manager has under the name opens the client. */
    async works(clientId: string, name = `latchkey-test/${clientId}`): Promise<boolean> {
      const { client_id, client_secret = '' } = await secretValue(name);
      const client = await latchkey.stores.clients.find(clientId, { consistent: true });
      return client_id === clientId && verifyClientSecret(client, client_secret, nowInSeconds());
    },
    /** Undoes what a test did to the proxies and to the callback. */
    reset() {
      for (const proxy of [dynamodb, secretsManager]) {
        proxy.fault = () => undefined;
        proxy.carriedOut = () => undefined;
      }
      callback.statuses.length = 0;
    },
    async close() {
      await callback.close();
      await dynamodb.close();
      await secretsManager.close();
      await latchkey.close();
    },
  };
}

export function answerOf(received: Callback | undefined): Answer {
  if (received === undefined) throw new Error('no answer came');
  return JSON.parse(received.text);
}

/** What stands for S3: answers what it is told to, and 200 from then on. */
async function startCallback() {
  const received: Callback[] = [];
  const statuses: (number | 'hang' | 'reset')[] = [];
  const server = createServer(async (request, response) => {
    const { method, url = '', headers } = request;
    const status = statuses.shift() ?? 200;
    if (status === 'reset') return request.socket.destroy();
    received.push({ method, url, headers, text: await text(request) });
    if (status !== 'hang') response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What makes the URL a credential. */
    signature: randomUUID(),
    received,
    statuses,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
