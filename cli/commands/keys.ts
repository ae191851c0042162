import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { holderOf } from '../../lib/aws/secret-description.ts';
import { createFirstKeyset } from '../../lib/keys/first-keyset.ts';
import { type Keyset, keysetOf } from '../../lib/keys/keyset.ts';
import type { JwksStore, PublicKey } from '../../lib/keys/public-key-store.ts';
import { VERIFIER_CACHE } from '../../lib/keys/retention.ts';
import { type Compromise, replaceCompromisedKey } from '../../lib/rotation/compromise.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import type { Connection } from '../connection.ts';
import { dateTime, type Report, table } from '../report.ts';
import type { Shell } from '../shell.ts';

/** `latchkey keys …` */
export function addKeysCommands(program: Command, { perform }: Shell): void {
  const noun = program.command('keys').description('the keys that sign tokens');

  noun
    .command('create')
    .description('makes the first signing keys; where there are some, nothing changes')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- keys create --stage prod')
    .action(() =>
      perform(async ({ signingKeys, jwks }) => {
        const { outcome } = await createFirstKeyset({
          secret: signingKeys,
          jwks,
          now: nowInSeconds(),
        });
        const listed = await listKeys(jwks);
        const note =
          outcome === 'created' ? 'made the signing keys' : 'there were signing keys already';
        return { json: { outcome, keys: listed.json }, text: listed.text, note };
      }),
    );

  noun
    .command('list')
    .description('lists the public halves')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- keys list')
    .action(() => perform(({ jwks }) => listKeys(jwks)));

  noun
    .command('status')
    .description('tells what each key does: signs, is next, retires')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- keys status --stage prod')
    .action(() => perform(statusOf));

  noun
    .command('rotate')
    .description('rotates now what else rotates by itself')
    .option('--compromised <kid>', 'somebody else may have this key: out of use with it, at once')
    .option('--early', 'even where verifiers may not have fetched the next keys yet')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- keys rotate --stage prod')
    .action(({ compromised, early }: { compromised?: string; early?: true }) =>
      perform(async (connection) => {
        if (compromised !== undefined) return condemn(connection, compromised);
        if (!early) await assertNextIsKnown(connection);
        return rotate(connection);
      }),
    );
}

/** Milliseconds */
const ROTATION_TIMEOUT = 150_000;
const ROTATION_INTERVAL = 500;

async function statusOf({ signingKeys, jwks }: Connection): Promise<Report> {
  const [value, published] = await Promise.all([signingKeys.read(), jwks.list()]);
  const keyset = keysetOf(value);
  const now = nowInSeconds();
  const rows = published.map((key) => ({ ...documentOf(key), state: stateOf(key, keyset, now) }));
  return {
    json: rows,
    text: table(
      ['KID', 'ALGORITHM', 'STATE', 'SINCE', 'UNTIL'],
      rows.map(({ kid, algorithm, state, created_at, public_until }) => [
        kid,
        algorithm ?? '-',
        state,
        dateTime(created_at),
        public_until === undefined ? '-' : dateTime(public_until),
      ]),
    ),
  };
}

function stateOf(key: PublicKey, keyset: Keyset | undefined, now: number): string {
  if (key.condemnedAt !== undefined) return 'compromised';
  const pairs = Object.values(keyset ?? {});
  const isInKeyset = pairs.some(({ current, next }) => [current.kid, next.kid].includes(key.kid));
  // As after AWSCURRENT was moved back by hand.
  if (isInKeyset && key.publicUntil !== undefined) return 'in use, but retired';
  if (pairs.some(({ current }) => current.kid === key.kid)) return 'current';
  if (pairs.some(({ next }) => next.kid === key.kid)) return 'next';
  if (key.publicUntil === undefined) return 'pending';
  return now < key.publicUntil ? 'retiring' : 'retired';
}

/**
 * What is next has to be public for as long as verifiers cache keys before it signs.
 *
 * @throws {RefusedError} where it is not yet
 */
async function assertNextIsKnown({ signingKeys }: Connection) {
  const keyset = keysetOf(await signingKeys.read());
  const youngest = Math.max(...Object.values(keyset ?? {}).map(({ next }) => next.createdAt));
  const earliest = youngest + VERIFIER_CACHE;
  if (nowInSeconds() >= earliest) return;
  throw new RefusedError(
    `the next keys are public only since ${dateTime(youngest)}, and verifiers keep what they fetched for up to two hours: wait until ${dateTime(earliest)}, or say --early`,
  );
}

/** Has Secrets Manager rotate, and waits until it has. */
async function rotate(connection: Connection): Promise<Report> {
  const { signingKeys } = connection;
  const version = await signingKeys.rotateNow();
  const deadline = Date.now() + ROTATION_TIMEOUT;
  while (holderOf('AWSCURRENT', await signingKeys.describe()) !== version) {
    if (Date.now() > deadline) {
      throw new RefusedError(
        'the rotation is not through yet: its log tells why, and Secrets Manager tries again',
      );
    }
    await setTimeout(ROTATION_INTERVAL);
  }
  return { ...(await statusOf(connection)), note: 'rotated the signing keys' };
}

const CONSEQUENCES: Record<Compromise, string> = {
  'was-current':
    'it signed until now. Tokens that it signed are refused as soon as verifiers fetch the keys anew; functions may sign with it for 5 more minutes, and those tokens are refused too; verifiers that cached the keys for long may not know the new ones yet',
  'was-next': 'it had not signed yet: nothing breaks',
  'was-retired': 'tokens that it signed are refused as soon as verifiers fetch the keys anew',
};

async function condemn(connection: Connection, kid: string): Promise<Report> {
  const { signingKeys, jwks } = connection;
  const compromise = await replaceCompromisedKey(kid, {
    secret: signingKeys,
    jwks,
    now: nowInSeconds(),
  });
  const status = await statusOf(connection);
  const consequences = CONSEQUENCES[compromise];
  return {
    json: { outcome: compromise, consequences, keys: status.json },
    text: status.text,
    note: `put ${kid} out of use: ${consequences}`,
  };
}

async function listKeys(jwks: JwksStore) {
  const keys = await jwks.list();
  return {
    json: keys.map(documentOf),
    text: table(
      ['KID', 'ALGORITHM', 'CREATED', 'PUBLIC UNTIL'],
      keys.map(({ kid, jwk, createdAt, publicUntil }) => [
        kid,
        jwk.alg ?? '-',
        dateTime(createdAt),
        publicUntil === undefined ? '-' : dateTime(publicUntil),
      ]),
    ),
  };
}

function documentOf({ kid, jwk, createdAt, publicUntil }: PublicKey) {
  return { kid, algorithm: jwk.alg, created_at: createdAt, public_until: publicUntil };
}
