import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createPolicies,
  denyEverything,
  LARGEST_POLICY,
} from '../../../lib/gateway/routes/policy.ts';
import { parseRouteScopes } from '../../../lib/gateway/routes/route-scopes.ts';
import {
  findRoute,
  isAllowed,
  METHODS,
  type RouteRequest,
} from '../../../lib/gateway/routes/route-table.ts';
import type { LogFields } from '../../../lib/runtime/log.ts';
import { isAllowedByPolicy } from '../../support/iam.ts';

const STAGE = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev';

interface Question {
  routes: string;
  scopes: string[];
  asked?: RouteRequest;
}

function policy({ routes, scopes, asked = { method: 'GET', path: '/' } }: Question) {
  const policyFor = createPolicies({ routes: parseRouteScopes(routes), log: { warn: () => {} } });
  return policyFor({ stageArn: STAGE, scopes, request: asked });
}

const arnOf = ({ method, path }: RouteRequest) => `${STAGE}/${method}${path}`;

/** Which of the paths may be got. */
function reachable(question: Question, paths: string[]): string[] {
  const document = policy(question);
  return paths.filter((path) => isAllowedByPolicy(document, arnOf({ method: 'GET', path })));
}

describe('a policy', () => {
  it('lists everything that the token may call, whatever was asked', () => {
    const document = policy({
      routes: 'GET /a: x; POST /a: y; ANY /b/{id}:; GET /c: z',
      scopes: ['x', 'y'],
      asked: { method: 'GET', path: '/a' },
    });
    expect(document.Version).toBe('2012-10-17');
    const calls: [string, string, boolean][] = [
      ['GET', '/a', true],
      ['POST', '/a', true],
      ['PUT', '/a', false],
      ['GET', '/c', false],
      ...METHODS.map((method): [string, string, boolean] => [method, '/b/7', true]),
    ];
    for (const [method, path, expected] of calls) {
      expect(isAllowedByPolicy(document, arnOf({ method, path })), path).toBe(expected);
    }
  });

  it('is of one stage of one API', () => {
    const document = policy({ routes: 'GET /a:', scopes: [] });
    for (const [stage, other] of [
      ['eu-west-1', 'eu-west-2'],
      ['123456789012', '123456789013'],
      ['a1b2c3d4e5', 'a1b2c3d4e6'],
      ['/dev', '/prod'],
    ]) {
      const arn = arnOf({ method: 'GET', path: '/a' }).replace(`${stage}`, `${other}`);
      expect(isAllowedByPolicy(document, arn)).toBe(false);
    }
  });

  it('allows everything where no routes are declared', () => {
    const request = { method: 'GET', path: '/' };
    const policyFor = createPolicies({ routes: undefined, log: { warn: () => {} } });
    expect(policyFor({ stageArn: STAGE, scopes: [], request })).toEqual({
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: [`${STAGE}/*`] }],
    });
  });

  it('denies everything explicitly where the token may call nothing', () => {
    const document = policy({ routes: 'GET /a: x', scopes: ['y'] });
    expect(document).toEqual(denyEverything(STAGE));
    expect(document.Statement).toEqual([
      { Action: 'execute-api:Invoke', Effect: 'Deny', Resource: [`${STAGE}/*`] },
    ]);
  });

  it.each(['//a', '/a', '/x/a', '/xyz/a'])(
    'takes no part of the path %s for a part of the method',
    (path) => {
      const document = policy({ routes: 'ANY /a:; GET /a: x; PUT /a: x', scopes: [] });
      for (const method of METHODS) {
        const isPermitted = isAllowedByPolicy(document, arnOf({ method, path }));
        expect(isPermitted, method).toBe(path === '/a' && method !== 'GET' && method !== 'PUT');
      }
    },
  );

  it.each(['/users/%61dmin', '/users/a%2Fb', '/users/%5C', '/users/..', '/users/x%2e'])(
    'denies a request for %s, though its route may be called: it could mean another path',
    (path) => {
      const asked = { method: 'GET', path, routePath: '/users/{id}' };
      const routes = 'GET /users/{id}: read; GET /users/admin: admin';
      const question = { routes, scopes: ['read'], asked };
      expect(reachable(question, [path, '/users/7', '/users/admin'])).toEqual(['/users/7']);
    },
  );

  it('denies a request that was decoded to look like another route', () => {
    const asked = { method: 'GET', path: '/files/public/logo', routePath: '/files/{id}' };
    const routes = 'GET /files/{id}: w; GET /files/public/logo:';
    expect(reachable({ routes, scopes: [], asked }, ['/files/public/logo'])).toEqual([]);
    expect(reachable({ routes, scopes: ['w'], asked }, ['/files/public/logo'])).toEqual([
      '/files/public/logo',
    ]);
  });

  it('has no resource longer than the 512 characters that API Gateway takes', () => {
    const asked = { method: 'GET', path: `/${'long'.repeat(300)}` };
    const document = policy({ routes: 'GET /a: x', scopes: ['x'], asked });
    const resources = document.Statement.flatMap(({ Resource }) => Resource);
    expect(Math.max(...resources.map(({ length }) => length))).toBe(512);
    expect(isAllowedByPolicy(document, arnOf(asked))).toBe(false);
  });

  it.each(['/*', '/a*', '/?', '/{x}', '/$\u007baws:username}', '/\u00e9\n'])(
    'denies an undeclared request for %s without wildcards of the client',
    (path) => {
      const asked = { method: 'GET', path };
      const question = { routes: 'GET /users/{id}: x', scopes: ['x'], asked };
      expect(reachable(question, ['/users/7', '/users/longer', path])).toEqual([
        '/users/7',
        '/users/longer',
      ]);
    },
  );
});

describe('the plan of a policy', () => {
  const many = Array.from({ length: 200 }, (_, index) => `ANY /route-${index}: read`).join('\n');

  function policies(routes: string) {
    const warnings: (LogFields | undefined)[] = [];
    const warn = (_: string, fields?: LogFields) => void warnings.push(fields);
    const policyFor = createPolicies({ routes: parseRouteScopes(routes), log: { warn } });
    const ask = (scopes: string[], path = '/', stageArn = STAGE) =>
      policyFor({ stageArn, scopes, request: { method: 'GET', path } });
    return { ask, warnings };
  }

  it('warns of a document that is larger than 8,000 bytes, with its size', () => {
    const { ask, warnings } = policies(many);
    const bytes = JSON.stringify(ask(['read'], '/route-1')).length;
    expect(bytes).toBeGreaterThan(LARGEST_POLICY);
    expect(warnings).toEqual([{ bytes }]);
  });

  it.each([
    { bytes: LARGEST_POLICY, warned: [] },
    { bytes: LARGEST_POLICY + 1, warned: [{ bytes: LARGEST_POLICY + 1 }] },
  ])('warns from the first byte too many: $bytes', ({ bytes, warned }) => {
    const lines = Array.from({ length: 49 }, (_, index) => `GET /${'x'.repeat(90)}${index + 10}:`);
    const routes = (missing: number) => `${lines.join('\n')}\nGET /${'y'.repeat(1 + missing)}:`;
    const size = JSON.stringify(policies(routes(0)).ask([], `/${'y'}`)).length;
    const { ask, warnings } = policies(routes(bytes - size));
    ask([]);
    expect(warnings).toEqual(warned);
  });

  it('is made once for the same scopes, whatever else the token has and whatever is asked', () => {
    const { ask, warnings } = policies(`${many}\nGET /more: more`);
    for (const scopes of [['read'], ['read', 'else'], ['else', 'read', 'read'], ['read', 'x']]) {
      for (const path of ['/route-1', '/undeclared', '/%61']) ask(scopes, path);
    }
    expect(warnings).toHaveLength(1);
    ask(['read', 'more']);
    ask(['more', 'read']);
    expect(warnings).toHaveLength(2);
    ask(['read'], '/', STAGE.replace('/dev', '/prod'));
    expect(warnings).toHaveLength(3);
  });

  it('is not made of what was asked before', () => {
    const { ask } = policies('GET /a: x');
    const denied = ask(['x'], '/undeclared');
    const next = ask(['x'], '/a');
    expect(denied.Statement).toHaveLength(2);
    expect(next.Statement).toHaveLength(1);
  });

  it('is remembered for a hundred, and the one that was made first goes first', () => {
    const { ask, warnings } = policies(many);
    const stage = (index: number) => STAGE.replace('/dev', `/stage-${index}`);
    for (let index = 0; index <= 100; index++) ask(['read'], '/', stage(index));
    expect(warnings).toHaveLength(101);
    ask(['read'], '/', stage(100));
    ask(['read'], '/', stage(1));
    expect(warnings).toHaveLength(101);
    ask(['read'], '/', stage(0));
    expect(warnings).toHaveLength(102);
  });
});

describe('a wildcard that spans slashes', () => {
  const users = 'GET /users/{id}: read; GET /users/{id}/orders: orders; GET /users/me: me';

  it.each([
    {
      name: 'a parameter does not reach what lies below it',
      question: { routes: 'GET /users/{id}: read', scopes: ['read'] },
      allowed: ['/users/7'],
      denied: ['/users', '/users/', '/users//', '/users/7/', '/users/7/secrets', '/users//x'],
    },
    {
      name: 'a route below a parameter that needs another scope is denied',
      question: { routes: users, scopes: ['read'] },
      allowed: ['/users/7'],
      denied: ['/users/7/orders', '/users/me/orders', '/users/me', '/users/7/secrets'],
    },
    {
      name: 'a parameter and a route below it are both allowed',
      question: { routes: users, scopes: ['read', 'orders', 'me'] },
      allowed: ['/users/7', '/users/7/orders', '/users/me'],
      denied: ['/users/7/orders/1', '/users/7/8/orders'],
    },
    {
      name: 'a literal beside a parameter is denied alone',
      question: { routes: users, scopes: ['read', 'orders'] },
      allowed: ['/users/7', '/users/7/orders', '/users/you'],
      denied: ['/users/me'],
    },
    {
      name: 'a route for all the rest leaves out what needs another scope',
      question: {
        routes: 'GET /{proxy+}: read; GET /admin/{proxy+}: admin; GET /a/{id}/secret: s',
        scopes: ['read'],
      },
      allowed: ['/a', '/a/b/c', '/adminx', '/admin'],
      denied: ['/admin/x', '/admin/x/y', '/a/7/secret'],
    },
    {
      name: 'a catch-all that needs another scope hides no more than it must',
      question: {
        routes: 'GET /{proxy+}: admin; GET /a/{id}: read; GET /b: read',
        scopes: ['read'],
      },
      allowed: ['/a/7', '/b'],
      denied: ['/c', '/a/7/8', '/a'],
    },
    {
      name: 'where only one of two can be, the one below the parameter is denied',
      question: {
        routes: 'GET /{proxy+}: admin; GET /a/{id}: read; GET /a/{id}/b: read; GET /c:',
        scopes: ['read'],
      },
      allowed: ['/a/7', '/c'],
      denied: ['/a/7/b', '/a/7/x', '/x'],
    },
    {
      name: 'an allowed route within a denied one within an allowed one is denied',
      question: {
        routes: 'GET /{proxy+}: read; GET /admin/{proxy+}: admin; GET /admin/health: read',
        scopes: ['read'],
      },
      allowed: ['/a', '/a/b'],
      denied: ['/admin/x', '/admin/health'],
    },
  ])('$name', ({ question, allowed, denied }) => {
    expect(reachable(question, [...allowed, ...denied])).toEqual(allowed);
  });

  it('denies an undeclared request below a parameter, and all of its route, when it is asked about', () => {
    const asked = { method: 'GET', path: '/users/7/secrets', routePath: '/users/{id}/secrets' };
    const question = { routes: users, scopes: ['read', 'orders'], asked };
    expect(
      reachable(question, ['/users/7', '/users/7/orders', '/users/7/secrets', '/users/8/secrets']),
    ).toEqual(['/users/7', '/users/7/orders']);
  });

  it('does not deny all of a catch-all when one request is asked about', () => {
    const asked = { method: 'GET', path: '/x', routePath: '/{proxy+}' };
    const question = { routes: 'GET /a: x', scopes: ['x'], asked };
    expect(reachable(question, ['/a', '/x'])).toEqual(['/a']);
  });
});

describe('for generated routes', () => {
  const word = fc.constantFrom('a', 'b', 'me');
  const segment = fc.oneof({ weight: 2, arbitrary: word }, fc.constant('{id}'));
  const template = fc
    .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '{proxy+}'))
    .map(([segments, rest]) => `/${[...segments, ...(rest ? [rest] : [])].join('/')}`);
  const scopes = fc.subarray(['x', 'y']);
  const line = fc
    .tuple(fc.constantFrom('GET', 'GET', 'POST', 'ANY'), template, scopes)
    .map(([method, path, needed]) => ({ method, path, needed }));
  const tables = fc
    .uniqueArray(line, { minLength: 1, maxLength: 8, selector: (l) => `${l.method} ${l.path}` })
    .map((lines) => lines.map((l) => `${l.method} ${l.path}: ${l.needed.join(' ')}`).join('\n'));
  const path = fc
    .array(fc.constantFrom('a', 'b', 'me', 'c', ''), { minLength: 1, maxLength: 5 })
    .map((segments) => `/${segments.join('/')}`);
  const request = fc.record({ method: fc.constantFrom(...METHODS, 'TRACE', 'LOCK'), path });
  /** What a gateway tells of its own route, and paths that mean others. */
  const gatewayRequest = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc.oneof(
      path,
      fc
        .array(fc.constantFrom('a', '%61', 'b', 'm%65', 'a%2Fb', '..'), {
          minLength: 1,
          maxLength: 4,
        })
        .map((segments) => `/${segments.join('/')}`),
    ),
    routePath: fc.option(template, { nil: undefined }),
  });

  it('never is a declared route allowed that needs another scope', () => {
    fc.assert(
      fc.property(tables, scopes, request, fc.array(request, { minLength: 20 }), (...args) => {
        const [routes, granted, asked, calls] = args;
        const table = parseRouteScopes(routes);
        const document = policy({ routes, scopes: granted, asked });
        for (const call of calls) {
          if (!isAllowedByPolicy(document, arnOf(call))) continue;
          const route = findRoute(table, call);
          expect(route === undefined || isAllowed(table, call, granted)).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('never is the request allowed that is asked about and should be denied', () => {
    fc.assert(
      fc.property(
        tables,
        scopes,
        fc.array(gatewayRequest, { minLength: 20 }),
        (routes, granted, calls) => {
          const table = parseRouteScopes(routes);
          for (const asked of calls) {
            const document = policy({ routes, scopes: granted, asked });
            const isPermitted = isAllowedByPolicy(document, arnOf(asked));
            expect(isPermitted && !isAllowed(table, asked, granted)).toBe(false);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('what is not declared is only ever allowed below a parameter', () => {
    fc.assert(
      fc.property(
        tables,
        scopes,
        fc.array(request, { minLength: 20 }),
        (routes, granted, calls) => {
          const table = parseRouteScopes(routes);
          const document = policy({ routes, scopes: granted });
          const withParameter = table.filter(({ segments }) =>
            segments.some(({ kind }) => kind === 'parameter'),
          );
          for (const call of calls) {
            if (!isAllowedByPolicy(document, arnOf(call)) || findRoute(table, call)) continue;
            const isBelow = withParameter.some((route) => {
              const index = route.segments.findIndex(({ kind }) => kind === 'parameter');
              const above = { ...route, segments: route.segments.slice(0, index) };
              const rest = { ...above, segments: [...above.segments, { kind: 'rest' as const }] };
              return findRoute([rest], call) !== undefined;
            });
            expect(isBelow).toBe(true);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  /** Families of routes with a first segment of their own, none with two parameters of unequal depth. */
  const families = [
    ['', '/me'],
    ['', '/{id}'],
    ['/{id}', '/me', '/you'],
    ['/{proxy+}'],
    ['/{proxy+}', '/me'],
    ['', '/x/{id}', '/y/{id}'],
    ['/{id}/orders/{order}'],
    ['/{id}/orders', '/{id}/items'],
    ['', '/x/y/{proxy+}'],
  ];

  it('it says what the routes say, where no allowed route lies below another one\u2019s parameter', () => {
    const methods = fc.subarray([...METHODS, 'ANY'], { minLength: 1, maxLength: 3 });
    const family = fc.tuple(fc.constantFrom(...families), methods);
    const plain = fc.array(family, { minLength: 1, maxLength: 4 }).chain((chosen) => {
      const lines = chosen.flatMap(([paths, named], index) =>
        paths.flatMap((tail) => named.map((method) => `${method} /f${index}${tail}`)),
      );
      const needs = fc.array(scopes, { minLength: lines.length, maxLength: lines.length });
      return needs.map((all) => lines.map((l, i) => `${l}: ${all[i]?.join(' ')}`).join('\n'));
    });
    const tail = fc.array(fc.constantFrom('me', 'you', 'x', 'y', 'orders', 'items', '7', ''), {
      maxLength: 5,
    });
    const call = fc.record({
      method: fc.constantFrom(...METHODS, 'TRACE', 'LOCK'),
      path: fc
        .tuple(fc.constantFrom('/f0', '/f1', '/f2', '/f3', '/f'), tail)
        .map(([head, rest]) => [head, ...rest].join('/')),
    });
    fc.assert(
      fc.property(plain, scopes, fc.array(call, { minLength: 30 }), (routes, granted, calls) => {
        const table = parseRouteScopes(routes);
        const document = policy({ routes, scopes: granted });
        for (const asked of calls) {
          const direct = isAllowed(table, asked, granted);
          expect(isAllowedByPolicy(document, arnOf(asked)), `${asked.path} of\n${routes}`).toBe(
            direct,
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
