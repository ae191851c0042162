import { text } from 'node:stream/consumers';

/** Calls a function once, in a process of its own: `node call-function.ts token`, the event on standard input. */
const [name = ''] = process.argv.slice(2);
const { handler } = await import(`../../functions/${name}.ts`);
const result = await handler(JSON.parse(await text(process.stdin)), {});
process.stdout.write(JSON.stringify(result) ?? '');
