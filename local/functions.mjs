// serverless-offline, in a process that ends with the one that started it, however that one ends.
import { rmSync } from 'node:fs';

process.on('disconnect', () => {
  rmSync(process.env.LATCHKEY_WORK_FOLDER, { recursive: true, force: true });
  process.exit(0);
});
await import('serverless/bin/serverless.js');
