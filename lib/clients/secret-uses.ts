import type { Client, ClientSecret } from '../oauth/client.ts';
import type { ClientCredentials } from '../oauth/client-authentication.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { faultOf } from '../runtime/store-unavailable-error.ts';
import { clientSecretId, matchClientSecret } from './client-secret.ts';
import type { ClientSecretStore } from './client-secret-store.ts';
import { endOf } from './secret-overlap.ts';

/** Seconds for which one note of a secret's use is enough. */
export const USE_INTERVAL = 3600;
/** Seconds until a note that failed is tried again. */
const RETRY_INTERVAL = 60;
/** Seconds before its end at which a secret that nothing succeeds should be out of use. */
const NEAR_END = 6 * 3600;
/** The most secrets that an instance remembers the times of. */
const CAPACITY = 1_000;

export interface SecretUsesDependencies {
  store: Pick<ClientSecretStore, 'noteUse'>;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
  metrics: Metrics;
}

/** To be called with what has proved who the client is. Never rejects: a token does not depend on it. */
export type NoteSecretUse = (client: Client, credentials: ClientCredentials) => Promise<void>;

/**
 * Notes when secrets are used, once an hour for each, and tells of those whose end is near. The client's record
 * and the instance's memory tell whether it is time, so that no call is made to find out.
 */
export function createSecretUses(dependencies: SecretUsesDependencies): NoteSecretUse {
  const { store, now, log, metrics } = dependencies;
  const noted = createTimes();
  const told = createTimes();

  async function note(client: Client, secretId: string): Promise<void> {
    const at = now();
    const before = at - USE_INTERVAL;
    const key = `${client.clientId} ${secretId}`;
    if (Math.max(client.secretUses?.[secretId] ?? 0, noted.get(key)) > before) return;
    noted.set(key, at);
    try {
      await store.noteUse(client, secretId, { at, before });
    } catch (error) {
      noted.set(key, before + RETRY_INTERVAL);
      log.warn('the use of a client secret was not noted', {
        client_id: client.clientId,
        secret_id: secretId,
        reason: faultOf(error),
      });
    }
  }

  function tellNearEnd(client: Client, secret: ClientSecret, secretId: string): void {
    const at = now();
    const key = `${client.clientId} ${secretId}`;
    if (!isNearEnd(client, secret, at) || told.get(key) > at - USE_INTERVAL) return;
    told.set(key, at);
    log.warn('a client secret is in use near its end', {
      audit: true,
      client_id: client.clientId,
      secret_id: secretId,
      end: endOf(secret),
    });
    metrics.count('ClientSecretNearEnd', { ClientId: client.clientId });
  }

  return async (client, credentials) => {
    if (credentials.method === 'none') return;
    const secret = matchClientSecret(client, credentials.clientSecret, now());
    if (secret === undefined) return;
    const secretId = clientSecretId(secret);
    tellNearEnd(client, secret, secretId);
    await note(client, secretId);
  };
}

/** Whether less than a quarter is left of the time that the secret has beside its successor. */
function isNearEnd({ secrets }: Client, { expiresAt, createdAt }: ClientSecret, now: number) {
  if (expiresAt === undefined) return false;
  const newest = Math.max(...secrets.map((secret) => secret.createdAt));
  const threshold = newest > createdAt ? (expiresAt - newest) / 4 : NEAR_END;
  return expiresAt - now < threshold;
}

/** When something last happened, by key: the oldest is forgotten first, and never was so long ago. */
function createTimes() {
  const times = new Map<string, number>();
  return {
    get: (key: string) => times.get(key) ?? 0,
    set(key: string, at: number): void {
      times.delete(key);
      for (const oldest of times.keys()) {
        if (times.size < CAPACITY) break;
        times.delete(oldest);
      }
      times.set(key, at);
    },
  };
}
