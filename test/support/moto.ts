import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** A program that a test may do without. */
export function findOnPath(command: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Starts moto, which stands in for AWS, on a port of its own. */
export async function startMoto(
  program: string,
): Promise<{ endpoint: string; close(): Promise<void> }> {
  const port = await findFreePort();
  const moto = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise<void>((resolve) => moto.once('exit', () => resolve()));
  // The whole process group, since a launcher script may have started the server itself.
  const kill = () => {
    if (moto.pid !== undefined && moto.exitCode === null && moto.signalCode === null) {
      process.kill(-moto.pid, 'SIGKILL');
    }
  };
  process.once('exit', kill);
  const endpoint = `http://127.0.0.1:${port}`;
  await waitUntilAnswering(endpoint, moto);
  return {
    endpoint,
    async close() {
      kill();
      await ended;
      process.off('exit', kill);
    },
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function waitUntilAnswering(endpoint: string, process: ChildProcess): Promise<void> {
  const deadline = Date.now() + 50_000;
  while (Date.now() < deadline && process.exitCode === null) {
    try {
      const answer = await fetch(`${endpoint}/moto-api/`);
      await answer.arrayBuffer();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`moto_server did not answer (exit code ${process.exitCode})`);
}
