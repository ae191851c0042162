import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRouteScopes } from '../../../lib/gateway/routes/route-scopes.ts';
import { findRoute, isAllowed, METHODS } from '../../../lib/gateway/routes/route-table.ts';

describe('declarations', () => {
  it('are one per line or separated by semicolons, with any number of scopes', () => {
    const table = parseRouteScopes(`
      GET /institutions/cacheList: read:widget-endpoints
      ANY /admin/{proxy+}:   admin   audit ; GET /health:
      * /any : x
    `);
    expect(table).toHaveLength(4);
    expect(findRoute(table, { method: 'GET', path: '/institutions/cacheList' })?.scopes).toEqual([
      'read:widget-endpoints',
    ]);
    expect(findRoute(table, { method: 'PUT', path: '/admin/a/b' })?.scopes).toEqual([
      'admin',
      'audit',
    ]);
    expect(findRoute(table, { method: 'GET', path: '/health' })?.scopes).toEqual([]);
    expect(findRoute(table, { method: 'DELETE', path: '/any' })?.scopes).toEqual(['x']);
  });

  it('may have a colon in the path', () => {
    const table = parseRouteScopes('POST /users:batch: write:users');
    expect(findRoute(table, { method: 'POST', path: '/users:batch' })?.scopes).toEqual([
      'write:users',
    ]);
  });

  it.each([
    { name: 'nothing', text: ' \n ; ', message: 'declares no route' },
    { name: 'no method', text: '/a: x', message: 'line 1 is not of the form' },
    { name: 'no colon', text: 'GET /a', message: 'line 1 is not of the form' },
    { name: 'no space after the colon', text: 'GET /a:x', message: 'line 1 is not of the form' },
    { name: 'a method in lower case', text: 'get /a: x', message: 'line 1 has an unknown method' },
    { name: 'an unknown method', text: 'GET /a: x\nTRACE /a: x', message: 'line 2 has an unknown' },
    { name: 'no slash', text: 'GET a: x', message: 'line 1 has a malformed path' },
    { name: 'an asterisk', text: 'GET /a/*: x', message: 'line 1 has a malformed path' },
    { name: 'a question mark', text: 'GET /a?b: x', message: 'line 1 has a malformed path' },
    {
      name: 'a policy variable',
      text: 'GET /$\u007baws:x}: x',
      message: 'line 1 has a malformed path',
    },
    { name: 'an empty segment', text: 'GET /a//b: x', message: 'line 1 has a malformed path' },
    { name: 'half a parameter', text: 'GET /a/{id: x', message: 'line 1 has a malformed path' },
    { name: 'a parameter with more', text: 'GET /a/{id}.js: x', message: 'line 1 has a malformed' },
    { name: 'the rest in the middle', text: 'GET /{p+}/a: x', message: 'line 1 has a malformed' },
    { name: 'a slash too many', text: 'GET //a: x', message: 'line 1 has a malformed path' },
    { name: 'an encoded letter', text: 'GET /%61: x', message: 'line 1 has a malformed path' },
    { name: 'an encoded slash', text: 'GET /a%2fb: x', message: 'line 1 has a malformed path' },
    { name: 'a dot segment', text: 'GET /a/../b: x', message: 'line 1 has a malformed path' },
    { name: 'a path too long', text: `GET /${'a'.repeat(256)}: x`, message: 'line 1 has a malf' },
    { name: 'a malformed scope', text: 'GET /a: "x"', message: 'line 1 has a malformed scope' },
    { name: 'a route twice', text: 'GET /a: x;;GET /a: y', message: 'line 3 repeats line 1' },
    { name: 'a shape twice', text: 'GET /{a}: x;GET /{b}: y', message: 'line 2 repeats line 1' },
  ])('with $name are refused', ({ text, message }) => {
    expect(() => parseRouteScopes(text)).toThrow(SyntaxError);
    expect(() => parseRouteScopes(text)).toThrow(message);
  });

  it('are read or refused, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'GET /a{}+:*;\n .') }), (text) => {
        try {
          parseRouteScopes(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

describe('the most specific route is taken', () => {
  const table = parseRouteScopes(`
    ANY /{proxy+}: catch-all
    GET /users: list
    GET /users/{id}: read
    GET /users/me:
    ANY /users/me: any-me
    GET /users/{id}/orders/{proxy+}: orders
    DELETE /users/{id}: delete
    GET /: root
  `);

  it.each([
    { method: 'GET', path: '/users/me', scopes: [] },
    { method: 'PUT', path: '/users/me', scopes: ['any-me'] },
    { method: 'GET', path: '/users/7', scopes: ['read'] },
    { method: 'DELETE', path: '/users/7', scopes: ['delete'] },
    { method: 'DELETE', path: '/users/me', scopes: ['any-me'] },
    { method: 'GET', path: '/users/7/orders/1/2', scopes: ['orders'] },
    { method: 'GET', path: '/users/7/orders', scopes: ['catch-all'] },
    { method: 'GET', path: '/users/', scopes: ['catch-all'] },
    { method: 'GET', path: '/users/a%20b%40c', scopes: ['read'] },
    { method: 'GET', path: '/users/...', scopes: ['read'] },
    { method: 'GET', path: '/Users', scopes: ['catch-all'] },
    { method: 'GET', path: '/', scopes: ['root'] },
    { method: 'POST', path: '/', scopes: undefined },
    { method: 'TRACE', path: '/users', scopes: undefined },
    { method: 'ANY', path: '/users', scopes: undefined },
  ])('for $method $path', ({ method, path, scopes }) => {
    expect(findRoute(table, { method, path })?.scopes).toEqual(scopes);
  });

  it.each([
    '/users/%6de',
    '/users/%6De',
    '/users/%7e',
    '/users/x%2Dy',
    '/users/%2e%2E',
    '/users/%5f',
  ])('and none for %s, where an encoded character hides another path', (path) => {
    expect(findRoute(table, { method: 'GET', path })).toBeUndefined();
  });

  it.each(['/users%2f7', '/users%2F7', '/x%5Cy', '/x%5cy', '/x\\y', '/x/../users', '/x/.', '/./x'])(
    'and none for %s, which a server may take for a path with other segments',
    (path) => {
      expect(findRoute(table, { method: 'GET', path })).toBeUndefined();
    },
  );

  it('and only encoded unreserved characters, slashes and backslashes are in the way', () => {
    for (let code = 0; code < 256; code++) {
      const hex = code.toString(16).padStart(2, '0');
      const isRefused = /[\w.~/\\-]/.test(String.fromCharCode(code));
      for (const digits of [hex, hex.toUpperCase()]) {
        const route = findRoute(table, { method: 'GET', path: `/users/%${digits}` });
        expect(route === undefined, digits).toBe(isRefused);
      }
    }
  });

  it('and all of its scopes are needed', () => {
    const two = parseRouteScopes('GET /a: x y');
    const request = { method: 'GET', path: '/a' };
    expect(isAllowed(two, request, ['x'])).toBe(false);
    expect(isAllowed(two, request, ['z', 'y', 'x'])).toBe(true);
  });

  it('and what is not declared is denied', () => {
    const one = parseRouteScopes('GET /a:');
    for (const method of METHODS) {
      expect(isAllowed(one, { method, path: '/b' }, ['a'])).toBe(false);
    }
    expect(isAllowed(undefined, { method: 'GET', path: '/b' }, [])).toBe(true);
  });
});

describe('the route that the gateway took', () => {
  const table = parseRouteScopes(`
    GET /files/{id}: w
    GET /files/public/logo:
    POST /files/{id}: p
    ANY /items: any
    GET /items/{id}/{proxy+}: tree
    GET /items/{id}/secret: secret
  `);
  const decide = (method: string, routePath: string | undefined, path: string) =>
    findRoute(table, { method, path, routePath })?.scopes;

  it.each([
    { name: 'its own path', path: '/files/7', scopes: ['w'] },
    {
      name: 'a path that was decoded to look like another route',
      path: '/files/public/logo',
      scopes: ['w'],
    },
    { name: 'a path that is written otherwise', path: '/fil%65s/7', scopes: ['w'] },
    { name: 'a path with more segments', path: '/files/a/b/c', scopes: ['w'] },
  ])('decides alone where it is declared: $name', ({ path, scopes }) => {
    expect(decide('GET', '/files/{fileId}', path)).toEqual(scopes);
  });

  it.each([
    { method: 'POST', routePath: '/files/{id}', path: '/files/7', scopes: ['p'] },
    { method: 'POST', routePath: '/items', path: '/items', scopes: ['any'] },
    { method: 'GET', routePath: '/files/public/logo', path: '/files/public/logo', scopes: [] },
  ])('decides by the method of the request: $method $routePath', (question) => {
    const { method, routePath, path, scopes } = question;
    expect(decide(method, routePath, path)).toEqual(scopes);
  });

  it.each(['/{proxy+}', '/files/{rest+}', '/{proxy*}', undefined])(
    'leaves it to the path where it is a catch-all or not known: %s',
    (routePath) => {
      expect(decide('GET', routePath, '/files/public/logo')).toEqual([]);
      expect(decide('GET', routePath, '/files/7')).toEqual(['w']);
      expect(decide('GET', routePath, '/files/%70ublic/logo')).toBeUndefined();
      expect(decide('GET', routePath, '/else')).toBeUndefined();
    },
  );

  it('may be left to the path even where it is a catch-all that is declared', () => {
    expect(decide('GET', '/items/{id}/{rest+}', '/items/7/secret')).toEqual(['secret']);
    expect(decide('GET', '/items/{id}/{rest+}', '/items/7/x/y')).toEqual(['tree']);
  });

  it.each([
    {
      name: 'a declared literal that its path was decoded to',
      routePath: '/{name}',
      path: '/files/public/logo',
    },
    { name: 'a declared parameter', routePath: '/files/export', path: '/files/export' },
    {
      name: 'a declared route of another method',
      routePath: '/files/public/logo',
      path: '/files/public/logo',
      method: 'PUT',
    },
    {
      name: 'a catch-all that takes in only some of it',
      routePath: '/{a}/{b}/{c}',
      path: '/items/7/x',
    },
    {
      name: 'a catch-all, where the path is another declared route\u2019s',
      routePath: '/items/{id}/{name}',
      path: '/items/7/secret',
    },
  ])('is denied where it is not declared, whatever its path matches: $name', (question) => {
    const { method = 'GET', routePath, path } = question;
    expect(decide(method, routePath, path)).toBeUndefined();
  });

  it.each([
    { routePath: '/items/{id}/{name}', path: '/items/7/x' },
    { routePath: '/items/{id}/x', path: '/items/7/x' },
    { routePath: '/items/7/x/{id}', path: '/items/7/x/8' },
  ])('may be taken in by a declared {proxy+}: $routePath', ({ routePath, path }) => {
    expect(decide('GET', routePath, path)).toEqual(['tree']);
  });

  it('is the same for whatever path, where it is declared and no catch-all', () => {
    const anyPath = fc.oneof(
      fc.constantFrom('/files/public/logo', '/items', '/files/7', '/items/7/secret'),
      fc.string().map((text) => `/${text}`),
    );
    fc.assert(
      fc.property(
        anyPath,
        fc.constantFrom('/files/{x}', '/items', '/items/{x}/secret'),
        (path, own) => {
          expect(decide('GET', own, path)).toEqual(decide('GET', own, own.replace('{x}', '7')));
        },
      ),
    );
  });
});
