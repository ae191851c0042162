import {
  clientSecretId,
  generateClientSecret,
  hashClientSecret,
  isLive,
} from '../clients/client-secret.ts';
import type { ClientSecretStore } from '../clients/client-secret-store.ts';
import { endOf, has, MOST_LIVE_SECRETS, withEnd } from '../clients/secret-overlap.ts';
import { USE_INTERVAL } from '../clients/secret-uses.ts';
import type { Client, ClientSecret, SecretHash } from '../oauth/client.ts';
import type { RequestToken, TokenAnswer } from '../service-clients/request-token.ts';
import { parseServiceSecret, type ServiceSecret } from '../service-clients/service-secret.ts';
import { type RotatingSecret, type Rotation, RotationRefusedError } from './steps.ts';

export interface ClientSecretRotationDependencies {
  store: Pick<ClientSecretStore, 'change'>;
  requestToken: RequestToken;
  /** Where tokens are asked for, whatever the secret says: a secret that was tampered with is told to nobody. */
  issuer: string;
  /** Seconds that the outgoing secret lives on. */
  overlap: number;
  /** Seconds since the epoch. */
  now: () => number;
  /** Resolves after so many milliseconds. */
  wait: (milliseconds: number) => Promise<void>;
}

/** Seconds after its last noted use for which a secret counts as in use: uses are noted once an hour. */
const IN_USE = 2 * USE_INTERVAL;
/** Milliseconds between two requests for a token. */
const TRY_INTERVAL = 1_000;
const MOST_TRIES = 5;

/**
 * The rotation of the secret of a service client. The new secret is good before anybody can read it, and the old
 * one stays so for the overlap after.
 */
export function createClientSecretRotation(
  dependencies: ClientSecretRotationDependencies,
): (secret: Pick<RotatingSecret, 'describe'>) => Rotation {
  const { store, requestToken, issuer, overlap, now, wait } = dependencies;

  /**
   * The value of a secret can name any client, and whoever may write one secret must not thereby become another
   * client: a client is rotated by the secret alone that its record names.
   */
  function assertOwn({ secretName }: Client, name: string): void {
    if (secretName === name) return;
    throw new RotationRefusedError('the secret is not the one of the client that it names');
  }

  return (secret) => ({
    async create(current) {
      if (current === undefined) throw new RotationRefusedError('the secret has no value yet');
      return JSON.stringify({ ...read(current), client_secret: generateClientSecret() });
    },

    async set(pending, current) {
      const { client_id: clientId, client_secret } = read(pending);
      const pair = {
        pending: hashClientSecret(client_secret),
        current: current === undefined ? undefined : hashOf(read(current)),
      };
      let inTheWay: ClientSecret | undefined;
      const { name } = await secret.describe();
      const client = await store.change(clientId, (found) => {
        assertOwn(found, name);
        const made = withPending(found, pair, { now: now(), overlap });
        inTheWay = made.inTheWay;
        return made.secrets;
      });
      if (client === undefined) {
        throw new RotationRefusedError('the client of the secret does not exist');
      }
      if (inTheWay !== undefined) {
        throw new RotationRefusedError(
          `an earlier secret, ${clientSecretId(inTheWay)}, is good still and ${endOf(inTheWay)}`,
        );
      }
    },

    async test(pending) {
      const { client_id: clientId, client_secret: clientSecret, scope } = read(pending);
      for (let tries = 1; ; tries += 1) {
        const answer = await requestToken({ issuer, clientId, clientSecret, scope }).catch(
          () => undefined,
        );
        if (isToken(answer)) return;
        if (tries === MOST_TRIES) throw new RotationRefusedError(reasonOf(answer));
        await wait(TRY_INTERVAL);
      }
    },

    async retire(previous, current) {
      const successor = read(current);
      const outgoing = readIfWellFormed(previous);
      // A previous value of another client, or with the same secret, has nothing that this rotation replaced.
      if (outgoing?.client_id !== successor.client_id) return;
      const [outgoingHash, successorHash] = [hashOf(outgoing), hashOf(successor)];
      if (outgoingHash === successorHash) return;
      const { name } = await secret.describe();
      await store.change(successor.client_id, (found) => {
        assertOwn(found, name);
        const { secrets } = found;
        // Without a live successor, the end of the outgoing secret would be the client's.
        return secrets.some((live) => live.hash === successorHash && isLive(live, now()))
          ? withEnd(secrets, ({ hash }) => hash === outgoingHash, now() + overlap)
          : secrets;
      });
    },
  });
}

/**
 * The pending secret beside the current one. One that an earlier rotation has replaced was promised its time, and one
 * without an end, left by a rotation that was given up, gets one where it is in use: until then either is `inTheWay`,
 * and Secrets Manager tries again later.
 */
function withPending(
  { secrets, secretUses = {} }: Client,
  { pending, current }: { pending: SecretHash; current: SecretHash | undefined },
  { now, overlap }: { now: number; overlap: number },
): { secrets: Client['secrets']; inTheWay?: ClientSecret } {
  const live = secrets.filter((secret) => isLive(secret, now));
  if (has(live, pending)) return { secrets };
  const fresh = { hash: pending, createdAt: now };
  if (live.length < MOST_LIVE_SECRETS) return { secrets: [...live, fresh] };
  const blocks = (secret: ClientSecret) =>
    secret.hash !== current &&
    (secret.expiresAt !== undefined || (secretUses[clientSecretId(secret)] ?? 0) > now - IN_USE);
  const blocking = live.find(blocks);
  if (blocking === undefined) {
    return { secrets: [...live.filter(({ hash }) => hash === current), fresh] };
  }
  const isBlocking = ({ hash }: ClientSecret) => hash === blocking.hash;
  const ending = withEnd(secrets, isBlocking, now + overlap);
  return { secrets: ending, inTheWay: ending.find(isBlocking) ?? blocking };
}

function read(value: string): ServiceSecret {
  const secret = readIfWellFormed(value);
  if (secret !== undefined) return secret;
  throw new RotationRefusedError('the value is none of a service client');
}

function readIfWellFormed(value: string): ServiceSecret | undefined {
  try {
    return parseServiceSecret(value);
  } catch {
    return undefined;
  }
}

function hashOf({ client_secret }: ServiceSecret): SecretHash {
  return hashClientSecret(client_secret);
}

/** What the service's own script demands of an answer. */
function isToken(answer: TokenAnswer | undefined): boolean {
  const { access_token, expires_in, token_type } = answer?.body ?? {};
  return answer?.status === 200 && Boolean(access_token && expires_in && token_type);
}

/** An error code, and nothing else of the answer: it is logged. */
function reasonOf(answer: TokenAnswer | undefined): string {
  if (answer === undefined) return 'the token endpoint does not answer';
  const code = /^[a-z_]{1,40}$/.exec(String(answer.body.error))?.[0] ?? 'no token';
  return `the token endpoint answered ${answer.status} to the new secret: ${code}`;
}
