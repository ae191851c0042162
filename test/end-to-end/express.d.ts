/** As much of Express as the tests use, which comes without types. */
declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface Request extends IncomingMessage {
    auth?: { header: Record<string, unknown>; payload: Record<string, unknown>; token: string };
  }
  export interface Response extends ServerResponse {
    json(body: unknown): void;
  }
  export type Handler = (
    request: Request,
    response: Response,
    next: (error?: unknown) => void,
  ) => unknown;
  export interface Application {
    (request: IncomingMessage, response: ServerResponse): void;
    get(path: string, ...handlers: Handler[]): void;
  }
  export default function express(): Application;
}
