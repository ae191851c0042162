import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { secretNotFound } from './errors.ts';
import type { Secret } from './secret.ts';

const FORMAT = 1;
const FULL_ARN_ENDING = /-[A-Za-z0-9]{6}$/;

export interface SecretStore {
  /** A copy of the secret with this name, ARN or ARN without its random ending, if there is one. */
  lookup(secretId: string): Secret | undefined;
  /** The same, where a secret that does not exist is a ResourceNotFoundException. */
  find(secretId: string): Secret;
  /** Every secret, oldest first. To read only: changes go through `find` and `save`. */
  all(): readonly Secret[];
  save(secret: Secret): void;
  remove(secret: Secret): void;
  /** Runs a synchronous change. All of it is kept, on disk too, or none of it. */
  transact<Result>(change: () => Result): Result;
}

function readSecrets(file: string): Secret[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
  try {
    const state: { format?: unknown; secrets?: unknown } = JSON.parse(text);
    if (state.format === FORMAT && Array.isArray(state.secrets)) {
      return state.secrets;
    }
  } catch {
    // A parser's message quotes what it read, and this file holds secrets: so it is not passed on.
  }
  throw new Error(`${file} is not a state file of the Secrets Manager emulator`);
}

/** Writes beside the file and renames over it, so that a crash leaves the old state or the new. */
function writeSecrets(file: string, secrets: readonly Secret[]): void {
  const temporary = `${file}.${process.pid}.${randomUUID()}.tmp`;
  try {
    const state = JSON.stringify({ format: FORMAT, secrets }, null, 2);
    writeFileSync(temporary, state, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Keeps the secrets, in memory or in a JSON file that only its owner can read.
 * It throws at once if the file exists and is not one of its own.
 */
export function createSecretStore(options: { file?: string; now: () => number }): SecretStore {
  const { file, now } = options;
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  }
  const loaded = file === undefined ? [] : readSecrets(file);
  let secrets = new Map(loaded.map((secret) => [secret.arn, secret]));
  let isChanged = false;

  function matches(secret: Secret, secretId: string): boolean {
    if (secret.name === secretId || secret.arn === secretId) {
      return true;
    }
    // An ARN that already ends like a full one is never taken for a partial one.
    return !FULL_ARN_ENDING.test(secretId) && secret.arn.slice(0, -7) === secretId;
  }

  function lookup(secretId: string): Secret | undefined {
    const found = secrets.get(secretId);
    const secret = found ?? [...secrets.values()].find((each) => matches(each, secretId));
    return secret && structuredClone(secret);
  }

  function remove(secret: Secret): void {
    isChanged = secrets.delete(secret.arn) || isChanged;
  }

  return {
    lookup,
    find(secretId) {
      const secret = lookup(secretId);
      if (secret === undefined) {
        throw secretNotFound();
      }
      return secret;
    },
    all: () => [...secrets.values()],
    save(secret) {
      secrets.set(secret.arn, secret);
      isChanged = true;
    },
    remove,
    transact(change) {
      const before = new Map(secrets);
      isChanged = false;
      try {
        for (const secret of before.values()) {
          if (secret.deletionDate !== undefined && secret.deletionDate <= now()) {
            remove(secret);
          }
        }
        const result = change();
        if (isChanged && file !== undefined) {
          writeSecrets(file, [...secrets.values()]);
        }
        return result;
      } catch (error) {
        secrets = before;
        throw error;
      }
    },
  };
}
