import type { RequestOptions } from 'node:http';

export interface JsonResponse {
  status: number;
  /** The parsed body of a 200; undefined for every other status, redirects included. */
  body: unknown;
}

/** GETs a JSON document. Throws where there is no whole answer in time, or it is too large or not JSON. */
export type FetchJson = (url: URL) => Promise<JsonResponse>;

export interface FetchJsonOptions {
  /** Milliseconds for the whole request, from the look-up of the name to the last byte of the body. */
  timeout: number;
  /** Bytes. */
  largestBody: number;
}

const DEFAULTS: FetchJsonOptions = { timeout: 1_500, largestBody: 256 * 1024 };

/**
 * GETs JSON with `node:https`, loaded when first needed. The global `fetch` loads undici, which takes 30 ms, and
 * so does an import of `node:http`, whose names include `WebSocket`: hence `getBuiltinModule`.
 *
 * Follows no redirect, and keeps no connection, since a Lambda may be frozen between two requests and find a kept
 * one dead.
 */
export function createFetchJson(options: Partial<FetchJsonOptions> = {}): FetchJson {
  const { timeout, largestBody } = { ...DEFAULTS, ...options };
  return async (url) => {
    const { request } =
      url.protocol === 'http:'
        ? process.getBuiltinModule('node:http')
        : process.getBuiltinModule('node:https');
    const { promise, resolve, reject } = Promise.withResolvers<JsonResponse>();
    const settings: RequestOptions = { agent: false, headers: { accept: 'application/json' } };
    const outgoing = request(url, settings, (response) => {
      const status = response.statusCode ?? 0;
      response.on('error', reject);
      if (status !== 200) {
        outgoing.destroy();
        resolve({ status, body: undefined });
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > largestBody) outgoing.destroy(new Error(`more than ${largestBody} bytes`));
      });
      response.on('end', () => {
        try {
          resolve({ status, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
        } catch {
          reject(new Error('the answer is not JSON'));
        }
      });
    });
    const timer = setTimeout(() => {
      outgoing.destroy(new Error(`no answer within ${timeout} ms`));
      reject(new Error(`no answer within ${timeout} ms`));
    }, timeout);
    outgoing.on('error', reject);
    outgoing.end();
    return promise.finally(() => clearTimeout(timer));
  };
}
