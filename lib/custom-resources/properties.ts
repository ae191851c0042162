import { RefusedError } from '../runtime/refused-error.ts';
import type { Properties } from './request.ts';

/** What CloudFormation itself reads of a custom resource's properties. */
const OF_CLOUDFORMATION = ['ServiceToken', 'ServiceTimeout'];

/** Properties of one resource, or of one of its nested ones. Every refusal names the property, never its value. */
export interface PropertyReader {
  text(name: string): string | undefined;
  /** Whole numbers, as CloudFormation's text or as they are. */
  integer(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
  texts(name: string): readonly string[] | undefined;
  /** Each of a list of nested ones. */
  readers(name: string, known: readonly string[]): readonly PropertyReader[] | undefined;
  /** Name -> value. */
  map(name: string): Properties | undefined;
  required<T>(name: string, value: T | undefined): T;
}

/**
 * @param path goes before the names in refusals, as in `Grants[0].`
 * @throws {RefusedError} here for a property that is not known; when it is read, for a malformed one
 */
export function readProperties(
  properties: Properties,
  known: readonly string[],
  path = '',
): PropertyReader {
  const allowed = path === '' ? [...known, ...OF_CLOUDFORMATION] : known;
  const unknown = Object.keys(properties).filter((name) => !allowed.includes(name));
  if (unknown.length > 0) {
    throw new RefusedError(
      `${unknown.map((name) => path + name).join(', ')}: no such property; there are ${known.join(', ')}`,
    );
  }

  function read<T>(name: string, wanted: string, parse: (value: unknown) => T | undefined) {
    const value = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (value === undefined) return undefined;
    const parsed = parse(value);
    if (parsed === undefined) throw new RefusedError(`${path}${name} is ${wanted}`);
    return parsed;
  }

  return {
    text: (name) => read(name, 'a text that is not empty', textOf),

    integer: (name) =>
      read(name, 'a whole number', (value) => {
        const text = typeof value === 'number' ? String(value) : textOf(value);
        return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
      }),

    boolean: (name) =>
      read(name, 'true or false', (value) => {
        const text = String(value);
        return text === 'true' || text === 'false' ? text === 'true' : undefined;
      }),

    texts: (name) =>
      read(name, 'a list of texts', (value) => {
        const texts = Array.isArray(value) ? value.map(textOf) : [undefined];
        return texts.every((text) => text !== undefined) ? texts : undefined;
      }),

    readers(name, nested) {
      const maps = read(name, 'a list of maps', (value) => {
        const all = Array.isArray(value) ? value.map(mapOf) : [undefined];
        return all.every((map) => map !== undefined) ? all : undefined;
      });
      return maps?.map((map, index) => readProperties(map, nested, `${path}${name}[${index}].`));
    },

    map: (name) => read(name, 'a map', mapOf),

    required(name, value) {
      if (value === undefined) throw new RefusedError(`${path}${name} is missing`);
      return value;
    },
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

function mapOf(value: unknown): Properties | undefined {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap ? (value as Properties) : undefined;
}
