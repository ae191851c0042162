import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRouteScopes } from '../../lib/gateway/route-scopes.ts';
import { findRoute, isAllowed, METHODS } from '../../lib/gateway/routes.ts';

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
    { method: 'GET', path: '/users/%6de', scopes: ['read'] },
    { method: 'GET', path: '/Users', scopes: ['catch-all'] },
    { method: 'GET', path: '/', scopes: ['root'] },
    { method: 'POST', path: '/', scopes: undefined },
    { method: 'TRACE', path: '/users', scopes: undefined },
    { method: 'ANY', path: '/users', scopes: undefined },
  ])('for $method $path', ({ method, path, scopes }) => {
    expect(findRoute(table, { method, path })?.scopes).toEqual(scopes);
  });

  it.each([
    { name: 'the same template', routePath: '/users/{id}', scopes: ['read'] },
    { name: 'a template with other names', routePath: '/users/{userId}', scopes: ['read'] },
    { name: 'a more specific route', routePath: '/users/me', scopes: [] },
    { name: 'a less specific template', routePath: '/{proxy+}', scopes: ['read'] },
    { name: 'a template that is not declared', routePath: '/x/{id}', scopes: ['read'] },
    { name: 'something else', routePath: '$default', scopes: ['read'] },
  ])('for a request whose gateway route is $name', ({ routePath, scopes }) => {
    const request = { method: 'GET', path: '/users/7', routePath };
    expect(findRoute(table, request)?.scopes).toEqual(scopes);
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
