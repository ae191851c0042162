import { globSync, readFileSync } from 'node:fs';
import { join, posix, resolve, sep } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export interface Source {
  /** Relative to the repository, with slashes: `lib/oauth/scope.ts`. */
  file: string;
  text: string;
}

export interface Import {
  /** A file of the repository (`lib/oauth/scope.ts`), or a package as it is named (`node:crypto`, `jose`). */
  target: string;
  isRelative: boolean;
  /** Written as `import type`: nothing is loaded. */
  isType: boolean;
}

/** Every file of the repository that is code. */
export function readSources(): Source[] {
  const files = globSync('{functions,lib,cli,local,stack,bench,test}/**/*.{ts,mjs}', {
    cwd: root,
  });
  return files.map((file) => ({
    file: file.split(sep).join('/'),
    text: readFileSync(join(root, file), 'utf8'),
  }));
}

/** The code without its comments. */
export function codeOf({ text }: Source): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

/** What a source imports or exports on from, statically and dynamically. */
export function importsOf(source: Source): Import[] {
  const code = codeOf(source);
  const fixed = /^(?:import|export)\s+(type\s+)?(?:[^'";=]*?\sfrom\s+)?'([^']+)'/gm;
  const dynamic = /\bimport\(\s*'([^']+)'/g;
  return [
    ...[...code.matchAll(fixed)].map(([, type, specifier]) => ({ specifier, isType: !!type })),
    ...[...code.matchAll(dynamic)].map(([, specifier]) => ({ specifier, isType: false })),
  ].map(({ specifier = '', isType }) => {
    const isRelative = specifier.startsWith('.');
    const target = isRelative ? posix.join(posix.dirname(source.file), specifier) : specifier;
    return { target, isRelative, isType };
  });
}
