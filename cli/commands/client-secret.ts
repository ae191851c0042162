import type { Command } from 'commander';
import {
  clientSecretId,
  generateClientSecret,
  hashClientSecret,
} from '../../lib/clients/client-secret.ts';
import {
  DEFAULT_OVERLAP,
  replaced,
  withoutSecret,
  withSuccessor,
} from '../../lib/clients/secret-overlap.ts';
import type { Client } from '../../lib/oauth/client.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { parseServiceSecret } from '../../lib/service-clients/service-secret.ts';
import type { Connection } from '../connection.ts';
import { duration, notEmpty } from '../options.ts';
import { fields, type Report } from '../report.ts';
import type { Shell } from '../shell.ts';
import {
  findClient,
  reportWithSecret,
  secretDocumentsOf,
  secretRowsOf,
  unknownClient,
} from './client-report.ts';

interface RotateOptions {
  overlap?: number;
  now?: true;
}

/** `latchkey client rotate-secret`, `latchkey client retire-secret` */
export function addClientSecretCommands(noun: Command, shell: Shell): void {
  addRotate(noun, shell);
  addRetire(noun, shell);
}

function addRotate(noun: Command, { perform }: Shell): void {
  const command = noun
    .command('rotate-secret')
    .description('gives a client a new secret, shown this once; the old one lives on for a while')
    .argument('<id>', 'the client', notEmpty)
    .option('--overlap <time>', 'how long: 30m, 24h, 7d, or seconds; else 24h', duration)
    .option('--now', 'end the old ones at once, as when they were stolen')
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run -s latchkey -- client rotate-secret nightly-import --overlap 7d',
    );
  command.action((id: string, options: RotateOptions) => {
    if (options.now && options.overlap !== undefined) {
      command.error('--now leaves nothing for --overlap to last');
    }
    return perform(async (connection) => {
      const client = await findClient(connection.clients, id);
      assertHasSecrets(client);
      if (client.secretName !== undefined)
        return rotateInSecretsManager(client, options, connection);
      return rotate(client, options, connection);
    });
  });
}

async function rotate(
  { clientId }: Client,
  { overlap = DEFAULT_OVERLAP, now: isNow }: RotateOptions,
  { clientSecrets }: Connection,
): Promise<Report> {
  const clientSecret = generateClientSecret();
  const fresh = { hash: hashClientSecret(clientSecret), now: nowInSeconds() };
  const changed = await clientSecrets.change(clientId, ({ secrets }) =>
    isNow ? replaced(secrets, fresh) : withSuccessor(secrets, { ...fresh, overlap }),
  );
  if (changed === undefined) throw unknownClient(clientId);
  return reportWithSecret(changed, clientSecret);
}

/** The service would never see a secret that it does not find where it looks. */
async function rotateInSecretsManager(
  { clientId, secretName = '' }: Client,
  { overlap, now }: RotateOptions,
  { serviceSecrets }: Connection,
): Promise<Report> {
  if (overlap !== undefined || now) {
    throw new RefusedError(
      `Secrets Manager rotates the secret of ${clientId}: --overlap and --now are not for it; \`client retire-secret\` ends an old one at once`,
    );
  }
  await serviceSecrets.rotateNow(secretName);
  return {
    json: { client_id: clientId, secret_name: secretName, rotating: true },
    text: `Secrets Manager rotates ${secretName} now`,
  };
}

function addRetire(noun: Command, { perform }: Shell): void {
  noun
    .command('retire-secret')
    .description('removes a secret of a client, at once')
    .argument('<id>', 'the client', notEmpty)
    .argument('<secret>', 'its number or its id, as `client show` has them', notEmpty)
    .option('--force', 'also the one that is needed')
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run -s latchkey -- client retire-secret nightly-import 1',
    )
    .action((id: string, named: string, { force = false }: { force?: boolean }) =>
      perform(async (connection) => {
        const client = await findClient(connection.clients, id);
        const secretId = secretIdOf(client, named);
        if (!force) await assertNotInUse(client, secretId, connection);
        const changed = await connection.clientSecrets.change(id, ({ secrets }) =>
          withoutSecret(secrets, secretId, { now: nowInSeconds(), force }),
        );
        if (changed === undefined) throw unknownClient(id);
        const rows = secretRowsOf(changed);
        return {
          json: { client_id: id, retired: secretId, secrets: secretDocumentsOf(changed) },
          text: [`retired ${secretId}`, ...(rows.length > 0 ? [fields(rows)] : [])].join('\n'),
        };
      }),
    );
}

/** The id first, since a number may be another secret's by the time of the write. */
function secretIdOf({ clientId, secrets }: Client, named: string): string {
  const ids = secrets.map(clientSecretId);
  const id = ids.find((known) => known === named) ?? ids[Number(named) - 1];
  if (id !== undefined) return id;
  throw new RefusedError(`the client ${clientId} has no secret ${named}`);
}

/** Not the one that the service reads. */
async function assertNotInUse(
  { secretName, secrets }: Client,
  secretId: string,
  { serviceSecrets }: Connection,
): Promise<void> {
  const value = secretName && (await serviceSecrets.read(secretName));
  if (!value) return;
  const hash = hashClientSecret(parseServiceSecret(value).client_secret);
  if (secrets.some((secret) => secret.hash === hash && clientSecretId(secret) === secretId)) {
    throw new RefusedError(
      `${secretId} is what services read from ${secretName}: rotate that first, or use --force`,
    );
  }
}

function assertHasSecrets({ clientId, authenticationMethods }: Client): void {
  if (!authenticationMethods.includes('none')) return;
  throw new RefusedError(`the client ${clientId} is public: it has no secret`);
}
