import type { Command } from 'commander';
import { newClient } from '../../lib/clients/registration.ts';
import type { CustomClaims } from '../../lib/oauth/claims.ts';
import {
  AUTHENTICATION_METHODS,
  DEFAULT_REFRESH_ABSOLUTE_LIFETIME,
  DEFAULT_REFRESH_IDLE_LIFETIME,
  GRANT_TYPES,
} from '../../lib/oauth/client.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { RECOVERY_DAYS } from '../../lib/service-clients/service-secret-store.ts';
import { collect, collectClaim, notEmpty, seconds } from '../options.ts';
import { joined, table } from '../report.ts';
import type { Shell } from '../shell.ts';
import {
  documentOf,
  findClient,
  reportOf,
  reportWithSecret,
  stateOf,
  unknownClient,
} from './client-report.ts';
import { addClientSecretCommands } from './client-secret.ts';
import { findResourceServer } from './resource-server.ts';
import { addServiceClientCommands } from './service-client.ts';

interface AddOptions {
  grantType: readonly string[];
  audience: readonly string[];
  scope?: readonly string[];
  authMethod?: string;
  claim?: CustomClaims;
  clientId?: string;
  public?: true;
  tokenLifetime?: number;
  refreshIdleLifetime?: number;
  refreshAbsoluteLifetime?: number;
}

/** `latchkey client …` */
export function addClientCommands(program: Command, shell: Shell): void {
  const noun = program.command('client').description('the parties that may ask for tokens');
  addAdd(noun, shell);
  addServiceClientCommands(noun, shell);
  addList(noun, shell);
  addShow(noun, shell);
  addClientSecretCommands(noun, shell);
  addSetDisabled(noun, shell);
  addRemove(noun, shell);
}

function addAdd(noun: Command, { perform }: Shell): void {
  noun
    .command('add')
    .description('registers a client and shows its secret, this once')
    .argument('<name>', 'what people call it', notEmpty)
    .requiredOption('--grant-type <type>', `${GRANT_TYPES.join(' or ')}; repeatable`, collect)
    .requiredOption('--audience <identifier>', 'an API that it may use; repeatable', collect)
    .option(
      '--scope <scope>',
      'a scope that it is granted, wherever an audience has it; repeatable; else all',
      collect,
    )
    .option('--auth-method <method>', `${AUTHENTICATION_METHODS.join(', ')}; else Basic and post`)
    .option(
      '--claim <name=value>',
      'a claim of all its tokens, JSON or text; repeatable',
      collectClaim,
    )
    .option('--client-id <id>', 'its id; else a random one', notEmpty)
    .option('--public', 'without a secret, for what cannot keep one')
    .option(
      '--token-lifetime <seconds>',
      'how long its tokens live, where that is less than the API says',
      seconds,
    )
    .option(
      '--refresh-idle-lifetime <seconds>',
      `how long a session may lie unused; else ${DEFAULT_REFRESH_IDLE_LIFETIME}`,
      seconds,
    )
    .option(
      '--refresh-absolute-lifetime <seconds>',
      `how long a session may last; else ${DEFAULT_REFRESH_ABSOLUTE_LIFETIME}`,
      seconds,
    )
    .addHelpText('after', ADD_EXAMPLE)
    .action((name: string, options: AddOptions) =>
      perform(async ({ clients, resourceServers }) => {
        const audiences = [...new Set(options.audience)].map((identifier) =>
          findResourceServer(resourceServers, identifier),
        );
        const { client, clientSecret } = newClient(
          {
            name,
            clientId: options.clientId,
            grantTypes: options.grantType,
            isPublic: options.public,
            authenticationMethod: options.authMethod,
            audiences: await Promise.all(audiences),
            scopes: options.scope,
            claims: options.claim,
            accessTokenLifetime: options.tokenLifetime,
            refreshIdleLifetime: options.refreshIdleLifetime,
            refreshAbsoluteLifetime: options.refreshAbsoluteLifetime,
          },
          nowInSeconds(),
        );
        if ((await clients.add(client)) === 'taken') {
          throw new RefusedError(`there is a client ${client.clientId} already`);
        }
        return clientSecret === undefined
          ? reportOf(client)
          : reportWithSecret(client, clientSecret);
      }),
    );
}

const ADD_EXAMPLE = `
Example:
  $ npm run -s latchkey -- client add "Nightly import" --grant-type client_credentials \\
      --audience institutions --scope read:institutions --claim participantId=P1`;

function addList(noun: Command, { perform }: Shell): void {
  noun
    .command('list')
    .description('lists the clients')
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- client list --json')
    .action(() =>
      perform(async ({ clients }) => {
        const all = await clients.list();
        return {
          json: all.map(documentOf),
          text: table(
            ['CLIENT ID', 'NAME', 'GRANT TYPES', 'AUDIENCES', 'STATE'],
            all.map((client) => [
              client.clientId,
              client.name,
              joined(client.grantTypes),
              joined(Object.keys(client.grants)),
              stateOf(client),
            ]),
          ),
        };
      }),
    );
}

function addShow(noun: Command, { perform }: Shell): void {
  noun
    .command('show')
    .description('shows a client, without its secrets')
    .argument('<id>', 'the client', notEmpty)
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- client show nightly-import')
    .action((id: string) =>
      perform(async ({ clients }) => reportOf(await findClient(clients, id))),
    );
}

function addSetDisabled(noun: Command, { perform }: Shell): void {
  for (const { verb, disabled, description } of [
    { verb: 'disable', disabled: true, description: 'gives a client no more tokens, for now' },
    { verb: 'enable', disabled: false, description: 'undoes disable' },
  ]) {
    noun
      .command(verb)
      .description(description)
      .argument('<id>', 'the client', notEmpty)
      .addHelpText('after', `\nExample:\n  $ npm run -s latchkey -- client ${verb} nightly-import`)
      .action((id: string) =>
        perform(async ({ clients }) => {
          if ((await clients.setDisabled(id, disabled)) === 'unknown') throw unknownClient(id);
          return { json: { client_id: id, disabled }, text: `${verb}d ${id}` };
        }),
      );
  }
}

function addRemove(noun: Command, { perform }: Shell): void {
  noun
    .command('remove')
    .description('removes a client, for good, and its secret in Secrets Manager')
    .argument('<id>', 'the client', notEmpty)
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- client remove nightly-import')
    .action((id: string) =>
      perform(async ({ clients, serviceSecrets }) => {
        const { secretName } = await findClient(clients, id);
        // First what could not be found without the client.
        if (secretName !== undefined) await serviceSecrets.remove(secretName);
        if ((await clients.remove(id)) === 'unknown') throw unknownClient(id);
        return {
          json: { client_id: id, removed: true, secret_name: secretName },
          text: `removed ${id}`,
          ...(secretName && {
            note: `Secrets Manager deletes ${secretName} in ${RECOVERY_DAYS} days, and can restore it until then.`,
          }),
        };
      }),
    );
}
