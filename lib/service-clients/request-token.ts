import type { RequestOptions } from 'node:http';
import { endpointBase } from '../oauth/metadata.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { isSecureUrl } from '../runtime/secure-url.ts';

export interface TokenRequest {
  /** The issuer, or where its endpoints are. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Separated by spaces. All that the client is granted, where left out. */
  scope?: string | undefined;
}

export interface TokenAnswer {
  status: number;
  /** The members of the JSON object that was answered; none where it was something else. */
  body: Readonly<Record<string, unknown>>;
}

/**
 * Asks for a token as a service client does. Throws where there is no whole answer in time.
 *
 * @throws {RefusedError} where the credentials would be sent in the clear
 */
export type RequestToken = (request: TokenRequest) => Promise<TokenAnswer>;

export interface RequestTokenOptions {
  /** Milliseconds for the whole request. */
  timeout: number;
  /** Bytes. */
  largestBody: number;
}

const DEFAULTS: RequestTokenOptions = { timeout: 5_000, largestBody: 64 * 1024 };

/** With Basic and a form, at Cognito's path; `node:https` for the reasons that `fetch-json.ts` gives. */
export function createRequestToken(options: Partial<RequestTokenOptions> = {}): RequestToken {
  const { timeout, largestBody } = { ...DEFAULTS, ...options };
  return async ({ issuer, clientId, clientSecret, scope }) => {
    const url = new URL(`${endpointBase(issuer)}/oauth2/token`);
    assertSecure(url);
    const { request } =
      url.protocol === 'http:'
        ? process.getBuiltinModule('node:http')
        : process.getBuiltinModule('node:https');
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) });
    const settings: RequestOptions = {
      method: 'POST',
      agent: false,
      headers: {
        accept: 'application/json',
        authorization: basicAuthorization(clientId, clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      signal: AbortSignal.timeout(timeout),
    };
    const { promise, resolve, reject } = Promise.withResolvers<TokenAnswer>();
    const outgoing = request(url, settings, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= largestBody) return;
        reject(new Error(`more than ${largestBody} bytes`));
        outgoing.destroy();
      });
      response.on('error', reject);
      response.on('end', () => {
        const body = parseObject(Buffer.concat(chunks).toString('utf8'));
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(form.toString());
    return promise;
  };
}

/** @throws {RefusedError} for an http URL of another machine: whoever listens in would have the credentials */
export function assertSecure(url: URL): void {
  if (isSecureUrl(url)) return;
  throw new RefusedError(
    `${url.origin} is not https: credentials are sent without it to this very machine alone`,
  );
}

/** The Authorization header of RFC 6749 section 2.3.1: both halves form-encoded. */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  const [id, secret] = [clientId, clientSecret].map((text) =>
    new URLSearchParams({ '': text }).toString().slice(1),
  );
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
