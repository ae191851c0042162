import type { Command } from 'commander';
import {
  DEFAULT_ACCESS_TOKEN_LIFETIME,
  type ResourceServer,
  SIGNING_ALGORITHMS,
  TOKEN_TYPES,
} from '../../lib/oauth/resource-server.ts';
import { newResourceServer } from '../../lib/resource-servers/registration.ts';
import type { ResourceServerStore } from '../../lib/resource-servers/resource-server-store.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { collectDescription, notEmpty, seconds } from '../options.ts';
import { dateTime, fields, joined, type Report, table, yesOrNo } from '../report.ts';
import type { Shell } from '../shell.ts';

interface AddOptions {
  scope?: Readonly<Record<string, string>>;
  tokenLifetime?: number;
  signingAlg?: string;
  typ?: string;
  audienceClaim: boolean;
  permissions?: true;
  prefixedScopes?: true;
}

/** `latchkey resource-server …` */
export function addResourceServerCommands(program: Command, { perform }: Shell): void {
  const noun = program
    .command('resource-server')
    .description('the APIs that tokens are for, and their scopes');

  noun
    .command('add')
    .description('registers an API')
    .argument('<identifier>', 'what requests name as audience and tokens as aud', notEmpty)
    .option(
      '--scope <name=description>',
      'a scope that the API has; repeatable',
      collectDescription,
    )
    .option(
      '--token-lifetime <seconds>',
      `how long a token lives; else ${DEFAULT_ACCESS_TOKEN_LIFETIME}`,
      seconds,
    )
    .option('--signing-alg <algorithm>', `${SIGNING_ALGORITHMS.join(' or ')}; else RS256`)
    .option('--typ <type>', `the typ of tokens: ${TOKEN_TYPES.join(' or ')}; else at+jwt`)
    .option('--no-audience-claim', 'leave aud out, for verifiers that refuse it')
    .option('--permissions', "put people's permissions and roles in their tokens")
    .option(
      '--prefixed-scopes',
      'as VEDA and Cognito name them: x with the scope a is x-server with the scope x-server/a',
    )
    .addHelpText('after', ADD_EXAMPLE)
    .action((identifier: string, options: AddOptions) =>
      perform(async ({ resourceServers }) => {
        const resourceServer = newResourceServer(
          {
            identifier,
            scopes: options.scope ?? {},
            accessTokenLifetime: options.tokenLifetime,
            signingAlgorithm: options.signingAlg,
            tokenType: options.typ,
            audienceClaim: options.audienceClaim,
            permissionsClaim: options.permissions,
            prefixedScopes: options.prefixedScopes,
          },
          nowInSeconds(),
        );
        if ((await resourceServers.add(resourceServer)) === 'taken') {
          throw new RefusedError(`there is a resource server ${resourceServer.identifier} already`);
        }
        return reportOf(resourceServer);
      }),
    );

  noun
    .command('list')
    .description('lists the APIs')
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run -s latchkey -- resource-server list --stage prod',
    )
    .action(() =>
      perform(async ({ resourceServers }) => {
        const all = await resourceServers.list();
        return {
          json: all.map(documentOf),
          text: table(
            ['IDENTIFIER', 'SCOPES', 'LIFETIME', 'ALGORITHM', 'TYPE'],
            all.map((one) => [
              one.identifier,
              joined(Object.keys(one.scopes)),
              `${one.accessTokenLifetime} s`,
              one.signingAlgorithm,
              one.tokenType,
            ]),
          ),
        };
      }),
    );

  noun
    .command('show')
    .description('shows an API and its scopes')
    .argument('<identifier>', 'the API', notEmpty)
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run -s latchkey -- resource-server show institutions',
    )
    .action((identifier: string) =>
      perform(async ({ resourceServers }) =>
        reportOf(await findResourceServer(resourceServers, identifier)),
      ),
    );

  noun
    .command('remove')
    .description('removes an API that no client is granted')
    .argument('<identifier>', 'the API', notEmpty)
    .option('--force', 'also where clients are granted it: they get no more tokens for it')
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run -s latchkey -- resource-server remove institutions',
    )
    .action((identifier: string, options: { force?: true }) =>
      perform(async ({ resourceServers, clients }) => {
        if (!options.force) {
          const granted = (await clients.list()).filter(({ grants }) =>
            Object.hasOwn(grants, identifier),
          );
          assertNoneGranted(
            identifier,
            granted.map(({ clientId }) => clientId),
          );
        }
        if ((await resourceServers.remove(identifier)) === 'unknown') throw unknown(identifier);
        return { json: { identifier, removed: true }, text: `removed ${identifier}` };
      }),
    );
}

const ADD_EXAMPLE = `
Example:
  $ npm run -s latchkey -- resource-server add institutions \\
      --scope "read:institutions=Read institutions" --scope "write:institutions=Change them"`;

/**
 * Found in the list, which is consistent: the operator may have added it a moment ago.
 *
 * @throws {RefusedError} for an unknown one
 */
export async function findResourceServer(
  resourceServers: ResourceServerStore,
  identifier: string,
): Promise<ResourceServer> {
  const found = (await resourceServers.list()).find((one) => one.identifier === identifier);
  if (found !== undefined) return found;
  throw unknown(identifier);
}

function unknown(identifier: string): RefusedError {
  return new RefusedError(`there is no resource server ${identifier}`);
}

function assertNoneGranted(identifier: string, clientIds: readonly string[]): void {
  if (clientIds.length === 0) return;
  const named = clientIds.slice(0, 3).join(', ');
  const others = clientIds.length > 3 ? ` and ${clientIds.length - 3} more` : '';
  throw new RefusedError(
    `clients are granted ${identifier}: ${named}${others}; remove them first, or use --force`,
  );
}

function reportOf(resourceServer: ResourceServer): Report {
  const scopes = Object.entries(resourceServer.scopes);
  return {
    json: documentOf(resourceServer),
    text: fields([
      ['Identifier', resourceServer.identifier],
      ...scopes.map(([scope, description]) => ['Scope', `${scope}  ${description}`] as const),
      ['Token lifetime', `${resourceServer.accessTokenLifetime} s`],
      ['Signing algorithm', resourceServer.signingAlgorithm],
      ['Token type', resourceServer.tokenType],
      ['Audience claim', yesOrNo(resourceServer.audienceClaim)],
      ['Permissions claim', yesOrNo(resourceServer.permissionsClaim)],
      ['Created', dateTime(resourceServer.createdAt)],
    ]),
  };
}

function documentOf(resourceServer: ResourceServer) {
  return {
    identifier: resourceServer.identifier,
    scopes: resourceServer.scopes,
    access_token_lifetime: resourceServer.accessTokenLifetime,
    signing_algorithm: resourceServer.signingAlgorithm,
    token_type: resourceServer.tokenType,
    audience_claim: resourceServer.audienceClaim,
    permissions_claim: resourceServer.permissionsClaim,
    created_at: resourceServer.createdAt,
  };
}
