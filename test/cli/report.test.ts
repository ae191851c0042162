import { expect, it } from 'vitest';
import { claimsText, dateTime, fields, joined, table, yesOrNo } from '../../cli/report.ts';

it('aligns columns under their headings, without spaces at the ends of lines', () => {
  expect(
    table(
      ['ID', 'NAME'],
      [
        ['long-id', 'a'],
        ['b', 'long name'],
      ],
    ),
  ).toBe('ID       NAME\nlong-id  a\nb        long name');
});

it('shows a list of nothing as its headings', () => {
  expect(table(['ID', 'NAME'], [])).toBe('ID  NAME');
});

it('aligns values', () => {
  expect(
    fields([
      ['Name', 'a'],
      ['Client id', 'b'],
    ]),
  ).toBe('Name       a\nClient id  b');
});

it('lets nothing that is stored reach the terminal as a command to it', () => {
  expect(fields([['Name', 'a\u001b[2J\nb\u202e']])).toBe('Name  a\ufffd[2J\ufffdb\ufffd');
});

it('shows times, words, claims and truths', () => {
  expect(dateTime(1_700_000_000)).toBe('2023-11-14T22:13:20Z');
  expect([joined([]), joined(['a', 'b'])]).toEqual(['-', 'a, b']);
  expect([claimsText({}), claimsText({ a: [1] })]).toEqual(['-', '{"a":[1]}']);
  expect([yesOrNo(true), yesOrNo(false)]).toEqual(['yes', 'no']);
});
