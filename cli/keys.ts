import type { Command } from 'commander';
import { nowInSeconds } from '../lib/clock.ts';
import { createFirstKeyset } from '../lib/keys/first-keyset.ts';
import type { JwksStore, PublicKey } from '../lib/keys/jwks-store.ts';
import { dateTime, table } from './output.ts';
import type { Shell } from './run.ts';

/** `latchkey keys …` */
export function addKeysCommands(program: Command, { perform }: Shell): void {
  const noun = program.command('keys').description('the keys that sign tokens');

  noun
    .command('create')
    .description('makes the first signing keys; where there are some, nothing changes')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- keys create --stage prod')
    .action(() =>
      perform(async ({ secretsManager, signingKeysSecret, jwks }) => {
        const { outcome } = await createFirstKeyset({
          secretsManager,
          secretId: signingKeysSecret,
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
