import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CookieOptions, createCookie } from '../../lib/http/cookies.ts';
import { createEndpoint, type Endpoint } from '../../lib/http/endpoint.ts';
import { namedOrigins } from '../../lib/http/origins.ts';
import { redirect } from '../../lib/http/response.ts';
import { lambdaHandler } from '../../lib/lambda/http-handler.ts';
import type { LogFields } from '../../lib/runtime/log.ts';
import { eventOf, type TestRequest } from '../support/latchkey.ts';

const lines: { level: string; message: string; fields: LogFields | undefined }[] = [];
const at = (level: string) => (message: string, fields?: LogFields) =>
  void lines.push({ level, message, fields });
const log = { info: at('info'), warn: at('warn'), error: at('error') };
afterEach(() => {
  lines.length = 0;
});

type Answer = { statusCode: number; headers: Record<string, string>; body: string };

async function answerTo(
  endpoint: Endpoint,
  request: TestRequest = {},
  context: object = {},
): Promise<Answer> {
  const handler = lambdaHandler(endpoint, { log });
  // biome-ignore lint/suspicious/noExplicitAny: the context of a test has what the test needs
  return (await handler(eventOf(request), context as any)) as Answer;
}
const session: CookieOptions = {
  name: '__Host-session',
  value: 'id',
  path: '/',
  sameSite: 'Lax',
  httpOnly: true,
  secure: true,
};
const ok = async () => ({ status: 200, headers: {}, body: '{}' });

describe('a request', () => {
  it('has its header names in lower case, whatever the gateway sends', async () => {
    const endpoint = vi.fn(ok);
    await answerTo(endpoint, { headers: { 'Content-Type': 'a/b', AUTHORIZATION: 'x' } });
    expect(endpoint).toHaveBeenCalledWith(
      expect.objectContaining({ headers: { 'content-type': 'a/b', authorization: 'x' } }),
    );
  });

  it('that is no request is a fault of its sender, answered without a word about why', async () => {
    const handler = lambdaHandler(ok, { log });
    // biome-ignore lint/suspicious/noExplicitAny: this is the point
    const answer = (await handler({} as any, {} as any)) as Answer;
    expect(answer.statusCode).toBe(500);
    expect(JSON.parse(answer.body)).toEqual({
      error: 'server_error',
      error_description: 'The service failed to answer',
    });
  });
});

describe('an answer', () => {
  it('has the headers that keep browsers from guessing', async () => {
    expect((await answerTo(ok)).headers).toMatchObject({
      'X-Content-Type-Options': 'nosniff',
      'Strict-Transport-Security': 'max-age=31536000',
    });
  });

  it.each([
    { name: 'an answer', endpoint: ok, request: {} },
    { name: 'a refusal', endpoint: () => Promise.reject(new Error('broken')), request: {} },
    { name: 'the refusal of a body', endpoint: ok, request: { body: '!', isBase64Encoded: true } },
  ])('tells pages nothing where the endpoint says nothing of origins: $name', async (row) => {
    const headers = { origin: 'https://app.example' };
    const answer = await answerTo(row.endpoint, { ...row.request, headers });
    expect(Object.keys(answer.headers).filter((name) => /^(access-c|vary)/i.test(name))).toEqual(
      [],
    );
  });

  it.each([
    { name: 'an answer', endpoint: ok },
    { name: 'a refusal', endpoint: () => Promise.reject(new Error('broken')) },
  ])('tells the page of an origin that the endpoint names: $name', async (row) => {
    const origins = namedOrigins(['https://app.example']);
    const endpoint = createEndpoint({ methods: ['POST'], origins }, row.endpoint);
    const answer = await answerTo(endpoint, { headers: { origin: 'https://app.example' } });
    expect(answer.headers['Access-Control-Allow-Origin']).toBe('https://app.example');
  });

  it('to an error is what the endpoint wants it to be, logged and with all headers', async () => {
    const page = { status: 400, headers: { 'Content-Type': 'text/html' }, body: '<p>No' };
    const handler = lambdaHandler(() => Promise.reject(new Error('broken')), {
      log,
      toResponse: () => page,
    });
    // biome-ignore lint/suspicious/noExplicitAny: the context of a test has what the test needs
    const answer = (await handler(eventOf({}), {} as any)) as Answer;
    expect(answer).toMatchObject({ statusCode: 400, body: '<p>No' });
    expect(answer.headers).toMatchObject({
      'Content-Type': 'text/html',
      'X-Content-Type-Options': 'nosniff',
    });
    expect(lines).toHaveLength(1);
  });

  it("that redirects and sets cookies does so in API Gateway's words", async () => {
    const cookies = [
      createCookie(session),
      createCookie({ ...session, name: '__Host-state', value: '', maxAge: 0 }),
    ];
    const answer = await answerTo(async () => redirect('/keys', cookies));
    expect(answer).toMatchObject({
      statusCode: 303,
      headers: { Location: '/keys', 'Cache-Control': 'no-store' },
      cookies: [
        '__Host-session=id; Path=/; SameSite=Lax; HttpOnly; Secure',
        '__Host-state=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly; Secure',
      ],
    });
  });

  it('without cookies says nothing of them', async () => {
    expect(await answerTo(ok)).not.toHaveProperty('cookies');
  });

  it('with a cookie that cannot be sent is a fault of ours, and sets none', async () => {
    const spoiled = { ...session, value: 'a; Domain=example' };
    const answer = await answerTo(async () => redirect('/keys', [createCookie(spoiled)]));
    expect(answer.statusCode).toBe(500);
    expect(answer).not.toHaveProperty('cookies');
    expect(JSON.stringify(lines)).not.toContain('Domain');
  });

  it('to an unforeseen error says nothing, and the log says where, but not what', async () => {
    const answer = await answerTo(async () => {
      throw new Error('the password was hunter2');
    });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('hunter2');
    expect(lines).toEqual([
      {
        level: 'error',
        message: 'request refused',
        fields: expect.objectContaining({ error: 'server_error' }),
      },
    ]);
    const { detail } = lines[0]?.fields ?? {};
    expect(detail).toMatch(/^Error at .*http-handler\.test\.ts/);
    expect(detail).not.toContain('hunter2');
  });

  it('comes before the time of the function runs out: 503, to come again', async () => {
    const answer = await answerTo(
      () => new Promise(() => undefined),
      {},
      {
        getRemainingTimeInMillis: () => 300,
      },
    );
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['Retry-After']).toBe('2');
    expect(lines[0]).toMatchObject({
      level: 'error',
      fields: { detail: 'the time of the function ran out' },
    });
  });
});
