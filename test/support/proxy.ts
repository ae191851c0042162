import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the proxy does to a call instead of passing it on and its answer back. */
export type Fault =
  /** Answered as AWS answers when there are too many. */
  | 'throttle'
  /** Answered as AWS answers when something broke there. */
  | 'break'
  /** Never answered. */
  | 'hang'
  /** The connection is cut before the call reaches the store. */
  | 'reset'
  /** The call is carried out, and its answer lost: the SDK will repeat it. */
  | 'lose-answer'
  /** The call is carried out twice. */
  | 'duplicate';

export interface Call {
  /** `GetItem`, `PutItem`, `GetSecretValue`… */
  operation: string;
  /** Counts the calls of the operation from 1. */
  count: number;
}

export interface FaultProxy {
  endpoint: string;
  /** The operations, in the order they came. */
  calls: string[];
  /** How often the SDK tried each of its calls, by the id that it gives them. */
  attempts: Map<string, number>;
  /** Decides about each call. */
  fault: (call: Call) => Fault | undefined | Promise<Fault | undefined>;
  /** Hears of each call that was carried out, before its answer is passed back. */
  carriedOut: (call: Call) => void | Promise<void>;
  close(): Promise<void>;
}

/** A proxy in front of a local AWS service that observes the calls, and spoils those that a test names. */
export async function startProxy(target: string): Promise<FaultProxy> {
  const counts = new Map<string, number>();
  const server = createServer(async (incoming, outgoing) => {
    const body = await read(incoming);
    const operation = `${incoming.headers['x-amz-target']}`.split('.').at(-1) ?? '';
    const count = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, count);
    proxy.calls.push(operation);
    const invocation = `${incoming.headers['amz-sdk-invocation-id']}`;
    proxy.attempts.set(invocation, (proxy.attempts.get(invocation) ?? 0) + 1);
    const call = { operation, count };
    const fault = await proxy.fault(call);
    switch (fault) {
      case 'throttle':
        return answerError(outgoing, 400, 'ThrottlingException');
      case 'break':
        return answerError(outgoing, 500, 'InternalServerError');
      case 'hang':
        return;
      case 'reset':
        incoming.socket.destroy();
        return;
    }
    if (fault === 'duplicate') await forward(target, incoming, body);
    const answer = await forward(target, incoming, body);
    await proxy.carriedOut(call);
    if (fault === 'lose-answer') {
      incoming.socket.destroy();
      return;
    }
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    attempts: new Map(),
    fault: () => undefined,
    carriedOut: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

function answerError(response: ServerResponse, status: number, type: string): void {
  response
    .writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' })
    .end(JSON.stringify({ __type: type, message: 'made by the test' }));
}

function forward(target: string, incoming: IncomingMessage, body: Buffer) {
  return new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>(
    (resolve, reject) => {
      const { method = 'POST', headers, url = '/' } = incoming;
      const outgoing = request(target + url, { method, headers, agent: false }, async (answer) => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: await read(answer),
        });
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    },
  );
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
