import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { GRACE } from '../../lib/refresh-tokens/refresh-token.ts';
import { setPassword } from '../../lib/users/registration.ts';
import { startLatchkey, type TestLatchkey } from '../support/latchkey.ts';

const PASSWORD = 'correct horse battery';
const IDLE = 3600;
const ABSOLUTE = 10_000;

let latchkey: TestLatchkey;
let confidentialSecret: string;

beforeAll(async () => {
  latchkey = await startLatchkey();
  await latchkey.createKeys();
  const api = await latchkey.addResourceServer({
    identifier: 'api',
    scopes: { read: 'Read', write: 'Write' },
    accessTokenLifetime: 300,
  });
  const registration = {
    grantTypes: ['password', 'client_credentials'],
    audiences: [api],
    refreshIdleLifetime: IDLE,
    refreshAbsoluteLifetime: ABSOLUTE,
  };
  await latchkey.addClient({
    ...registration,
    name: 'App',
    clientId: 'app',
    isPublic: true,
    grantTypes: ['password'],
  });
  const added = await latchkey.addClient({ ...registration, name: 'Backend', clientId: 'backend' });
  confidentialSecret = added.clientSecret;
});
afterAll(() => latchkey.close());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

let users = 0;
/** A new user who has just logged in; the access token. */
async function login(clientId = 'app'): Promise<{ token: string; username: string; sub: string }> {
  users += 1;
  const username = `user${users}`;
  const { sub } = await latchkey.addUser({
    username,
    password: PASSWORD,
    permissions: ['read', 'write'],
  });
  const { json } = await latchkey.token({
    grant_type: 'password',
    client_id: clientId,
    ...(clientId === 'backend' && { client_secret: confidentialSecret }),
    username,
    password: PASSWORD,
  });
  return { token: json.access_token, username, sub };
}

/** Moves the clock of the functions. */
function pass(seconds: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1000 });
}

async function expectRefused(token: string): Promise<void> {
  const { status, json } = await latchkey.refresh(token);
  expect(json).toEqual({
    error: 'invalid_grant',
    error_description: 'The access token cannot be refreshed',
  });
  expect(status).toBe(400);
}

describe('refreshing', () => {
  it('gives a new access token for the one before, and no refresh token', async () => {
    const { token, sub } = await login();
    const { status, json, headers } = await latchkey.refresh(token);
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(['access_token', 'expires_in', 'token_type']);
    expect(json.access_token).not.toBe(token);
    expect(decodeJwt(json.access_token)).toMatchObject({
      sub,
      client_id: 'app',
      scope: 'read write',
    });
    expect(headers['Cache-Control']).toBe('no-store');
  });

  it('goes on from token to token', async () => {
    let { token } = await login();
    for (let round = 0; round < 4; round += 1) {
      const { status, json } = await latchkey.refresh(token);
      expect(status).toBe(200);
      token = json.access_token;
    }
  });

  it('takes an expired access token', async () => {
    const { token } = await login();
    pass(IDLE - 10);
    expect((await latchkey.refresh(token)).status).toBe(200);
  });

  it('takes the access token in the body, where the header authenticates the client', async () => {
    const { token } = await login('backend');
    const basic = Buffer.from(`backend:${confidentialSecret}`).toString('base64');
    const { status } = await latchkey.call('refresh', {
      body: { access_token: token },
      headers: { authorization: `Basic ${basic}` },
    });
    expect(status).toBe(200);
  });

  it('narrows the scopes to what the user may still have', async () => {
    const { token, sub } = await login();
    const user = await latchkey.stores.users.find(sub);
    await latchkey.stores.users.remove(sub);
    if (user) await latchkey.stores.users.add({ ...user, permissions: ['write'] });
    const { json } = await latchkey.refresh(token);
    expect(json.scope).toBe('write');
  });
});

describe('refreshing', () => {
  it('gives no scope that the resource server has given up', async () => {
    const api = await latchkey.addResourceServer({
      identifier: 'changing',
      scopes: { a: '', b: '' },
    });
    const { client } = await latchkey.addClient({
      name: 'Changing',
      isPublic: true,
      grantTypes: ['password'],
      audiences: [api],
    });
    await latchkey.addUser({ username: 'changing', password: PASSWORD, permissions: ['a', 'b'] });
    const { json } = await latchkey.token({
      grant_type: 'password',
      client_id: client.clientId,
      username: 'changing',
      password: PASSWORD,
    });
    await latchkey.stores.resourceServers.remove('changing');
    await latchkey.addResourceServer({ identifier: 'changing', scopes: { a: '' } });
    const refreshed = await latchkey.refresh(json.access_token);
    expect(decodeJwt(refreshed.json.access_token).scope).toBe('a');
  });
});

describe('a race', () => {
  it('of 100 refreshes of one token has one successor and 100 identical answers', async () => {
    const { token } = await login();
    const before = await records(token);
    const answers = await Promise.all(Array.from({ length: 100 }, () => latchkey.refresh(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await records(token)).toHaveLength(before.length + 1);
    expect((await latchkey.refresh(answers[0]?.json.access_token)).status).toBe(200);
  });

  /** The records of the family that the token belongs to. */
  async function records(token: string) {
    const { sub } = decodeJwt(token);
    const items = await latchkey.items();
    return items.filter((item) => item.sub === sub && 'family_id' in item);
  }
});

describe('a token that was refreshed before', () => {
  it('gets the identical answer within the grace', async () => {
    const { token } = await login();
    const first = await latchkey.refresh(token);
    pass(GRACE - 2);
    expect((await latchkey.refresh(token)).text).toBe(first.text);
  });

  it('has a grace that reuse does not extend', async () => {
    const { token } = await login();
    await latchkey.refresh(token);
    pass(GRACE - 5);
    expect((await latchkey.refresh(token)).status).toBe(200);
    pass(10);
    await expectRefused(token);
  });

  it('revokes its family after the grace, for the audit to see, and the successor no longer refreshes', async () => {
    const { token, sub } = await login();
    const { json } = await latchkey.refresh(token);
    pass(GRACE + 1);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await expectRefused(token);
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({
        message: 'refresh token reused: family revoked',
        audit: true,
        sub,
      }),
    );
    await expectRefused(json.access_token);
    await expectRefused(json.access_token);
  });
});

describe('a session', () => {
  it('ends when it lay idle for too long', async () => {
    const { token } = await login();
    pass(IDLE + 1);
    await expectRefused(token);
  });

  it('ends at its absolute lifetime however busy it is', async () => {
    let { token } = await login();
    for (let elapsed = 0; elapsed + 3000 < ABSOLUTE; elapsed += 3000) {
      pass(3000);
      const { status, json } = await latchkey.refresh(token);
      expect(status).toBe(200);
      token = json.access_token;
    }
    pass(1100);
    await expectRefused(token);
  });

  it('ends with a new password, and a new one begins', async () => {
    const { token, username } = await login();
    await setPassword(latchkey.stores, username, 'another horse battery');
    await expectRefused(token);
    const again = await latchkey.token({
      grant_type: 'password',
      client_id: 'app',
      username,
      password: 'another horse battery',
    });
    expect((await latchkey.refresh(again.json.access_token)).status).toBe(200);
  });

  it('ends with its user', async () => {
    const { token, sub } = await login();
    await latchkey.stores.users.remove(sub);
    await expectRefused(token);
  });
});

describe('the refresh endpoint refuses', () => {
  it('a request without a token, with a bare challenge', async () => {
    const { status, headers } = await latchkey.call('refresh', {});
    expect(status).toBe(401);
    expect(headers['WWW-Authenticate']).toBe('Bearer realm="latchkey"');
  });

  it.each([
    { name: 'a token that is none', token: 'nonsense' },
    { name: 'a token that is too long', token: `a.b.${'c'.repeat(9000)}` },
  ])('$name', async ({ token }) => {
    const { status, json, headers } = await latchkey.refresh(token);
    expect(status).toBe(401);
    expect(json.error).toBe('invalid_token');
    expect(headers['WWW-Authenticate']).toBe('Bearer realm="latchkey", error="invalid_token"');
  });

  it('a token that was tampered with', async () => {
    const { token } = await login();
    const [header, , signature] = token.split('.');
    const claims = Buffer.from(JSON.stringify({ ...decodeJwt(token), sub: 'admin' }));
    const forged = [header, claims.toString('base64url'), signature].join('.');
    expect((await latchkey.refresh(forged)).json.error).toBe('invalid_token');
  });

  it('a token of a machine, which has nothing behind it', async () => {
    const { json } = await latchkey.token({
      grant_type: 'client_credentials',
      client_id: 'backend',
      client_secret: confidentialSecret,
    });
    const { json: refused } = await latchkey.call('refresh', {
      headers: { authorization: `Bearer ${json.access_token}` },
      body: { client_id: 'backend', client_secret: confidentialSecret },
    });
    expect(refused.error).toBe('invalid_grant');
  });

  it('a confidential client that does not authenticate', async () => {
    const { token } = await login('backend');
    expect((await latchkey.refresh(token)).json.error).toBe('invalid_client');
    const body = { client_id: 'backend', client_secret: 'wrong' };
    expect((await latchkey.refresh(token, { body })).json.error).toBe('invalid_client');
    const right = { client_id: 'backend', client_secret: confidentialSecret };
    expect((await latchkey.refresh(token, { body: right })).status).toBe(200);
  });

  it('another client than the one that the token was made for', async () => {
    const { token } = await login();
    const body = { client_id: 'backend', client_secret: confidentialSecret };
    expect((await latchkey.refresh(token, { body })).json.error).toBe('invalid_grant');
  });

  it('two access tokens, and one in the query string', async () => {
    const { token } = await login();
    expect((await latchkey.refresh(token, { body: { access_token: token } })).json.error).toBe(
      'invalid_request',
    );
    expect((await latchkey.refresh(token, { query: 'access_token=x' })).json.error).toBe(
      'invalid_request',
    );
  });

  it('GET', async () => {
    expect((await latchkey.call('refresh', { method: 'GET' })).status).toBe(405);
  });
});
