import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuthorizerOptions,
  type AuthorizerResult,
  createAuthorizer,
} from '../../lib/gateway/authorizer.ts';
import { parseRouteScopes } from '../../lib/gateway/routes/route-scopes.ts';
import { USER_RECORD_AGE, USER_RECORD_AGE_ON_ERROR } from '../../lib/gateway/token-check.ts';
import { TOKEN_MEMORY_AGE } from '../../lib/gateway/token-memory.ts';
import type { UserRecord } from '../../lib/gateway/user-record-store.ts';
import { createFetchJson } from '../../lib/jwt/fetch-json.ts';
import { createRemoteKeys } from '../../lib/jwt/remote-keys.ts';
import { CLOCK_TOLERANCE } from '../../lib/jwt/verifier.ts';
import type { Log, LogFields } from '../../lib/runtime/log.ts';
import { isAllowedByPolicy } from '../support/iam.ts';
import {
  answer,
  createTestKey,
  hang,
  sign,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '../support/issuer.ts';

type Event = Record<string, unknown>;

const SHAPES = ['rest-token', 'rest-request', 'http-1.0', 'http-2.0'] as const;
type Shape = (typeof SHAPES)[number];
/** HTTP APIs with payload format 2.0 may be configured for policies. */
const WAYS = [...SHAPES, 'http-2.0 policy'] as const;
type Way = (typeof WAYS)[number];

const ROUTES = 'GET /whoami:; GET /users/{id}: read:users; POST /users: write:users';
const ALICE: UserRecord = {
  sub: 'user-1',
  username: 'alice',
  permissions: ['create:keys'],
  roles: ['WidgetHost'],
  claims: { tenant: 7 },
};

let issuer: TestIssuer;
let key: TestKey;
let time: number;
let lines: { level: string; message: string; fields: LogFields | undefined }[];
let log: Log;

beforeAll(async () => {
  key = await createTestKey('ES256');
});

beforeEach(async () => {
  time = 1_750_000_000;
  lines = [];
  const write = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, fields });
  log = { info: write('info'), warn: write('warn'), error: write('error') };
  issuer = await startIssuer();
  issuer.keys = [key.publicJwk];
});

afterEach(() => issuer.close());

function authorizer(options: Partial<AuthorizerOptions> = {}) {
  const now = () => time;
  const fetchJson = createFetchJson({ timeout: 150 });
  return createAuthorizer({
    trustedIssuers: [
      {
        issuer: issuer.issuer,
        audience: { kind: 'audience', anyOf: ['api'] },
        algorithms: ['ES256'],
        hasUsers: true,
      },
    ],
    routes: parseRouteScopes(ROUTES),
    httpApiResponse: 'simple',
    contextClaims: ['ucw/roles', 'participantId', 'meta', 'absent', 'toString'],
    keysOf: (identifier) => createRemoteKeys({ issuer: identifier, fetchJson, now, log }),
    findUser: undefined,
    now,
    log,
    ...options,
  });
}

function claims(overrides: Event = {}): Event {
  return {
    iss: issuer.issuer,
    sub: 'user-1',
    aud: 'api',
    client_id: 'client-1',
    scope: 'read:users other',
    permissions: ['create:keys', 'read:keys'],
    'ucw/roles': ['WidgetHost', 'Admin'],
    participantId: 'p-1',
    meta: { aggregatorId: 7 },
    exp: time + 300,
    iat: time,
    ...overrides,
  };
}

const token = (overrides?: Event) => sign(key, claims(overrides));

/** The recorded event, its token, method and path replaced; a number is a parameter of the gateway's route. */
function eventOf(shape: Shape, accessToken: string, method = 'GET', path = '/whoami'): Event {
  const route = path.replace(/\d+/, '{id}');
  const text = readFileSync(
    new URL(`../../events/authorizer-${shape}.json`, import.meta.url),
    'utf8',
  )
    .replaceAll('<token>', accessToken)
    .replaceAll('/GET/whoami', `/${method}${path}`)
    .replaceAll('"GET /whoami"', `"GET ${route}"`)
    .replaceAll('"resource": "/whoami"', `"resource": "${route}"`)
    .replaceAll('/whoami', path)
    .replaceAll('"GET', `"${method}`);
  return JSON.parse(text);
}

const shapeOf = (way: Way) => way.replace(' policy', '') as Shape;
const optionsOf = (way: Way): Partial<AuthorizerOptions> =>
  way === 'http-2.0 policy' ? { httpApiResponse: 'policy' } : {};

/** What the client gets: 200, or what API Gateway makes of the authorizer's answer. */
async function statusOf(ask: ReturnType<typeof createAuthorizer>, event: unknown): Promise<number> {
  let result: AuthorizerResult;
  try {
    result = await ask(event);
  } catch (error) {
    return (error as Error).message === 'Unauthorized' ? 401 : 500;
  }
  if ('isAuthorized' in result) return result.isAuthorized ? 200 : 403;
  const { methodArn, routeArn } = event as { methodArn?: unknown; routeArn?: unknown };
  const arn = methodArn ?? routeArn;
  return typeof arn === 'string' && isAllowedByPolicy(result.policyDocument, arn) ? 200 : 403;
}

const refusedAs = (way: Way) => (way.startsWith('rest') ? 401 : 403);

describe.each(WAYS)('%s', (way) => {
  const shape = shapeOf(way);

  it('lets a token with the scopes through', async () => {
    const ask = authorizer(optionsOf(way));
    const good = await token();
    expect(await statusOf(ask, eventOf(shape, good))).toBe(200);
    expect(await statusOf(ask, eventOf(shape, good, 'GET', '/users/7'))).toBe(200);
  });

  it('answers 403 where a scope is missing or the route is not declared', async () => {
    const ask = authorizer(optionsOf(way));
    const good = await token();
    expect(await statusOf(ask, eventOf(shape, good, 'POST', '/users'))).toBe(403);
    expect(await statusOf(ask, eventOf(shape, good, 'GET', '/users/7/secrets'))).toBe(403);
    expect(
      await statusOf(ask, eventOf(shape, await token({ scope: 'x' }), 'GET', '/users/7')),
    ).toBe(403);
  });

  it('lets every valid token call every route where none is declared', async () => {
    const ask = authorizer({ ...optionsOf(way), routes: undefined });
    expect(
      await statusOf(ask, eventOf(shape, await token({ scope: undefined }), 'PUT', '/x/y')),
    ).toBe(200);
  });

  it.each([
    { name: 'an expired token', make: () => token({ exp: time - CLOCK_TOLERANCE }) },
    { name: 'a token for another audience', make: () => token({ aud: 'else' }) },
    { name: 'a token of another issuer', make: () => token({ iss: 'https://evil.example' }) },
    { name: 'a token with an unknown kid', make: () => sign(key, claims(), { kid: 'unknown' }) },
    { name: 'no JWT', make: async () => 'opaque' },
    { name: 'an empty token', make: async () => '' },
    { name: 'two tokens', make: async () => `${await token()},Bearer ${await token()}` },
  ])('refuses $name', async ({ make }) => {
    const ask = authorizer(optionsOf(way));
    const bad = await make();
    expect(await statusOf(ask, eventOf(shape, bad))).toBe(refusedAs(way));
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'access token refused'],
    ]);
    if (bad !== '') expect(JSON.stringify(lines)).not.toContain(bad);
  });

  it('answers 500 where the issuer cannot be reached, and says so in the log', async () => {
    const ask = authorizer(optionsOf(way));
    issuer.behaviour = { every: hang };
    const good = await token();
    expect(await statusOf(ask, eventOf(shape, good))).toBe(500);
    const line = lines.find(({ level }) => level === 'error');
    expect(line?.fields?.reason).toContain(`no keys of ${issuer.issuer}: no answer within 150 ms`);
    expect(JSON.stringify(lines)).not.toContain(good);
    issuer.behaviour = {};
    time += 5;
    expect(await statusOf(ask, eventOf(shape, good))).toBe(200);
  });

  it('tells the API whose token it is, in the types that the gateway takes', async () => {
    const ask = authorizer({ ...optionsOf(way), findUser: async () => ALICE });
    const { context } = await ask(eventOf(shape, await token()));
    const facts = {
      sub: 'user-1',
      client_id: 'client-1',
      scope: 'read:users other',
      participantId: 'p-1',
    };
    expect(context).toEqual(
      way === 'http-2.0'
        ? {
            ...facts,
            permissions: ['create:keys', 'read:keys'],
            ucw_roles: ['WidgetHost', 'Admin'],
            meta: { aggregatorId: 7 },
            user: ALICE,
          }
        : {
            ...facts,
            permissions: 'create:keys read:keys',
            ucw_roles: 'WidgetHost Admin',
            meta: '{"aggregatorId":7}',
            user: JSON.stringify(ALICE),
          },
    );
  });

  it('answers 500 where the users cannot be read, and says so in the log', async () => {
    const findUser = async () => {
      throw new Error('DynamoDB is down');
    };
    const ask = authorizer({ ...optionsOf(way), findUser });
    expect(await statusOf(ask, eventOf(shape, await token()))).toBe(500);
    expect(lines).toContainEqual({
      level: 'error',
      message: 'the authorizer cannot decide',
      fields: { reason: 'Error: DynamoDB is down', shape },
    });
  });
});

describe('a policy', () => {
  it('names the subject as principal, and serves every route from one answer', async () => {
    const result = await authorizer()(eventOf('rest-token', await token()));
    if (!('policyDocument' in result)) return expect.unreachable('no policy');
    expect(result.principalId).toBe('user-1');
    const stage = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev';
    expect(isAllowedByPolicy(result.policyDocument, `${stage}/GET/users/7`)).toBe(true);
    expect(isAllowedByPolicy(result.policyDocument, `${stage}/POST/users`)).toBe(false);
  });

  it.each([
    'arn:aws:execute-api:eu-west-1:123456789012:*/dev/GET/whoami',
    'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/*/GET/whoami',
    'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5',
    '*',
    undefined,
  ])('is not made for an API that is not one: %s', async (methodArn) => {
    const event = { ...eventOf('rest-token', await token()), methodArn };
    expect(await statusOf(authorizer(), event)).toBe(401);
    const old = { ...eventOf('http-1.0', await token()), methodArn };
    expect(await authorizer()(old)).toMatchObject({
      policyDocument: { Statement: [{ Effect: 'Deny', Resource: ['*'] }] },
    });
  });

  it.each(['aws-cn', 'aws-us-gov'])('is made in the partition %s, too', async (partition) => {
    const event = eventOf('rest-token', await token());
    const methodArn = String(event.methodArn).replace('arn:aws:', `arn:${partition}:`);
    expect(await statusOf(authorizer(), { ...event, methodArn })).toBe(200);
  });
});

describe('the gateway\u2019s own route', () => {
  const stage = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev';
  const call = async (shape: Shape, path: string, resource: string | undefined, scope: string) => {
    const ask = authorizer({ httpApiResponse: 'policy' });
    const arn = `${stage}/GET${path}`;
    const route = { resource, routeKey: `GET ${resource}`, methodArn: arn, routeArn: arn };
    const event = eventOf(shape, await token({ scope }));
    return statusOf(ask, { ...event, ...(shape === 'rest-token' ? { methodArn: arn } : route) });
  };

  it.each(['rest-request', 'http-1.0', 'http-2.0'] as const)(
    'decides alone in %s, where its path may look like another\u2019s',
    async (shape) => {
      expect(await call(shape, '/whoami', '/users/{id}', 'none')).toBe(403);
      expect(await call(shape, '/whoami', '/users/{id}', 'read:users')).toBe(200);
      expect(await call(shape, '/whoami', '/whoami', 'none')).toBe(200);
      expect(await call(shape, '/whoami', '$default', 'none')).toBe(200);
      expect(await call(shape, '/users/7', '$default', 'none')).toBe(403);
    },
  );

  it.each(SHAPES)(
    'lets no path through a policy of %s that is written otherwise',
    async (shape) => {
      for (const path of ['/users/%61dmin', '/users/a%2Fb', '/users/%5c', '/%77hoami']) {
        expect(await call(shape, path, '/users/{id}', 'read:users')).toBe(403);
      }
      expect(await call(shape, '/users/a%20b', '/users/{id}', 'read:users')).toBe(200);
    },
  );
});

describe('the Authorization header', () => {
  const scheme = async (text: string) => {
    const event = eventOf('rest-token', await token());
    const authorizationToken = String(event.authorizationToken).replace('Bearer ', text);
    return statusOf(authorizer(), { ...event, authorizationToken });
  };

  it.each(['Bearer ', 'bearer ', 'BEARER ', 'Bearer   ', '  Bearer '])(
    'may be %o',
    async (text) => {
      expect(await scheme(text)).toBe(200);
    },
  );

  it.each(['', 'Basic ', 'Bearer', 'Bearer\t', 'DPoP ', 'Bearer Bearer ', 'xBearer '])(
    'may not be %o',
    async (text) => {
      expect(await scheme(text)).toBe(401);
    },
  );

  it.each(['authorization', 'Authorization', 'AUTHORIZATION'])('may be called %s', async (name) => {
    const headers = { [name]: `Bearer ${await token()}` };
    for (const shape of ['rest-request', 'http-1.0', 'http-2.0'] as const) {
      const event = { ...eventOf(shape, 'x'), headers, multiValueHeaders: undefined };
      expect(await statusOf(authorizer(), event)).toBe(200);
    }
  });

  it('must be there once', async () => {
    const good = `Bearer ${await token()}`;
    const event = eventOf('rest-request', 'x');
    for (const headers of [
      { headers: {}, multiValueHeaders: {} },
      { headers: null, multiValueHeaders: null },
      { headers: { authorization: good, Authorization: 'Bearer x' }, multiValueHeaders: {} },
      { headers: { authorization: good }, multiValueHeaders: { authorization: [good, good] } },
      { headers: { authorization: good }, multiValueHeaders: { authorization: ['Bearer x'] } },
      { headers: { authorization: [good, good] }, multiValueHeaders: {} },
    ]) {
      expect(await statusOf(authorizer(), { ...event, ...headers })).toBe(401);
    }
  });

  it('is not looked for in the query', async () => {
    const good = await token();
    const event = {
      ...eventOf('http-2.0', 'x'),
      rawQueryString: `access_token=${good}`,
      queryStringParameters: { access_token: good, authorization: `Bearer ${good}` },
      identitySource: [good],
    };
    expect(await statusOf(authorizer(), event)).toBe(403);
  });
});

describe('an HTTP API with simple responses', () => {
  const call = async (event: Event, scope: string) =>
    statusOf(authorizer(), { ...eventOf('http-2.0', await token({ scope })), ...event });
  const arn = (path: string) => `arn:aws:execute-api:eu-west-1:1:f6g7h8i9j0/dev/GET${path}`;

  it.each([
    {
      name: 'the path of the ARN tells under a domain of its own',
      event: { routeArn: arn('/users/7'), rawPath: '/v1/users/7', routeKey: '$default' },
      status: 200,
    },
    {
      name: 'the raw path tells where the ARN has a template',
      event: { routeArn: arn('/{proxy*}'), rawPath: '/users/7', routeKey: 'GET /{proxy*}' },
      status: 200,
    },
    {
      name: 'the stage is taken off the raw path',
      event: { routeArn: 'x', rawPath: '/dev/users/7', routeKey: '$default' },
      status: 200,
    },
    {
      name: 'a stage that only looks alike is not',
      event: { routeArn: 'x', rawPath: '/devusers/7', routeKey: '$default' },
      status: 403,
    },
    {
      name: 'the route of the gateway tells where the path is written otherwise',
      event: { routeArn: arn('/%75sers/7'), routeKey: 'GET /users/{userId}' },
      status: 200,
    },
    {
      name: 'a path that was decoded to look like another route does not tell',
      event: { routeArn: arn('/whoami'), rawPath: '/dev/whoami', routeKey: 'GET /users/{id}' },
      scope: 'none',
      status: 403,
    },
    {
      name: 'a path that is written otherwise tells nothing under a catch-all of the gateway',
      event: { routeArn: arn('/%75sers/7'), rawPath: '/%75sers/7', routeKey: 'ANY /{proxy+}' },
      status: 403,
    },
    {
      name: 'a catch-all of the gateway does not hide what is declared',
      event: { routeArn: arn('/users/7/secrets'), routeKey: 'ANY /{proxy+}' },
      status: 403,
    },
  ])('$name', async ({ event, status, scope = 'read:users' }) => {
    expect(await call(event, scope)).toBe(status);
  });

  it('has no context where it is denied', async () => {
    const event = eventOf('http-2.0', await token(), 'POST', '/users');
    expect(await authorizer()(event)).toEqual({ isAuthorized: false });
  });
});

describe('a token', () => {
  it('is verified once, and remembered until it expires', async () => {
    const ask = authorizer();
    const event = eventOf('http-2.0', await token());
    expect(await statusOf(ask, event)).toBe(200);
    issuer.keys = [];
    time += 300 + CLOCK_TOLERANCE - 1;
    expect(await statusOf(ask, event)).toBe(200);
    expect(issuer.requests).toHaveLength(2);
    time += 1;
    expect(await statusOf(ask, event)).toBe(403);
  });

  it('is verified anew after ten minutes, so that a key that was withdrawn ends within twenty', async () => {
    const ask = authorizer();
    const exp = time + 86_400;
    const event = eventOf('http-2.0', await token({ exp }));
    await ask(eventOf('http-2.0', await token({ jti: 'loads the keys' })));
    issuer.keys = [];
    time += 599;
    expect(await statusOf(ask, event)).toBe(200);
    time += TOKEN_MEMORY_AGE - 1;
    expect(await statusOf(ask, event)).toBe(200);
    time += 1;
    expect(await statusOf(ask, event)).toBe(403);
  });

  it('that was refused is looked at anew', async () => {
    const ask = authorizer();
    const other = await createTestKey('ES256');
    const event = eventOf('http-2.0', await sign(other, claims()));
    expect(await statusOf(ask, event)).toBe(403);
    issuer.keys = [key.publicJwk, other.publicJwk];
    time += 30;
    expect(await statusOf(ask, event)).toBe(200);
  });

  it('of an issuer that is not trusted makes no request', async () => {
    const ask = authorizer();
    for (const iss of [
      'https://evil.example',
      `${issuer.issuer}/`,
      [issuer.issuer],
      7,
      undefined,
    ]) {
      expect(await statusOf(ask, eventOf('http-2.0', await token({ iss })))).toBe(403);
    }
    expect(issuer.requests).toEqual([]);
  });

  it('may come from any of several issuers, each with its audience and its keys', async () => {
    const second = await startIssuer({ path: '/tenant/' });
    const secondKey = await createTestKey('RS256');
    second.keys = [secondKey.publicJwk];
    const ask = authorizer({
      trustedIssuers: [
        {
          issuer: issuer.issuer,
          audience: { kind: 'audience', anyOf: ['api'] },
          algorithms: ['ES256'],
          hasUsers: true,
        },
        {
          issuer: second.issuer,
          audience: { kind: 'client-ids', anyOf: ['client-1'] },
          algorithms: ['RS256'],
          hasUsers: false,
        },
      ],
      findUser: async () => ALICE,
    });
    const foreign = claims({ iss: second.issuer, aud: undefined });
    const { context } = await ask(eventOf('http-2.0', await sign(secondKey, foreign)));
    expect(context).toMatchObject({ sub: 'user-1' });
    expect(context).not.toHaveProperty('user');
    expect(await statusOf(ask, eventOf('http-2.0', await token()))).toBe(200);
    for (const [signer, wrong] of [
      [secondKey, claims()],
      [key, foreign],
      [secondKey, { ...foreign, client_id: 'client-2' }],
    ] as const) {
      expect(await statusOf(ask, eventOf('http-2.0', await sign(signer, wrong)))).toBe(403);
    }
    await second.close();
  });
});

describe('the record of the user', () => {
  /** Users of whom `alice` may be changed, and a store that may be down. */
  function store() {
    const users: { alice: UserRecord | undefined; isDown: boolean; lookups: number } = {
      alice: ALICE,
      isDown: false,
      lookups: 0,
    };
    const findUser = async () => {
      users.lookups += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (users.isDown) throw new Error('DynamoDB is down');
      return users.alice;
    };
    return { users, ask: authorizer({ findUser }) };
  }

  it('is found once, for concurrent requests and several tokens together', async () => {
    const { users, ask } = store();
    const event = eventOf('http-2.0', await token());
    const other = eventOf('http-2.0', await token({ jti: 'another' }));
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i % 2 ? event : other)));
    expect(all.every(({ context }) => context?.user === ALICE)).toBe(true);
    await ask(event);
    expect(users.lookups).toBe(1);
    await ask(eventOf('http-2.0', await token({ sub: 'user-2' })));
    expect(users.lookups).toBe(2);
  });

  it('is looked up again after a minute, by concurrent requests together', async () => {
    const { users, ask } = store();
    const event = eventOf('http-2.0', await token());
    await ask(event);
    users.alice = { ...ALICE, roles: ['Admin'] };
    time += USER_RECORD_AGE - 1;
    expect((await ask(event)).context).toMatchObject({ user: { roles: ['WidgetHost'] } });
    time += 1;
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(event)));
    for (const { context } of all) expect(context).toMatchObject({ user: { roles: ['Admin'] } });
    expect(users.lookups).toBe(2);
  });

  it('that was removed or disabled ends the token after a minute', async () => {
    const { users, ask } = store();
    const event = eventOf('http-2.0', await token());
    await ask(event);
    users.alice = undefined;
    time += USER_RECORD_AGE;
    expect(await statusOf(ask, event)).toBe(403);
  });

  it('serves for five minutes more while the store is down, and no longer', async () => {
    const { users, ask } = store();
    const event = eventOf('http-2.0', await token({ exp: time + 3_600 }));
    await ask(event);
    users.isDown = true;
    time += USER_RECORD_AGE + USER_RECORD_AGE_ON_ERROR - 1;
    expect(await statusOf(ask, event)).toBe(200);
    expect(lines.at(-1)?.level).toBe('warn');
    time += 10;
    expect(await statusOf(ask, event)).toBe(500);
    users.isDown = false;
    expect(await statusOf(ask, event)).toBe(200);
  });

  it.each(WAYS)('that is missing or disabled is a bad token: %s', async (way) => {
    let user: UserRecord | undefined;
    const ask = authorizer({ ...optionsOf(way), findUser: async () => user });
    const event = eventOf(shapeOf(way), await token());
    expect(await statusOf(ask, event)).toBe(refusedAs(way));
    user = ALICE;
    expect(await statusOf(ask, event)).toBe(200);
  });

  it('is asked for again after a failure', async () => {
    let failures = 1;
    const findUser = async () => {
      if (failures-- > 0) throw new Error('DynamoDB is down');
      return ALICE;
    };
    const ask = authorizer({ findUser });
    const event = eventOf('http-2.0', await token());
    expect([await statusOf(ask, event), await statusOf(ask, event)]).toEqual([500, 200]);
  });

  it('is not looked for where the token is a client\u2019s', async () => {
    const findUser = async () => expect.unreachable('looked for a user');
    const ask = authorizer({ findUser });
    const { context } = await ask(eventOf('http-2.0', await token({ sub: 'client-1' })));
    expect(context).not.toHaveProperty('user');
  });
});

describe('whatever comes', () => {
  const anything = fc.anything({ withNullPrototype: true });
  const word = fc.constantFrom('', 'TOKEN', 'REQUEST', '1.0', '2.0', 'GET', '/whoami', 'GET /{a}');

  it('an event makes an answer or Unauthorized', async () => {
    const ask = authorizer();
    const good = `Bearer ${await token()}`;
    const value = fc.oneof(word, anything, fc.constant(good));
    const events = fc.record(
      {
        type: fc.oneof(fc.constantFrom('TOKEN', 'REQUEST'), value),
        version: fc.oneof(fc.constantFrom('1.0', '2.0', undefined), value),
        authorizationToken: value,
        headers: fc.oneof(fc.dictionary(fc.constantFrom('authorization', 'x'), value), value),
        multiValueHeaders: fc.oneof(fc.dictionary(fc.constant('Authorization'), value), value),
        methodArn: value,
        routeArn: value,
        routeKey: value,
        rawPath: value,
        resource: value,
        requestContext: fc.oneof(fc.record({ http: value, stage: value }), value),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(events, anything), async (event) => {
        expect(await statusOf(ask, event)).toBeOneOf([200, 401, 403]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('a token makes an answer or Unauthorized, and only a good one lets through', async () => {
    const ask = authorizer({ routes: undefined });
    const good = await token();
    const [header, payload, signature] = good.split('.');
    const encode = (value: unknown) =>
      Buffer.from(JSON.stringify(value) ?? '').toString('base64url');
    const part = fc.oneof(
      fc.constantFrom(header, payload, signature),
      fc.object().map(encode),
      fc.record({ alg: word, kid: fc.constant(key.kid) }).map(encode),
      fc.object().map((extra) => encode({ ...claims(), ...extra })),
      fc.string(),
    );
    const made = fc.tuple(part, part, part).map((parts) => parts.join('.'));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(made, fc.string()),
        fc.constantFrom(...SHAPES),
        async (text, shape) => {
          const event = eventOf(shape, 'placeholder');
          const authorization = `Bearer ${text}`;
          const status = await statusOf(ask, {
            ...event,
            authorizationToken: authorization,
            headers: { authorization },
            multiValueHeaders: undefined,
          });
          expect(status).toBe(text === good ? 200 : refusedAs(shape));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

it('answers from stale keys, and with no word of an error, while the issuer is down', async () => {
  const ask = authorizer();
  await ask(eventOf('http-2.0', await token()));
  issuer.behaviour = { every: answer(503, '') };
  time += 3_600;
  expect(await statusOf(ask, eventOf('http-2.0', await token({ jti: 'new' })))).toBe(200);
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'issuer unavailable'],
  ]);
});
