import { describe, expect, it } from 'vitest';
import { importsOf, readSources, type Source } from './sources.ts';

/**
 * The rooms, lowest floor first. A room imports lower floors and itself: not a higher one, and none beside it.
 * Types count, since a room that names another's type has to know what that is.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['lib/runtime', 'lib/oauth'],
  ['lib/jwt', 'lib/aws', 'lib/sealing', 'lib/http'],
  ['lib/audit', 'lib/one-time', 'lib/mail', 'lib/pages'],
  [
    ...['lib/keys', 'lib/signatures', 'lib/clients', 'lib/resource-servers', 'lib/users'],
    'lib/refresh-tokens',
  ],
  ['lib/service-clients', 'lib/api-keys', 'lib/sessions'],
  ['lib/endpoints', 'lib/gateway', 'lib/rotation', 'lib/custom-resources'],
  ['lib/lambda'],
  ['functions', 'cli'],
  ['local', 'stack'],
  ['bench'],
  ['test'],
];

const ROOMS = FLOORS.flat();

/** The room that the file stands in; undefined where it stands in none. */
function roomOf(file: string): string | undefined {
  return ROOMS.find((room) => file.startsWith(`${room}/`));
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

/** `lib/a/x.ts -> lib/b/y.ts` for each import that does not go down, and what stands in no room. */
function offencesOf(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const room = roomOf(source.file);
    if (room === undefined) return [`${source.file} stands in no room`];
    return importsOf(source)
      .filter(({ isRelative }) => isRelative)
      .filter(({ target }) => {
        const other = roomOf(target);
        return other === undefined || (other !== room && floorOf(other) >= floorOf(room));
      })
      .map(({ target }) => `${source.file} -> ${target}`);
  });
}

/** Each circle of files once, as the files on its way. */
function circlesOf(sources: readonly Source[]): string[][] {
  const files = new Set(sources.map(({ file }) => file));
  const targets = new Map(
    sources.map((source) => [
      source.file,
      importsOf(source).flatMap(({ target }) => (files.has(target) ? [target] : [])),
    ]),
  );
  const circles: string[][] = [];
  const done = new Set<string>();
  function visit(file: string, way: readonly string[]): void {
    const start = way.indexOf(file);
    if (start >= 0) circles.push(way.slice(start));
    if (start >= 0 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  }
  for (const file of files) visit(file, []);
  return circles;
}

const sources = readSources();

describe('the floors of the house', () => {
  it('are kept by every import, those of types included', () => {
    expect(offencesOf(sources)).toEqual([]);
  });

  it('leave no circle of files', () => {
    expect(circlesOf(sources)).toEqual([]);
  });

  it.each([
    ['up a floor', 'lib/aws/a.ts', '../clients/client-store.ts'],
    ['up a floor, of a type', 'lib/oauth/a.ts', '../users/user-store.ts'],
    ['to a room beside it', 'lib/clients/a.ts', '../users/user-store.ts'],
    ['out of lib', 'lib/endpoints/a.ts', '../../functions/token.ts'],
    ['of what stands in no room', 'lib/endpoints/a.ts', '../a.ts'],
  ])('are broken by an import %s', (name, file, specifier) => {
    const type = name.endsWith('of a type') ? 'type ' : '';
    const planted = { file, text: `import ${type}{ a } from '${specifier}';\n` };
    expect(offencesOf([...sources, planted])).toHaveLength(1);
  });

  it.each([
    ['down a floor', 'lib/endpoints/a.ts', '../oauth/errors.ts'],
    ['of its own room', 'lib/clients/a.ts', './client-store.ts'],
    ['of a package', 'lib/keys/a.ts', 'jose'],
  ])('are kept by an import %s', (_, file, specifier) => {
    const planted = { file, text: `import { a } from '${specifier}';\n` };
    expect(offencesOf([...sources, planted])).toEqual([]);
  });

  it('are broken by a file that stands in no room', () => {
    expect(offencesOf([{ file: 'lib/a.ts', text: '' }])).toEqual(['lib/a.ts stands in no room']);
  });

  it.each([
    ['two files', ['b', 'a']],
    ['three files', ['b', 'c', 'a']],
    ['a file and itself', ['a']],
  ])('are broken by a circle of %s, of types alone too', (_, targets) => {
    const files = ['a', 'b', 'c'];
    const planted = targets.map((target, index) => ({
      file: `lib/keys/${files[index]}.ts`,
      text: `import type { T } from './${target}.ts';\n`,
    }));
    expect(circlesOf([...sources, ...planted])).toHaveLength(1);
  });
});
