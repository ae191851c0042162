import type { Item } from './table.ts';

/** One table of names, read both ways: a thing as the code has it, an item as DynamoDB has it. */
export interface RecordMapping<Value> {
  /** What is undefined has no attribute. */
  itemOf(value: Value): Item;
  /** What has no attribute is left out; attributes without a name are passed over. */
  valueOf(item: Item): Value;
}

/** The attribute of a name, or of a list whose members are records themselves. */
type Attribute<Value> =
  | string
  | (NonNullable<Value> extends readonly (infer Member)[]
      ? { attribute: string; each: RecordMapping<Member> }
      : never);

export type AttributeNames<Value> = { readonly [Name in keyof Value]-?: Attribute<Value[Name]> };

interface Members {
  attribute: string;
  each: RecordMapping<unknown>;
}

interface Field extends Partial<Members> {
  name: string;
  attribute: string;
}

/** @param names every name of the thing, with the attribute that it is stored under */
export function createRecord<Value extends object>(
  names: AttributeNames<Value>,
): RecordMapping<Value> {
  // The compiler cannot go through the names of a type that it does not know yet.
  const attributes = Object.entries(names as Readonly<Record<string, string | Members>>);
  const fields = attributes.map(
    ([name, attribute]): Field =>
      typeof attribute === 'string' ? { name, attribute } : { name, ...attribute },
  );

  return {
    itemOf(value) {
      const members = value as Readonly<Record<string, unknown>>;
      const pairs = fields.map(({ name, attribute, each }) => [
        attribute,
        each ? mapped(members[name], each.itemOf) : members[name],
      ]);
      return Object.fromEntries(pairs.filter(([, member]) => member !== undefined));
    },

    // What is in the table was written from a value of this type: the stores check nothing twice.
    valueOf(item) {
      const pairs = fields.map(({ name, attribute, each }) => [
        name,
        each ? mapped(item[attribute], each.valueOf) : item[attribute],
      ]);
      return Object.fromEntries(pairs.filter(([, member]) => member !== undefined)) as Value;
    },
  };
}

function mapped<From, To>(list: unknown, map: (member: From) => To): To[] | undefined {
  return Array.isArray(list) ? list.map(map) : undefined;
}
