import { afterEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { createRequestToken } from '../../lib/service-clients/request-token.ts';
import {
  answer,
  type Behaviour,
  hang,
  stall,
  startIssuer,
  type TestIssuer,
} from '../support/issuer.ts';

let issuer: TestIssuer | undefined;
afterEach(async () => {
  await issuer?.close();
});

async function ask(behaviour: Behaviour, request: object = {}) {
  issuer = await startIssuer();
  issuer.behaviour.every = behaviour;
  return createRequestToken({ timeout: 300, largestBody: 100 })({
    issuer: issuer.issuer,
    clientId: 'service',
    clientSecret: 'secret',
    ...request,
  });
}

describe('a request for a token', () => {
  it('has Basic, form-encoded, and a form, at the path that Cognito has', async () => {
    const seen: unknown[] = [];
    const behaviour: Behaviour = async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const { method, url, headers } = incoming;
      seen.push({ method, url, form: Buffer.concat(chunks).toString() });
      seen.push(headers.authorization, headers['content-type']);
      response.end('{"access_token":"x"}');
    };
    const asked = { clientId: 'a b/ü', clientSecret: 'c:d+', scope: 'x/a x/b' };
    expect(await ask(behaviour, asked)).toEqual({ status: 200, body: { access_token: 'x' } });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/oauth2/token',
        form: 'grant_type=client_credentials&scope=x%2Fa+x%2Fb',
      },
      `Basic ${Buffer.from('a+b%2F%C3%BC:c%3Ad%2B').toString('base64')}`,
      'application/x-www-form-urlencoded',
    ]);
  });

  it.each([
    { name: 'an error', behaviour: answer(401, '{"error":"invalid_client"}'), status: 401 },
    {
      name: 'a redirect, which is not followed',
      behaviour: answer(302, '', { location: '/x' }),
      status: 302,
    },
    { name: 'no JSON', behaviour: answer(200, '<html>'), status: 200 },
    { name: 'JSON that is no object', behaviour: answer(200, 'null'), status: 200 },
  ])('tells of $name', async ({ behaviour, status }) => {
    const told = await ask(behaviour);
    expect(told.status).toBe(status);
    expect(told.body.access_token).toBeUndefined();
    expect(issuer?.requests).toEqual(['/oauth2/token']);
  });

  it.each([
    { name: 'an answer', behaviour: hang },
    { name: 'the rest of it', behaviour: stall },
    { name: 'the end of one that is too long', behaviour: answer(200, 'x'.repeat(101)) },
  ])('does not wait for $name', async ({ behaviour }) => {
    await expect(ask(behaviour)).rejects.toThrow();
  });

  it('sends no credentials in the clear to another machine', async () => {
    const request = { issuer: 'http://192.0.2.1', clientId: 'a', clientSecret: 'canary' };
    const asked = createRequestToken({ timeout: 300 })(request);
    await expect(asked).rejects.toThrow(RefusedError);
    await expect(asked).rejects.toThrow('http://192.0.2.1 is not https');
  });

  it('fails where nothing listens', async () => {
    const request = { issuer: 'http://127.0.0.1:1', clientId: 'a', clientSecret: 'b' };
    await expect(createRequestToken()(request)).rejects.toThrow('ECONNREFUSED');
  });
});
