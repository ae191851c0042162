import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  assembleCast,
  basicOf,
  bodyOf,
  cast,
  FORM,
  GRANT,
  post,
  type Refusal,
  refuses,
} from './refusals.ts';
import { type Answer, accessTokenOf, postJson } from './requests.ts';

const LARGEST_BODY = 16_384;

const MALFORMED: Refusal[] = [
  {
    name: 'an empty body',
    send: () => post(''),
    error: 'invalid_request',
  },
  {
    name: 'a repeated grant_type',
    send: () => post(`${GRANT}&${GRANT}`, basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'a repeated parameter that nobody knows',
    send: () => post(`${GRANT}&x=1&x=2`, basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'a repeated parameter, once encoded',
    send: () => post(`${GRANT}&scope=read&%73cope=write`, basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'a member of JSON that is repeated',
    send: () =>
      postJson(
        '/oauth/token',
        '{"grant_type":"password","grant_type":"client_credentials"}',
        basicOf(cast.service),
      ),
    error: 'invalid_request',
  },
  {
    name: 'a member of JSON that is repeated, once escaped',
    send: () =>
      postJson(
        '/oauth/token',
        '{"grant_type":"password","\\u0067rant_type":"client_credentials"}',
        basicOf(cast.service),
      ),
    error: 'invalid_request',
  },
  {
    name: 'the content type text/plain',
    send: () => post(GRANT, { ...basicOf(cast.service), 'Content-Type': 'text/plain' }),
    error: 'invalid_request',
  },
  {
    name: 'the content type multipart/form-data',
    send: () =>
      post(GRANT, { ...basicOf(cast.service), 'Content-Type': 'multipart/form-data; boundary=x' }),
    error: 'invalid_request',
  },
  {
    name: 'a form in another charset',
    send: () =>
      post(GRANT, {
        ...basicOf(cast.service),
        'Content-Type': `${FORM}; charset=iso-8859-1`,
      }),
    error: 'invalid_request',
  },
  {
    name: 'a form that is not percent-encoded rightly',
    send: () => post(`${GRANT}&scope=%zz`, basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'a form whose encoding is no UTF-8',
    send: () => post(`${GRANT}&scope=%ff`, basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'malformed JSON',
    send: () => postJson('/oauth/token', '{"grant_type":', basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'JSON that is no object',
    send: () => postJson('/oauth/token', '["client_credentials"]', basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'JSON with a value that is no string',
    send: () => postJson('/oauth/token', { grant_type: ['client_credentials'] }),
    error: 'invalid_request',
  },
  {
    name: 'JSON whose secret is a number',
    send: () =>
      postJson('/oauth/token', {
        ...{ grant_type: 'client_credentials', client_id: cast.service.clientId },
        client_secret: 12_345,
      }),
    error: 'invalid_request',
  },
  {
    name: 'a body of more than 16 KB',
    send: () => post(padded(LARGEST_BODY + 1), basicOf(cast.service)),
    status: 413,
    error: 'invalid_request',
  },
  {
    name: 'a body of two megabytes',
    send: () => post(padded(2_000_000), basicOf(cast.service)),
    status: 413,
    error: 'invalid_request',
  },
  {
    name: 'a thousand parameters',
    send: () => post(Array.from({ length: 1000 }, (_, index) => `p${index}=1`).join('&')),
    error: 'invalid_request',
  },
  {
    name: 'a client secret in the query',
    send: () => {
      const query = new URLSearchParams(bodyOf(cast.service));
      return post(GRANT, {}, `?${query}`);
    },
    error: 'invalid_request',
  },
  {
    name: 'a password in the query',
    send: () => post(GRANT, basicOf(cast.service), '?PassWord=x'),
    error: 'invalid_request',
  },
];

const ACCEPTED: { name: string; send: () => Promise<Answer> }[] = [
  { name: 'a form', send: () => post(GRANT, basicOf(cast.service)) },
  {
    name: 'a form that says it is UTF-8',
    send: () =>
      post(GRANT, {
        ...basicOf(cast.service),
        'Content-Type': `${FORM};charset=UTF-8`,
      }),
  },
  {
    name: 'JSON that says it is UTF-8',
    send: () =>
      postJson(
        '/oauth/token',
        { grant_type: 'client_credentials', ...bodyOf(cast.service) },
        { 'Content-Type': 'application/json; charset=utf-8' },
      ),
  },
  {
    name: 'the scheme of Basic in other letters',
    send: () => {
      const { Authorization } = basicOf(cast.service);
      return post(GRANT, { Authorization: Authorization.replace('Basic', 'bASIC') });
    },
  },
  {
    name: 'the client_id of Basic once more in the body',
    send: () => post(`${GRANT}&client_id=${cast.service.clientId}`, basicOf(cast.service)),
  },
  {
    name: 'parameters that nobody knows',
    send: () => post(`${GRANT}&constructor=1&__proto__=2&x=3`, basicOf(cast.service)),
  },
  {
    name: 'empty values, which count as left out',
    send: () => post(`${GRANT}&scope=&audience=&resource=&client_secret=`, basicOf(cast.service)),
  },
  {
    name: 'a body of 16 KB',
    send: () => post(padded(LARGEST_BODY), basicOf(cast.service)),
  },
  {
    name: 'one resource named twice, and as audience',
    send: () =>
      post(
        `${GRANT}&resource=${AUDIENCE}&resource=${AUDIENCE}&audience=${AUDIENCE}`,
        basicOf(cast.broker),
      ),
  },
];

describe('a token request', () => {
  beforeAll(assembleCast);

  it.each(ACCEPTED)('accepts $name', async ({ send }) => {
    const answer = await send();
    expect(accessTokenOf(answer)).toMatch(/^eyJ/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each(MALFORMED)('refuses $name', refuses);
});

function padded(length: number): string {
  return `${GRANT}&x=`.padEnd(length, 'x');
}
