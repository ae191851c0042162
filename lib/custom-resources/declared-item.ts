import type { Item, Table, Update } from '../aws/table.ts';

/** Whose an item is: an attribute of the item, which nothing changes once it is there. */
const OWNED = 'declared_by = :declared_by';

/** Writes the item, or changes the settings of the one that the owner has there. */
export async function putDeclared(
  table: Table,
  key: string,
  item: Item,
  settings: readonly string[],
): Promise<'added' | 'changed' | 'foreign'> {
  const change = () => table.update(key, updateOf(item, settings));
  if ((await change()).outcome === 'updated') return 'changed';
  if ((await table.add(item)) === 'added') return 'added';
  // Perhaps a repetition of this very request was faster.
  return (await change()).outcome === 'updated' ? 'changed' : 'foreign';
}

/** Removes the item where it is the owner's. */
export async function removeDeclared(table: Table, key: string, declaredBy: string): Promise<void> {
  await table.removeIf(key, { condition: OWNED, values: { ':declared_by': declaredBy } });
}

/** Sets each setting to what the item has, and takes away those that it has not. */
function updateOf(item: Item, settings: readonly string[]): Update {
  const placeholders = settings.map((name, index) => ({
    name,
    at: `#s${index}`,
    to: `:s${index}`,
  }));
  const isSet = ({ name }: { name: string }) => item[name] !== undefined;
  const set = placeholders.filter(isSet);
  const removed = placeholders.filter((one) => !isSet(one));
  return {
    expression: [
      `SET ${set.map(({ at, to }) => `${at} = ${to}`).join(', ')}`,
      ...(removed.length > 0 ? [`REMOVE ${removed.map(({ at }) => at).join(', ')}`] : []),
    ].join(' '),
    condition: OWNED,
    names: Object.fromEntries(placeholders.map(({ name, at }) => [at, name])),
    values: {
      ':declared_by': item.declared_by,
      ...Object.fromEntries(set.map(({ name, to }) => [to, item[name]])),
    },
  };
}
