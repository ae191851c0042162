import type { RequestOptions } from 'node:http';
import { isSecureUrl } from '../runtime/secure-url.ts';

/** Delivers an answer to the pre-signed URL, within so many milliseconds. Throws `UndeliveredError`. */
export type Deliver = (url: string, body: string, milliseconds: number) => Promise<void>;

/** An answer that could not be given. The message names neither the URL nor anything of it. */
export class UndeliveredError extends Error {
  override readonly name = 'UndeliveredError';
}

export interface DeliverOptions {
  /** Milliseconds for one attempt. */
  timeout: number;
  /** Milliseconds before each further attempt. */
  pauses: readonly number[];
}

const DEFAULTS: DeliverOptions = { timeout: 3_000, pauses: [200, 600, 1_800] };

/**
 * PUTs answers where CloudFormation waits for them. Attempts end with a 2xx, with an answer that a repetition
 * would not change, or with the time.
 */
export function createDeliver(options: Partial<DeliverOptions> = {}): Deliver {
  const { timeout, pauses } = { ...DEFAULTS, ...options };
  return async (text, body, milliseconds) => {
    const deadline = performance.now() + milliseconds;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !isSecureUrl(url)) {
      throw new UndeliveredError('the ResponseURL is not an https URL');
    }
    for (let attempt = 0; ; attempt += 1) {
      const left = deadline - performance.now();
      const problem = await put(url, body, Math.ceil(Math.max(1, Math.min(timeout, left))));
      if (problem === undefined) return;
      const pause = pauses[attempt];
      const isOver = pause === undefined || performance.now() + pause >= deadline;
      if (isOver || problem.isLasting) {
        throw new UndeliveredError(`${problem.text}, after ${attempt + 1} attempts`);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };
}

interface Problem {
  text: string;
  isLasting: boolean;
}

/** One attempt; undefined where it succeeded. */
async function put(url: URL, body: string, timeout: number): Promise<Problem | undefined> {
  const { request } =
    url.protocol === 'http:'
      ? process.getBuiltinModule('node:http')
      : process.getBuiltinModule('node:https');
  const settings: RequestOptions = {
    method: 'PUT',
    agent: false,
    // S3 checks the signature with the content type that was signed: none.
    headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
    signal: AbortSignal.timeout(timeout),
  };
  return new Promise((resolve) => {
    const outgoing = request(url, settings, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      if (status >= 200 && status < 300) return resolve(undefined);
      const isLasting = status < 500 && status !== 408 && status !== 429;
      resolve({ text: `answered ${status}`, isLasting });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ text: `not reached (${error.code ?? error.name})`, isLasting: false }),
    );
    outgoing.end(body);
  });
}
