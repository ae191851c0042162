import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OAuthError } from '../../lib/oauth/errors.ts';
import { parseParameters } from '../../lib/oauth/parameters.ts';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

function read(contentType: string | undefined, body: string): Record<string, string | undefined> {
  const parameters = parseParameters(contentType, body);
  const names = ['grant_type', 'scope', 'audience', 'username', '__proto__'];
  return Object.fromEntries(
    names.filter((name) => parameters.has(name)).map((name) => [name, parameters.get(name)]),
  );
}

describe('parameters are read', () => {
  it.each([
    { name: 'from a form', type: FORM, body: 'grant_type=x&scope=a+b', scope: 'a b' },
    {
      name: 'from a form with a charset',
      type: `${FORM};charset=UTF-8`,
      body: 'scope=a',
      scope: 'a',
    },
    {
      name: 'whatever the case of the media type',
      type: 'Application/X-WWW-Form-Urlencoded',
      body: 'scope=a',
      scope: 'a',
    },
    { name: 'with percent-encoded UTF-8', type: FORM, body: 'scope=%C3%A9', scope: 'é' },
    { name: 'with a plus that is one', type: FORM, body: 'scope=a%2Bb', scope: 'a+b' },
    { name: 'with an equals sign in the value', type: FORM, body: 'scope=a=b', scope: 'a=b' },
    {
      name: 'without the empty ones of a form',
      type: FORM,
      body: 'scope=&grant_type',
      scope: undefined,
    },
    { name: 'from JSON', type: JSON_TYPE, body: '{"scope":"a b"}', scope: 'a b' },
    {
      name: 'from JSON with a charset',
      type: `${JSON_TYPE}; charset="utf-8"`,
      body: '{"scope":"a"}',
      scope: 'a',
    },
    {
      name: 'without the empty ones of JSON',
      type: JSON_TYPE,
      body: '{"scope":""}',
      scope: undefined,
    },
    {
      name: 'without the null ones of JSON',
      type: JSON_TYPE,
      body: '{"scope":null}',
      scope: undefined,
    },
    {
      name: 'past an unknown parameter that is an object',
      type: JSON_TYPE,
      body: '{"x":{"scope":"b"},"scope":"a"}',
      scope: 'a',
    },
    {
      name: 'past names that only look repeated',
      type: JSON_TYPE,
      body: '{"x":{"scope":1,"y":["scope"]},"scope":"a"}',
      scope: 'a',
    },
    {
      name: 'past text that looks like a name',
      type: JSON_TYPE,
      body: '{"x":"\\"scope\\":","scope":"a"}',
      scope: 'a',
    },
    {
      name: 'from an empty body without content type',
      type: undefined,
      body: '',
      scope: undefined,
    },
  ])('$name', ({ type, body, scope }) => {
    expect(read(type, body).scope).toBe(scope);
  });

  it('with a resource that is repeated', () => {
    expect(parseParameters(FORM, 'resource=a&resource=b').all('resource')).toEqual(['a', 'b']);
    expect(parseParameters(JSON_TYPE, '{"resource":["a","b"]}').all('resource')).toEqual([
      'a',
      'b',
    ]);
  });

  it('without mistaking a name for a property of an object', () => {
    expect(parseParameters(JSON_TYPE, '{"__proto__":"x"}').get('__proto__')).toBe('x');
    expect(parseParameters(FORM, 'a=b').has('constructor')).toBe(false);
  });
});

describe('parameters are refused', () => {
  it.each([
    { name: 'repeated in a form', type: FORM, body: 'scope=a&scope=a' },
    { name: 'repeated under another encoding', type: FORM, body: 'scope=a&sc%6Fpe=b' },
    { name: 'repeated in JSON', type: JSON_TYPE, body: '{"scope":"a","scope":"b"}' },
    {
      name: 'repeated in JSON under an escape',
      type: JSON_TYPE,
      body: '{"scope":"a","sc\\u006fpe":"b"}',
    },
    { name: 'repeated even where they are unknown', type: FORM, body: 'x=1&x=2' },
    { name: 'that are numbers', type: JSON_TYPE, body: '{"scope":1}' },
    { name: 'that are lists', type: JSON_TYPE, body: '{"audience":["a"]}' },
    { name: 'in a JSON list', type: JSON_TYPE, body: '[]' },
    { name: 'in a JSON null', type: JSON_TYPE, body: 'null' },
    { name: 'in malformed JSON', type: JSON_TYPE, body: '{"scope":' },
    { name: 'in an empty JSON body', type: JSON_TYPE, body: '' },
    { name: 'with a broken escape', type: FORM, body: 'scope=%zz' },
    { name: 'with an escape that is no UTF-8', type: FORM, body: 'scope=%ff' },
    { name: 'in another charset', type: `${FORM};charset=latin1`, body: 'scope=a' },
    { name: 'as multipart', type: 'multipart/form-data; boundary=x', body: '--x--' },
    { name: 'as text', type: 'text/plain', body: 'scope=a' },
    { name: 'without a content type', type: undefined, body: 'scope=a' },
    {
      name: 'by the hundred',
      type: FORM,
      body: Array.from({ length: 101 }, (_, i) => `p${i}=1`).join('&'),
    },
    {
      name: 'by the hundred in JSON',
      type: JSON_TYPE,
      body: `{${Array.from({ length: 101 }, (_, i) => `"p${i}":"1"`)}}`,
    },
  ])('$name', ({ type, body }) => {
    expect(() => read(type, body)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('where they are required and missing, by name', () => {
    expect(() => parseParameters(FORM, 'a=b').require('grant_type')).toThrow(
      /grant_type is missing/,
    );
  });
});

describe('whatever is sent', () => {
  it('is read or refused with invalid_request, and nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(FORM, JSON_TYPE, `${FORM}; charset=utf-8`, 'text/html', undefined),
        fc.oneof(fc.string(), fc.json(), fc.webQueryParameters(), fc.string({ unit: 'binary' })),
        (type, body) => {
          try {
            read(type, body);
          } catch (error) {
            expect(error).toBeInstanceOf(OAuthError);
            expect(error).toHaveProperty('code', 'invalid_request');
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('comes out of a form as URLSearchParams put it in', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (scope) => {
        expect(read(FORM, new URLSearchParams({ scope }).toString()).scope).toBe(scope);
        expect(read(JSON_TYPE, JSON.stringify({ scope })).scope).toBe(scope);
      }),
    );
  });
});
