import { describe, expect, it } from 'vitest';
import { parseScope, selectScopes } from '../../lib/oauth/scope.ts';

describe('a scope', () => {
  it.each([
    { name: 'is split at spaces', scope: 'a b', scopes: ['a', 'b'] },
    {
      name: 'may have colons, slashes and dots',
      scope: 'read:x y-server/stac:register',
      scopes: ['read:x', 'y-server/stac:register'],
    },
    { name: 'keeps its case', scope: 'A a', scopes: ['A', 'a'] },
    { name: 'is taken once', scope: 'a b a', scopes: ['a', 'b'] },
  ])('$name', ({ scope, scopes }) => {
    expect(parseScope(scope)).toEqual(scopes);
  });

  it.each([' ', ' a', 'a ', 'a  b', 'a\tb', 'a"b', 'a\\b', 'é', 'a\nb', '\u007f'])(
    'cannot be %j',
    (scope) => {
      expect(() => parseScope(scope)).toThrow(expect.objectContaining({ code: 'invalid_scope' }));
    },
  );
});

describe('the scopes of a token', () => {
  const defined = ['read', 'write', 'admin'];

  it.each([
    {
      name: 'are all that is granted where none are asked for',
      granted: ['read', 'write'],
      expected: ['read', 'write'],
    },
    {
      name: 'are what is asked for',
      requested: 'write',
      granted: ['read', 'write'],
      expected: ['write'],
    },
    {
      name: 'leave out what the resource server no longer defines',
      granted: ['read', 'gone'],
      expected: ['read'],
    },
    {
      name: 'are what the user may have where none are asked for',
      granted: ['read', 'write'],
      permitted: ['write', 'admin'],
      expected: ['write'],
    },
    {
      name: 'leave out what the user may not have',
      requested: 'read write',
      granted: ['read', 'write'],
      permitted: ['write'],
      expected: ['write'],
    },
    { name: 'are none for a client without grants', granted: [], expected: [] },
    {
      name: 'are none for a user without permissions',
      granted: ['read'],
      permitted: [],
      expected: [],
    },
  ])('$name', ({ requested, granted, permitted, expected }) => {
    expect(selectScopes({ requested, defined, granted, permitted })).toEqual(expected);
  });

  it.each([
    { name: 'one that does not exist', requested: 'read unknown', granted: ['read'] },
    { name: 'one that the client is not granted', requested: 'admin', granted: ['read'] },
    {
      name: 'one that the resource server no longer defines',
      requested: 'gone',
      granted: ['gone'],
    },
    { name: 'one in another case', requested: 'READ', granted: ['read'] },
    { name: 'any for a client without grants', requested: 'read', granted: [] },
    {
      name: 'only such as the user may not have',
      requested: 'read',
      granted: ['read'],
      permitted: ['write'],
    },
  ])('cannot be $name', ({ requested, granted, permitted }) => {
    expect(() => selectScopes({ requested, defined, granted, permitted })).toThrow(
      expect.objectContaining({
        code: 'invalid_scope',
        description: 'A requested scope is unknown or not granted',
      }),
    );
  });
});
