import { beforeEach, expect, it } from 'vitest';
import { logRefusals } from '../../lib/lambda/refusal-log.ts';
import { OAuthError } from '../../lib/oauth/errors.ts';
import { TimeOverError } from '../../lib/runtime/invocation-signal.ts';
import type { LogFields } from '../../lib/runtime/log.ts';
import { surround } from './surround.ts';

let lines: [level: string, message: string, fields: LogFields | undefined][];
beforeEach(() => {
  lines = [];
});
const at = (level: string) => (message: string, fields?: LogFields) =>
  void lines.push([level, message, fields]);
const log = { info: at('info'), warn: at('warn'), error: at('error') };

const request = {
  path: '/oauth/token',
  query: 'access_token=hunter2',
  headers: { authorization: 'Basic hunter2', 'user-agent': 'hunter2' },
  body: { client_secret: 'hunter2' },
};

it.each([
  {
    name: 'a refusal of what the client did is news',
    error: new OAuthError('invalid_client', 'Client authentication failed', { detail: 'unknown' }),
    level: 'info',
    fields: { error: 'invalid_client', detail: 'unknown', status: 401 },
  },
  {
    name: 'a refusal without a detail is logged in its public words',
    error: new OAuthError('invalid_request', 'The body is too large', { status: 413 }),
    level: 'info',
    fields: { error: 'invalid_request', detail: 'The body is too large', status: 413 },
  },
  {
    name: 'a fault of ours is an error',
    error: new TimeOverError(),
    level: 'error',
    fields: {
      error: 'temporarily_unavailable',
      detail: 'the time of the function ran out',
      status: 503,
    },
  },
])('$name, and of the request only its method and route are told', async (row) => {
  const answer = surround(logRefusals(log), () => Promise.reject(row.error), request);
  await expect(answer).rejects.toBe(row.error);
  const fields = { ...row.fields, method: 'POST', route: 'ANY /oauth/token' };
  expect(lines).toEqual([[row.level, 'request refused', fields]]);
});

it('an answer leaves no line', async () => {
  await surround(logRefusals(log), async () => ({ statusCode: 200 }), request);
  expect(lines).toEqual([]);
});
