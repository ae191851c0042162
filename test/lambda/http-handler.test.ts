import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HttpRequest } from '../../lib/http/http.ts';
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
  endpoint: (
    request: HttpRequest,
  ) => Promise<{ status: number; headers: Record<string, string>; body: string }>,
  request: TestRequest = {},
  context: object = {},
): Promise<Answer> {
  const handler = lambdaHandler(endpoint, { log });
  // biome-ignore lint/suspicious/noExplicitAny: the context of a test has what the test needs
  return (await handler(eventOf(request), context as any)) as Answer;
}
const ok = async () => ({ status: 200, headers: {}, body: '{}' });

describe('a request', () => {
  it('has its header names in lower case, whatever the gateway sends', async () => {
    const endpoint = vi.fn(ok);
    await answerTo(endpoint, { headers: { 'Content-Type': 'a/b', AUTHORIZATION: 'x' } });
    expect(endpoint).toHaveBeenCalledWith(
      expect.objectContaining({ headers: { 'content-type': 'a/b', authorization: 'x' } }),
    );
  });

  it('that is no request is a fault of whoever sent it, answered without a word about why', async () => {
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
      'Access-Control-Allow-Origin': '*',
    });
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
