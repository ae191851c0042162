import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTable, type Table } from '../../lib/aws/table.ts';
import { startTables } from '../support/tables.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
let table: Table;
beforeAll(async () => {
  tables = await startTables();
  table = createTable(tables.dynamodb, tables.tableName('clients'), 'client_id');
});
afterAll(() => tables.close());

describe('a table', () => {
  it('has what was added, without what is undefined', async () => {
    expect(
      await table.add({ client_id: 'a', list: ['x'], nested: { b: true }, none: undefined }),
    ).toBe('added');
    expect(await table.get('a')).toEqual({
      client_id: 'a',
      list: ['x'],
      nested: { b: true },
      write_id: expect.any(String),
    });
  });

  it('takes a key once, of however many that come at once', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => table.add({ client_id: 'once', n })),
    );
    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(1);
  });

  it('updates where the condition holds, and tells what stands there where it does not', async () => {
    await table.add({ client_id: 'u', n: 1 });
    const update = (from: number, to: number) =>
      table.update('u', {
        expression: 'SET n = :to',
        condition: 'n = :from',
        values: { ':from': from, ':to': to },
      });
    expect(await update(1, 2)).toMatchObject({ outcome: 'updated', item: { n: 2 } });
    expect(await update(1, 3)).toMatchObject({ outcome: 'refused', item: { n: 2 } });
  });

  it('tells that there was nothing to update or remove', async () => {
    const update = {
      expression: 'SET n = :n',
      condition: 'attribute_exists(n)',
      values: { ':n': 1 },
    };
    expect(await table.update('nothing', update)).toEqual({ outcome: 'refused', item: undefined });
    expect(await table.remove('nothing')).toBe('unknown');
    await table.put({ client_id: 'r' });
    expect(await table.remove('r')).toBe('removed');
  });

  it.each([
    { name: 'empty', key: '' },
    { name: 'longer than a key can be', key: 'x'.repeat(2049) },
  ])('has nothing under a key that is $name', async ({ key }) => {
    const update = { expression: 'SET n = :n', condition: '', values: { ':n': 1 } };
    expect(await table.get(key)).toBeUndefined();
    expect(await table.update(key, update)).toEqual({ outcome: 'refused', item: undefined });
    expect(await table.remove(key)).toBe('unknown');
  });

  it('is scanned to its end, page after page', async () => {
    const users = createTable(tables.dynamodb, tables.tableName('users'), 'sub');
    const filling = 'x'.repeat(300_000);
    await Promise.all(Array.from({ length: 8 }, (_, n) => users.put({ sub: `${n}`, filling })));
    expect(await users.scan()).toHaveLength(8);
  });
});
