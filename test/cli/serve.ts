import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type FunctionName, startLatchkey } from '../support/latchkey.ts';

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** Answers over HTTP on the loopback address. */
export async function serve(
  answer: (request: {
    method: string;
    path: string;
    headers: Record<string, string>;
    body: string;
  }) => Promise<Reply> | Reply,
) {
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const body = await text(request);
    const reply = await answer({ method, path: url, headers: headersOf(request), body });
    response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

const FUNCTIONS: Record<string, FunctionName> = {
  '/oauth/token': 'token',
  '/oauth2/token': 'token',
  '/.well-known/jwks.json': 'jwks',
  '/.well-known/openid-configuration': 'metadata',
  '/.well-known/oauth-authorization-server': 'metadata',
};

/** The functions themselves behind HTTP, as an issuer on the loopback address. Its stage is `test`. */
export async function serveLatchkey() {
  const server = await serve(async ({ method, path, headers, body }) => {
    const name = FUNCTIONS[path];
    if (name === undefined) return { status: 404 };
    const request = { method, path, headers, ...(body !== '' && { body }) };
    const { status, headers: answered, text } = await latchkey.call(name, request);
    return { status, headers: answered, body: text };
  });
  const latchkey = await startLatchkey();
  // The functions read it when they are imported, which is when they are first called.
  process.env.ISSUER = server.origin;
  return {
    ...latchkey,
    issuer: server.origin,
    async close() {
      await server.close();
      await latchkey.close();
    },
  };
}
