import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSecret } from '../../lib/aws/secret.ts';
import { keysetOf } from '../../lib/keys/keyset.ts';
import { hashPassword } from '../../lib/users/password.ts';
import { startLatchkey, type TestLatchkey, type TestRequest } from '../support/latchkey.ts';

const RUNS = 10_000;
const PASSWORD = 'canary password of the user';
const WRONG_PASSWORD = 'canary password that is wrong';
const WRONG_SECRET = 'canary-secret-that-is-wrong';

let latchkey: TestLatchkey;
let secret: string;
const logged: string[] = [];
const issued: string[] = [];

beforeAll(async () => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, method).mockImplementation((...values) => {
      logged.push(inspect(values, { depth: 10, maxStringLength: null }));
    });
  }
  // The rule that slows down guessing has tests of its own; here it would stand before what is to be tested.
  vi.doMock('../../lib/users/password-attempts.ts', () => ({
    beginAttempt: async () => ({ outcome: 'allowed', takeBack: async () => undefined }),
  }));
  latchkey = await startLatchkey();
  await latchkey.createKeys();
  const api = await latchkey.addResourceServer({
    identifier: 'api',
    scopes: { read: 'Read', write: 'Write' },
  });
  const machine = await latchkey.addClient({
    name: 'Machine',
    clientId: 'machine',
    grantTypes: ['client_credentials', 'password'],
    audiences: [api],
  });
  secret = machine.clientSecret;
  await latchkey.addClient({
    name: 'App',
    clientId: 'app',
    isPublic: true,
    grantTypes: ['password'],
    audiences: [api],
  });
  const { username } = await latchkey.addUser({
    username: 'ada',
    password: PASSWORD,
    permissions: ['read'],
  });
  // As cheap as it can be: thousands of logins are to come.
  await latchkey.stores.passwords.replace(
    username,
    await hashPassword(PASSWORD, { memory: 8, passes: 1 }),
    1,
  );
});
afterAll(async () => {
  vi.restoreAllMocks();
  vi.doUnmock('../../lib/users/password-attempts.ts');
  await latchkey.close();
});

/** Requests that would succeed as they are. */
const goodRequests = (): Record<string, string>[] => [
  { grant_type: 'client_credentials', client_id: 'machine', client_secret: secret },
  { grant_type: 'client_credentials', audience: 'api', scope: 'read' },
  { grant_type: 'password', client_id: 'app', username: 'ada', password: PASSWORD },
  {
    grant_type: 'password',
    client_id: 'machine',
    client_secret: secret,
    username: 'ADA ',
    password: PASSWORD,
    resource: 'api',
  },
];

/** What a parameter may become. Usernames stay: an unknown one costs a real Argon2id, as it should. */
const MEANINGFUL = {
  grant_type: ['client_credentials', 'password', 'refresh_token', 'authorization_code'],
  client_id: ['machine', 'app', 'nobody'],
  client_secret: [WRONG_SECRET],
  password: [WRONG_PASSWORD],
  scope: ['read', 'read write', 'admin', 'read  write'],
  audience: ['api', 'other'],
  resource: ['api', 'other'],
};

/** A good request in which up to three parameters became something else. */
function parameters(): fc.Arbitrary<Record<string, string>> {
  const change = fc.constantFrom(...Object.keys(MEANINGFUL)).chain((name) => {
    const known = MEANINGFUL[name as keyof typeof MEANINGFUL];
    const anyText = fc.string({ unit: 'binary', maxLength: 40 });
    const changed = fc.oneof(fc.constantFrom(...known), anyText, fc.constant(''));
    return changed.map((value) => ({ [name]: value }));
  });
  return fc
    .tuple(fc.constantFrom(...goodRequests()), fc.array(change, { maxLength: 3 }))
    .map(([good, changes]) => Object.assign({}, good, ...changes));
}

const encoded = (record: Record<string, string>) => new URLSearchParams(record).toString();

/** The body and its type: as a form, as JSON, spoiled, or as base64. */
function body(record: Record<string, string>): fc.Arbitrary<TestRequest> {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const json = { 'content-type': 'application/json' };
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant({ body: encoded(record), headers: form }) },
    { weight: 3, arbitrary: fc.constant({ body: JSON.stringify(record), headers: json }) },
    {
      weight: 1,
      arbitrary: fc.constant({
        body: Buffer.from(encoded(record)).toString('base64'),
        isBase64Encoded: true,
        headers: form,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.nat().map((at) => {
        const whole = JSON.stringify(record);
        return { body: whole.slice(0, at % whole.length), headers: json };
      }),
    },
    { weight: 1, arbitrary: fc.constant({ body: `${encoded(record)}&scope=read`, headers: form }) },
    {
      weight: 1,
      arbitrary: fc.json({ maxDepth: 3 }).map((text) => ({ body: text, headers: json })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('text/plain', 'multipart/form-data', '')
        .map((type) => ({ body: encoded(record), headers: { 'content-type': type } })),
    },
  );
}

function authorization() {
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constant(basic(`machine:${secret}`)) },
    { weight: 1, arbitrary: fc.constant(basic(`machine:${WRONG_SECRET}`)) },
    { weight: 1, arbitrary: fc.constant(`Bearer ${secret}`) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map(basic) },
    { weight: 1, arbitrary: fc.string() },
  );
}

function anyRequest(): fc.Arbitrary<TestRequest> {
  return fc
    .tuple(
      parameters().chain(body),
      authorization(),
      fc.constantFrom('POST', 'POST', 'POST', 'GET'),
      fc.constantFrom('', '', '', `client_secret=${WRONG_SECRET}`),
    )
    .map(([request, header, method, query]) => ({
      ...request,
      method,
      query,
      headers: { ...request.headers, ...(header !== undefined && { authorization: header }) },
    }));
}

describe('whatever is sent to the token endpoint', () => {
  it(`is answered with a token or a clear error, ${RUNS} times`, { timeout: 120_000 }, async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(anyRequest(), async (request) => {
        const { status, json, headers } = await latchkey.call('token', {
          path: '/oauth/token',
          ...request,
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect([200, 400, 401, 405]).toContain(status);
        expect(headers['Cache-Control']).toBe('no-store');
        if (status === 200) issued.push(json.access_token);
        else
          expect(json).toEqual({
            error: expect.any(String),
            error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
          });
      }),
      { numRuns: RUNS },
    );
    // The generator is worth something only if it gets through to the end, too.
    expect(statuses.get(200)).toBeGreaterThan(RUNS / 100);
    expect(statuses.get(400)).toBeGreaterThan(RUNS / 100);
    expect(statuses.get(401)).toBeGreaterThan(RUNS / 100);
  });

  it('leaves no secret in a log or a table', async () => {
    const keyset = keysetOf(
      await readSecret(latchkey.secretsManager, latchkey.environment.SIGNING_KEYS_SECRET),
    );
    const privateKeys = Object.values(keyset ?? {}).flatMap(({ current, next }) =>
      [current, next].map(({ privateJwk }) => `${privateJwk.d}`),
    );
    expect(privateKeys).toHaveLength(4);
    const tables = JSON.stringify(await latchkey.items());
    const logs = logged.join('\n');
    expect(logs.length).toBeGreaterThan(10_000);
    expect(tables).toContain('family_id');
    const canaries = [secret, WRONG_SECRET, PASSWORD, WRONG_PASSWORD, ...privateKeys, ...issued];
    for (const canary of canaries) {
      if (logs.includes(canary)) expect.fail(`a log has ${canary.slice(0, 10)}…`);
      if (tables.includes(canary)) expect.fail(`a table has ${canary.slice(0, 10)}…`);
    }
    // A token without its signature, or the signature alone, is not for the log either.
    const signatures = issued.map((token) => token.split('.')[2] ?? '');
    expect(signatures.filter((signature) => logs.includes(signature))).toEqual([]);
  });
});
