import { expect, it } from 'vitest';
import { answerErrors } from '../../lib/lambda/errors.ts';
import { surround } from './surround.ts';

const page = { status: 400, headers: { 'Content-Type': 'text/html' }, body: '<p>No' };

it('what is thrown becomes the response that was asked for', async () => {
  const thrown: unknown[] = [];
  function toResponse(error: unknown) {
    thrown.push(error);
    return page;
  }
  const error = new Error('broken');
  expect(await surround(answerErrors(toResponse), () => Promise.reject(error))).toEqual({
    statusCode: 400,
    headers: page.headers,
    body: page.body,
  });
  expect(thrown).toEqual([error]);
});

it('an answer stays as it is', async () => {
  const answer = { statusCode: 200, headers: {}, body: '{}' };
  expect(
    await surround(
      answerErrors(() => page),
      async () => answer,
    ),
  ).toBe(answer);
});
