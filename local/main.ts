import { demonstration } from './demo/greeting.ts';
import { type Stack, StartError, startStack } from './stack.ts';

/** Starts the local stack and keeps it until a signal ends it. A start that fails is one line and exit code 1. */
export async function main(): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      port: process.env.PORT || '3000',
      dataFolder: process.env.LATCHKEY_DATA || undefined,
      stackFile: process.env.LATCHKEY_STACK_FILE || '.local/stack.json',
      interrupted: stopped,
    });
    console.log(demonstration(stack));
    await Promise.race([stopped, stack.failed]);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    await stack?.close();
  }
}
