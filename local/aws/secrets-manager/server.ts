import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretsManagerError } from './errors.ts';
import type { Members, Operation } from './input.ts';
import { getRandomPassword } from './random-password.ts';
import {
  createRotations,
  type DueRotations,
  type RotationCall,
  type RotationFailure,
} from './rotation.ts';
import { createSecretOperations } from './secret-operations.ts';
import { createSecretStore } from './store.ts';
import { createValueOperations } from './value-operations.ts';

const LOOPBACK = '127.0.0.1';
const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);
const TARGET_PREFIX = 'secretsmanager.';
/** The largest secret is 64 KiB, and JSON can write each of its bytes with six characters. */
const MAXIMUM_BODY_BYTES = 1_048_576;
const CONTENT_TYPE = 'application/x-amz-json-1.1';
const CLOSE_GRACE_MILLISECONDS = 2000;

export interface SecretsManagerOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Keeps the secrets in this JSON file, readable by its owner alone. Absent: in memory. */
  readonly file?: string;
  /** The time, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** Stands for the rotation Lambda: runs one step, and rejects where the function would fail. */
  readonly rotate?: (call: RotationCall) => Promise<void>;
  /** Hears of a step that failed. The default logs the secret's ARN and the step, not the error. */
  readonly onRotationFailure?: (failure: RotationFailure) => void;
  /** The Region and the account that the ARNs name: us-east-1 and 000000000000 by default. */
  readonly region?: string;
  readonly accountId?: string;
}

export interface SecretsManager {
  /** What AWS_ENDPOINT_URL_SECRETS_MANAGER takes, such as `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  /** Rotates, one after another, the enabled secrets whose NextRotationDate has come. */
  runDueRotations(): Promise<DueRotations>;
  /** Resolves when no rotation is running. */
  rotationsSettled(): Promise<void>;
  /** Lets a running rotation finish its step, then stops. Its rest is left for the next start. */
  close(): Promise<void>;
}

function log(message: string, details: Record<string, unknown>): void {
  console.error(JSON.stringify({ level: 'ERROR', message, ...details }));
}

function logRotationFailure({ secretId, step, error }: RotationFailure): void {
  log('A rotation failed', {
    secretId,
    step,
    error: error instanceof Error ? error.name : 'Error',
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAXIMUM_BODY_BYTES) {
      chunks.push(chunk);
    } else {
      chunks.length = 0;
    }
  }
  if (size > MAXIMUM_BODY_BYTES) {
    throw new SecretsManagerError(
      'RequestEntityTooLargeException',
      `The request body is larger than ${MAXIMUM_BODY_BYTES} bytes.`,
    );
  }
  return Buffer.concat(chunks);
}

/** Parses a body or throws a SerializationException that quotes none of it. */
function parseMembers(body: Buffer): Members {
  let parsed: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    parsed = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new SecretsManagerError('SerializationException', 'The request body is not valid JSON.');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new SecretsManagerError('SerializationException', 'The request body is not an object.');
  }
  return parsed as Members;
}

function respond(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': CONTENT_TYPE,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'x-amzn-RequestId': randomUUID(),
  });
  response.end(text);
}

/** A page in a browser cannot reach the secrets by giving its own host name this address. */
function assertLoopbackHost(request: IncomingMessage): void {
  const host = (request.headers.host ?? LOOPBACK).replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK_NAMES.has(host)) {
    throw new SecretsManagerError(
      'AccessDeniedException',
      'This endpoint answers on loopback only.',
    );
  }
}

function selectOperation(
  request: IncomingMessage,
  operations: ReadonlyMap<string, Operation>,
): Operation {
  const target = request.headers['x-amz-target'];
  const name = typeof target === 'string' && target.startsWith(TARGET_PREFIX) ? target : '';
  const operation = operations.get(name.slice(TARGET_PREFIX.length));
  if (request.method !== 'POST' || operation === undefined) {
    throw new SecretsManagerError(
      'UnknownOperationException',
      'The request must be a POST with an X-Amz-Target of secretsmanager.<operation> that this emulator has.',
    );
  }
  return operation;
}

/**
 * Starts an emulator of AWS Secrets Manager on loopback, for local development and for tests. It
 * speaks AWS JSON 1.1, checks no signatures, and handles each request whole or not at all. It
 * rejects where the port is taken or the file is not its own.
 */
export async function startSecretsManager(
  options: SecretsManagerOptions = {},
): Promise<SecretsManager> {
  const { port = 0, file, now = Date.now, rotate } = options;
  const { region = 'us-east-1', accountId = '000000000000' } = options;
  const store = createSecretStore({ now, ...(file !== undefined && { file }) });
  const onRotationFailure = options.onRotationFailure ?? logRotationFailure;
  const rotations = createRotations({ store, now, rotate, onRotationFailure });
  const operations: ReadonlyMap<string, Operation> = new Map(
    Object.entries({
      ...createSecretOperations({ store, now, region, accountId }),
      ...createValueOperations({ store, now }),
      ...rotations.operations,
      GetRandomPassword: getRandomPassword,
    }),
  );

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      assertLoopbackHost(request);
      const operation = selectOperation(request, operations);
      const members = parseMembers(body);
      respond(
        response,
        200,
        store.transact(() => operation(members)),
      );
    } catch (error) {
      if (error instanceof SecretsManagerError) {
        respond(response, error.status, error.toBody());
      } else if (request.complete) {
        log('The Secrets Manager emulator failed', {
          target: request.headers['x-amz-target'],
          error: error instanceof Error ? error.name : 'Error',
          code: error instanceof Error && 'code' in error ? error.code : undefined,
        });
        const failure = new SecretsManagerError(
          'InternalServiceError',
          'An error occurred on the server side.',
        );
        respond(response, failure.status, failure.toBody());
      }
    }
  }

  const server = createServer((request, response) => void handle(request, response));
  server.on('clientError', (_error, socket) => {
    const malformed = new SecretsManagerError('SerializationException', 'This is not HTTP/1.1.');
    const body = JSON.stringify(malformed.toBody());
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: ${CONTENT_TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => resolve());
  });
  const address = server.address() as AddressInfo;

  return {
    endpoint: `http://${LOOPBACK}:${address.port}`,
    runDueRotations: rotations.runDue,
    rotationsSettled: rotations.settled,
    async close() {
      rotations.stop();
      const grace = new Promise<void>((resolve) => {
        setTimeout(resolve, CLOSE_GRACE_MILLISECONDS).unref();
      });
      await Promise.race([rotations.settled(), grace]);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
