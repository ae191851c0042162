import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denyEverything, policyFor } from '../../lib/gateway/policy.ts';
import { parseRouteScopes } from '../../lib/gateway/route-scopes.ts';
import { findRoute, isAllowed, METHODS, type RouteRequest } from '../../lib/gateway/routes.ts';
import { isAllowedByPolicy } from '../support/iam.ts';

const STAGE = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev';

interface Question {
  routes: string;
  scopes: string[];
  asked?: RouteRequest;
}

function policy({ routes, scopes, asked = { method: 'GET', path: '/' } }: Question) {
  return policyFor({ stageArn: STAGE, routes: parseRouteScopes(routes), scopes, request: asked });
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
    expect(policyFor({ stageArn: STAGE, routes: undefined, scopes: [], request })).toEqual({
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
  const request = fc.record({ method: fc.constantFrom('GET', 'POST', 'PUT', 'TRACE'), path });

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
        fc.array(request, { minLength: 20 }),
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
    const family = fc.tuple(fc.constantFrom(...families), fc.constantFrom('GET', 'ANY'));
    const plain = fc.array(family, { minLength: 1, maxLength: 4 }).chain((chosen) => {
      const lines = chosen.flatMap(([paths, method], index) =>
        paths.map((tail) => `${method} /f${index}${tail}`),
      );
      const needs = fc.array(scopes, { minLength: lines.length, maxLength: lines.length });
      return needs.map((all) => lines.map((l, i) => `${l}: ${all[i]?.join(' ')}`).join('\n'));
    });
    const tail = fc.array(fc.constantFrom('me', 'you', 'x', 'y', 'orders', 'items', '7', ''), {
      maxLength: 5,
    });
    const call = fc.record({
      method: fc.constantFrom('GET', 'PUT'),
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
