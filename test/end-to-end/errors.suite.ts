import { beforeAll, describe, expect, it } from 'vitest';
import type { ClientParty } from './parties.ts';
import {
  AUDIENCE,
  assembleCast,
  basicOf,
  bodyOf,
  cast,
  GRANT,
  OTHER_AUDIENCE,
  post,
  type Refusal,
  refuses,
  signIn,
} from './refusals.ts';
import {
  type Answer,
  accessTokenOf,
  basic,
  bearer,
  type Fields,
  postForm,
  request,
} from './requests.ts';

const CHALLENGE = 'Basic realm="latchkey"';

const UNAUTHENTICATED: Refusal[] = [
  {
    name: 'no client at all',
    send: () => post(GRANT),
    error: 'invalid_client',
  },
  {
    name: 'a wrong secret in Basic',
    send: () => post(GRANT, basic(cast.service.clientId, 'a-wrong-secret')),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'a wrong secret in the body',
    send: () => post(`${GRANT}&client_secret=a-wrong-secret&client_id=${cast.service.clientId}`),
    error: 'invalid_client',
  },
  {
    name: 'the secret of another client',
    send: () => post(GRANT, basic(cast.service.clientId, cast.worker.clientSecret)),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'an unknown client',
    send: () => post(GRANT, basic('nobody', 'a-wrong-secret')),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'a disabled client with its secret',
    send: () => post(GRANT, basicOf(cast.disabled)),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'an empty secret, which counts as absent, of a confidential client',
    send: () => post(`${GRANT}&client_secret=&client_id=${cast.service.clientId}`),
    error: 'invalid_client',
  },
  {
    name: 'an empty secret in Basic',
    send: () => post(GRANT, credentials(`${cast.service.clientId}:`)),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'a public client with a secret',
    send: () => post(`grant_type=password&client_secret=guessed&client_id=${cast.app.clientId}`),
    error: 'invalid_client',
  },
  {
    name: 'a secret in the body of a client that is to use Basic',
    send: () =>
      postForm('/oauth/token', { grant_type: 'client_credentials', ...bodyOf(cast.worker) }),
    error: 'invalid_client',
  },
  {
    name: 'Basic that is no base64',
    send: () => post(GRANT, { Authorization: 'Basic !!!' }),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'Basic in base64url',
    send: () => post(GRANT, { Authorization: 'Basic Pz8_Oj8-' }),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'Basic without padding',
    send: () => post(GRANT, { Authorization: 'Basic YTpi'.concat('Yg') }),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'Basic without a colon',
    send: () => post(GRANT, credentials('nocolon')),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'Basic without anything',
    send: () => post(GRANT, { Authorization: 'Basic' }),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'Basic whose halves are not form-encoded rightly',
    send: () => post(GRANT, credentials(`${cast.service.clientId}:%zz`)),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'a scheme other than Basic',
    send: () => post(GRANT, bearer('token')),
    error: 'invalid_client',
    challenge: CHALLENGE,
  },
  {
    name: 'two ways of authentication',
    send: () => post(`${GRANT}&client_secret=${cast.service.clientSecret}`, basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'a client_id that differs from the one in Basic',
    send: () => post(`${GRANT}&client_id=${cast.worker.clientId}`, basicOf(cast.service)),
    error: 'invalid_request',
  },
];

const NOT_GRANTED: Refusal[] = [
  {
    name: 'a grant type that is left out',
    send: () => post('scope=read', basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'an empty grant type, which counts as left out',
    send: () => post('grant_type=', basicOf(cast.service)),
    error: 'invalid_request',
  },
  {
    name: 'an unknown grant type',
    send: () => post('grant_type=urn:example:unknown', basicOf(cast.service)),
    error: 'unsupported_grant_type',
  },
  {
    name: 'a grant type in other letters',
    send: () => post('grant_type=Client_Credentials', basicOf(cast.service)),
    error: 'unsupported_grant_type',
  },
  {
    name: 'a grant type that is not the client’s',
    send: () => post('grant_type=password&username=a&password=b', basicOf(cast.worker)),
    error: 'unauthorized_client',
  },
  {
    name: 'client_credentials of a public client',
    send: () => post(`${GRANT}&client_id=${cast.app.clientId}`),
    error: 'unauthorized_client',
  },
  {
    name: 'an unknown scope',
    send: () => post(`${GRANT}&scope=read+unknown`, basicOf(cast.service)),
    error: 'invalid_scope',
  },
  {
    name: 'a scope that is defined but not granted',
    send: () => post(`${GRANT}&scope=admin`, basicOf(cast.service)),
    error: 'invalid_scope',
  },
  {
    name: 'a scope of another resource server',
    send: () => post(`${GRANT}&audience=${AUDIENCE}&scope=other:read`, basicOf(cast.broker)),
    error: 'invalid_scope',
  },
  {
    name: 'a scope in other letters',
    send: () => post(`${GRANT}&scope=READ`, basicOf(cast.service)),
    error: 'invalid_scope',
  },
  {
    name: 'a malformed scope',
    send: () => post(`${GRANT}&scope=%22read%22`, basicOf(cast.service)),
    error: 'invalid_scope',
  },
  {
    name: 'scopes two spaces apart',
    send: () => post(`${GRANT}&scope=read++write`, basicOf(cast.service)),
    error: 'invalid_scope',
  },
  {
    name: 'an unknown audience',
    send: () => post(`${GRANT}&audience=unknown`, basicOf(cast.service)),
    error: 'invalid_target',
  },
  {
    name: 'an audience that exists but is not granted',
    send: () => post(`${GRANT}&audience=${OTHER_AUDIENCE}`, basicOf(cast.service)),
    error: 'invalid_target',
  },
  {
    name: 'an unknown resource',
    send: () => post(`${GRANT}&resource=https://unknown.example`, basicOf(cast.service)),
    error: 'invalid_target',
  },
  {
    name: 'two resources at once',
    send: () =>
      post(`${GRANT}&resource=${AUDIENCE}&resource=${OTHER_AUDIENCE}`, basicOf(cast.broker)),
    error: 'invalid_target',
  },
  {
    name: 'no audience where the client has two',
    send: () => post(GRANT, basicOf(cast.broker)),
    error: 'invalid_target',
  },
  {
    name: 'a password login without a username',
    send: () => signIn({ password: 'whatever' }),
    error: 'invalid_request',
  },
  {
    name: 'a password login without a password',
    send: () => signIn({ username: cast.user.username, password: '' }),
    error: 'invalid_request',
  },
  {
    name: 'a wrong password',
    send: () => signIn({ username: cast.user.username, password: 'a wrong password' }),
    error: 'invalid_grant',
  },
  {
    name: 'an unknown user',
    send: () => signIn({ username: 'nobody', password: 'a wrong password' }),
    error: 'invalid_grant',
  },
  {
    name: 'a login for scopes of which the user may have none',
    send: () => signIn({ ...login(), scope: 'write' }),
    error: 'invalid_scope',
  },
];

const REFRESH: Refusal[] = [
  {
    name: 'no token',
    send: () => request('/oauth/refresh', { method: 'POST' }),
    error: 'invalid_token',
    challenge: 'Bearer realm="latchkey"',
  },
  {
    name: 'what is no token',
    send: () => postForm('/oauth/refresh', {}, bearer('garbage')),
    error: 'invalid_token',
    challenge: 'Bearer realm="latchkey", error="invalid_token"',
  },
  {
    name: 'a token with another signature',
    send: async () => {
      const parts = accessTokenOf(await signIn(login())).split('.');
      const forged = [...parts.slice(0, 2), parts[2]?.split('').reverse().join('')].join('.');
      return postForm('/oauth/refresh', {}, bearer(forged));
    },
    error: 'invalid_token',
    challenge: 'Bearer realm="latchkey", error="invalid_token"',
  },
  {
    name: 'a token in the query',
    send: async () => {
      const token = accessTokenOf(await signIn(login()));
      return postForm(`/oauth/refresh?access_token=${token}`, {});
    },
    error: 'invalid_request',
  },
  {
    name: 'a token in two places',
    send: async () => {
      const token = accessTokenOf(await signIn(login()));
      return postForm('/oauth/refresh', { access_token: token }, bearer(token));
    },
    error: 'invalid_request',
  },
  {
    name: 'a token of a confidential client that does not authenticate',
    send: async () => {
      const token = accessTokenOf(await signInAt(cast.service));
      return postForm('/oauth/refresh', {}, bearer(token));
    },
    error: 'invalid_client',
  },
  {
    name: 'a token of a confidential client with a wrong secret',
    send: async () => {
      const token = accessTokenOf(await signInAt(cast.service));
      const wrong = { client_id: cast.service.clientId, client_secret: 'a-wrong-secret' };
      return postForm('/oauth/refresh', wrong, bearer(token));
    },
    error: 'invalid_client',
  },
  {
    name: 'a token of another client',
    send: async () => {
      const token = accessTokenOf(await signIn(login()));
      return postForm('/oauth/refresh', bodyOf(cast.service), bearer(token));
    },
    error: 'invalid_grant',
  },
  {
    name: 'a token of a machine',
    send: async () => {
      const token = accessTokenOf(await post(GRANT, basicOf(cast.service)));
      return postForm('/oauth/refresh', bodyOf(cast.service), bearer(token));
    },
    error: 'invalid_grant',
  },
];

describe('the token endpoint', () => {
  beforeAll(assembleCast);

  it.each(UNAUTHENTICATED)('refuses $name', refuses);
  it.each(NOT_GRANTED)('refuses $name', refuses);

  it('tells unknown, disabled and wrong apart to nobody', async () => {
    const answers = await Promise.all([
      post(GRANT, basic('nobody', 'a-wrong-secret')),
      post(GRANT, basic(cast.service.clientId, 'a-wrong-secret')),
      post(GRANT, basicOf(cast.disabled)),
      post(GRANT, { Authorization: 'Basic !!!' }),
    ]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const logins = await Promise.all([
      signIn({ username: 'nobody at all', password: 'a wrong password' }),
      signIn({ username: cast.user.username, password: 'another wrong password' }),
    ]);
    expect(new Set(logins.map(({ text }) => text)).size).toBe(1);
  });

  it('slows down who guesses passwords, and nobody else', async () => {
    const { user, service } = cast;
    const from = (source: string, password: string) =>
      postForm(
        '/oauth/token',
        { grant_type: 'password', username: user.username, password },
        { ...basicOf(service), 'Auth0-Forwarded-For': source },
      );
    // The window may close once in between.
    let answer = await from('203.0.113.9', 'guess number 0');
    for (let guess = 1; answer.status === 400 && guess <= 20; guess += 1) {
      answer = await from('203.0.113.9', `guess number ${guess}`);
    }
    expect(answer.status).toBe(429);
    expect(answer.body.error).toBe('too_many_attempts');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await from('203.0.113.9', user.password)).status).toBe(429);
    expect((await from('198.51.100.7', user.password)).status).toBe(200);
  });
});

describe('the refresh endpoint', () => {
  beforeAll(assembleCast);

  it.each(REFRESH)('refuses $name', refuses);
});

function credentials(text: string) {
  return { Authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

function login(): Fields {
  return { username: cast.user.username, password: cast.user.password };
}

function signInAt(client: ClientParty): Promise<Answer> {
  const fields = { grant_type: 'password', audience: AUDIENCE, ...login() };
  return postForm('/oauth/token', fields, basicOf(client));
}
