import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  collect,
  collectClaim,
  collectDescription,
  days,
  duration,
  notEmpty,
  regionName,
  seconds,
  stageName,
} from '../../cli/options.ts';

describe('a claim', () => {
  it.each([
    { argument: 'participantId=P1', name: 'participantId', value: 'P1' },
    { argument: 'count=5', name: 'count', value: 5 },
    { argument: 'count="5"', name: 'count', value: '5' },
    { argument: 'on=true', name: 'on', value: true },
    { argument: 'nothing=null', name: 'nothing', value: null },
    { argument: 'empty=', name: 'empty', value: '' },
    { argument: 'roles=["a","b"]', name: 'roles', value: ['a', 'b'] },
    { argument: 'ucw/appMetaData={"a":{"b":1}}', name: 'ucw/appMetaData', value: { a: { b: 1 } } },
    { argument: 'https://x.test/c=a=b=c', name: 'https://x.test/c', value: 'a=b=c' },
    { argument: 'broken={"a":', name: 'broken', value: '{"a":' },
    { argument: 'zeros=007', name: 'zeros', value: '007' },
  ])('$argument is $value', ({ argument, name, value }) => {
    expect(collectClaim(argument)).toEqual({ [name]: value });
  });

  it.each([
    { name: 'has an equals sign', argument: 'participantId' },
    { name: 'has a name', argument: '=P1' },
    { name: 'keeps its number exactly', argument: 'id=12345678901234567890' },
    { name: 'keeps the numbers within it exactly', argument: 'id={"a":[12345678901234567890]}' },
    { name: 'is finite', argument: 'id=1e400' },
  ])('$name, or is refused', ({ argument }) => {
    expect(() => collectClaim(argument)).toThrow(InvalidArgumentError);
  });

  it('joins those before it and does not replace one', () => {
    expect(collectClaim('b=2', { a: 1 })).toEqual({ a: 1, b: 2 });
    expect(() => collectClaim('a=2', { a: 1 })).toThrow('a second time');
  });

  it('named __proto__ is a name like any other, for the registration to refuse', () => {
    expect(Object.keys(collectClaim('__proto__=1'))).toEqual(['__proto__']);
  });

  it('is what JSON.parse reads, whatever it is', () => {
    const anyValue = fc.object({
      values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)],
    });
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = JSON.stringify(value);
        expect(collectClaim(`c=${text}`)).toEqual({ c: JSON.parse(text) });
      }),
    );
  });
});

describe('a scope and its description', () => {
  it('part at the first equals sign', () => {
    expect(collectDescription('read:x=Reads a=b', { 'write:x': 'Writes' })).toEqual({
      'write:x': 'Writes',
      'read:x': 'Reads a=b',
    });
  });

  it('are both needed, once each', () => {
    expect(() => collectDescription('read:x')).toThrow('name=description');
    expect(() => collectDescription('read:x=b', { 'read:x': 'a' })).toThrow('a second time');
  });
});

describe('a value', () => {
  it('of a repeated option is gathered', () => {
    expect(collect('b', ['a'])).toEqual(['a', 'b']);
    expect(collect('a')).toEqual(['a']);
    expect(() => collect('')).toThrow(InvalidArgumentError);
  });

  it('is not empty', () => {
    expect(notEmpty('a')).toBe('a');
    expect(() => notEmpty('')).toThrow('empty');
  });

  it.each(['', '-1', '1.5', '1e3', 'ten', ' 1', '9'.repeat(20)])(
    '%j is no number of seconds',
    (text) => {
      expect(() => seconds(text)).toThrow('whole number of seconds');
    },
  );

  it('of seconds is a whole number', () => {
    expect(seconds('3600')).toBe(3600);
  });

  it.each(['', 'a/b', '--json', '1dev', 'ünicode', 'a b'])('%j is no stage', (text) => {
    expect(() => stageName(text)).toThrow(InvalidArgumentError);
  });

  it.each(['', 'x', 'evil.example/', '--json', 'eu central 1'])('%j is no region', (text) => {
    expect(() => regionName(text)).toThrow(InvalidArgumentError);
  });

  it('names a stage or a region', () => {
    expect(stageName('my-dev2')).toBe('my-dev2');
    expect(regionName('us-gov-west-1')).toBe('us-gov-west-1');
  });
});

describe('a time', () => {
  it.each([
    { text: '45', seconds: 45 },
    { text: '45s', seconds: 45 },
    { text: '30m', seconds: 1800 },
    { text: '24h', seconds: 86_400 },
    { text: '7d', seconds: 604_800 },
  ])('of $text is $seconds seconds', ({ text, seconds }) => {
    expect(duration(text)).toBe(seconds);
  });

  it.each(['', '0', '0h', '-1', '1.5h', 'h', '1w', '1 h', '24H', '1234567890'])(
    'of "%s" is refused',
    (text) => {
      expect(() => duration(text)).toThrow(InvalidArgumentError);
    },
  );

  it('in days is one to a thousand of them', () => {
    expect([days('1d'), days('30d'), days('1000d')]).toEqual([1, 30, 1000]);
    for (const text of ['', '0d', '1001d', '30', '4h', '-1d', '1.5d']) {
      expect(() => days(text)).toThrow(InvalidArgumentError);
    }
  });
});
