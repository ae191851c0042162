import { sharedStack } from './shared-stack.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON object; empty where the body is none. */
  body: Record<string, unknown>;
}

export type Fields = Readonly<Record<string, string>>;

/** Requests to the shared stack, by path. */
export async function request(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(new URL(path, sharedStack().issuer), init);
  const text = await response.text();
  const isJson = /^application\/json/.test(response.headers.get('content-type') ?? '');
  const body = isJson && text !== '' ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, body };
}

export function postForm(path: string, fields: Fields | string, headers: Fields = {}) {
  return request(path, { method: 'POST', headers, body: new URLSearchParams(fields) });
}

export function postJson(path: string, body: unknown, headers: Fields = {}) {
  return request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

/** RFC 6749 section 2.3.1, for ids and secrets that form-encoding leaves alone. */
export function basic(clientId: string, clientSecret: string): { Authorization: string } {
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  sharedStack().canary.keep('Basic credentials', credentials);
  return { Authorization: `Basic ${credentials}` };
}

/** The access token of an answer that has one. */
export function accessTokenOf({ status, body, text }: Answer): string {
  if (status === 200 && typeof body.access_token === 'string') return body.access_token;
  throw new Error(`no token but ${status} ${text}`);
}

/** A JWT's two halves that can be read, unverified. */
export function decode(jwt: string) {
  const [header, claims] = jwt
    .split('.')
    .slice(0, 2)
    .map((part): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header: header ?? {}, claims: claims ?? {} };
}
