import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

interface Process {
  pid: number;
  parent: number;
  /** Ended, and not yet collected by its parent. */
  isZombie: boolean;
}

/** The processes that a process has started, and those that they have started. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const processes = await listProcesses();
  const found: number[] = [];
  for (const ancestors = [pid]; ancestors.length > 0; ) {
    const ancestor = ancestors.pop();
    const children = processes.filter(({ parent }) => parent === ancestor);
    const pids = children.map((child) => child.pid);
    found.push(...pids);
    ancestors.push(...pids);
  }
  return found;
}

/** Those of the processes that have not ended. */
export async function stillRunning(pids: readonly number[]): Promise<number[]> {
  const running = (await listProcesses()).filter(({ isZombie }) => !isZombie);
  return pids.filter((pid) => running.some((process) => process.pid === pid));
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return listenOnce(0);
}

/** Listens for a moment. @throws {Error} where the port is taken */
export function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? port) : port));
    });
  });
}

/** Linux tells in /proc, where a small image may have no `ps`. */
async function listProcesses(): Promise<Process[]> {
  if (process.platform !== 'linux') return listWithPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  return (await Promise.all(stats)).filter((stat) => stat !== '').map(parseStat);
}

/** `pid (name) state ppid …`: the name may hold anything, a parenthesis too. */
function parseStat(stat: string): Process {
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(stat, 10), parent: Number(parent), isZombie: state === 'Z' };
}

async function listWithPs(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=']);
  const lines = stdout.trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), isZombie: state.startsWith('Z') };
  });
}
