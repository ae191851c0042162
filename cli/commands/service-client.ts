import type { Command } from 'commander';
import type { CustomClaims } from '../../lib/oauth/claims.ts';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { createRequestToken } from '../../lib/service-clients/request-token.ts';
import {
  addProgrammaticClient,
  addServiceClient,
  type RegisteredService,
} from '../../lib/service-clients/service-registration.ts';
import { parseServiceSecret, serviceSecretName } from '../../lib/service-clients/service-secret.ts';
import type { Connection, Target } from '../connection.ts';
import { findIssuer } from '../issuer.ts';
import { namesIn } from '../names.ts';
import { collect, collectClaim, days, notEmpty, seconds } from '../options.ts';
import { fields, type Report } from '../report.ts';
import type { Shell } from '../shell.ts';
import { documentOf, rowsOf } from './client-report.ts';
import { findResourceServer } from './resource-server.ts';

interface AddOptions extends Target {
  audience: string;
  scope?: readonly string[];
  claim?: CustomClaims;
  clientId?: string;
  tokenLifetime?: number;
  issuer?: string;
  /** Days; false where nothing is to rotate the secret. */
  rotateEvery?: number;
  rotation?: boolean;
}

const DEFAULT_ROTATION_DAYS = 30;
/** Milliseconds: a function that starts takes longer. */
const TOKEN_TIMEOUT = 15_000;

/** `latchkey client add-service`, `add-programmatic` and `token` */
export function addServiceClientCommands(noun: Command, shell: Shell): void {
  addService(noun, shell);
  addProgrammatic(noun, shell);
  addToken(noun, shell);
}

function addService(noun: Command, { perform }: Shell): void {
  const command = noun
    .command('add-service')
    .description('registers a client whose secret Secrets Manager keeps and rotates')
    .option('--claim <name=value>', 'a claim of all its tokens; repeatable', collectClaim)
    .option(
      '--rotate-every <days>',
      `1d to 1000d; else ${DEFAULT_ROTATION_DAYS}d`,
      days,
      DEFAULT_ROTATION_DAYS,
    )
    .option('--no-rotation', 'leave the secret as it is');
  withCommonOptions(command)
    .addHelpText('after', SERVICE_EXAMPLE)
    .action((id: string) => {
      const options = command.optsWithGlobals<AddOptions>();
      return perform(async (connection) => {
        const { serviceSecrets } = connection;
        const parts = await partsOf(connection, options);
        const registered = await addServiceClient(
          await registrationOf(id, options, connection),
          parts,
        );
        const every = options.rotation === false ? undefined : options.rotateEvery;
        if (every !== undefined) {
          const functionArn = rotationFunctionArn(registered.secretArn, options);
          await serviceSecrets.rotateEvery(registered.secretName, every, functionArn);
        }
        return reportOf(registered, every);
      });
    });
}

const SERVICE_EXAMPLE = `
What was cut off half-way is completed by the same command.

Example:
  $ npm run -s latchkey -- client add-service workflows-client \\
      --audience registry-server --scope registry-server/stac:register`;

function addProgrammatic(noun: Command, { perform }: Shell): void {
  const command = noun
    .command('add-programmatic')
    .description('registers a public client for programs that sign people in with passwords');
  withCommonOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run -s latchkey -- client add-programmatic notebooks --audience registry-server',
    )
    .action((id: string) => {
      const options = command.optsWithGlobals<AddOptions>();
      return perform(async (connection) => {
        const parts = await partsOf(connection, options);
        const registration = await registrationOf(id, options, connection);
        return reportOf(await addProgrammaticClient(registration, parts), undefined);
      });
    });
}

function withCommonOptions(command: Command): Command {
  return command
    .argument('<id>', 'its id; its secret is called {stack}/{id}', notEmpty)
    .requiredOption('--audience <identifier>', 'the API that it may use', notEmpty)
    .option('--scope <scope>', 'a scope that it is granted; repeatable; else all', collect)
    .option('--client-id <id>', 'where it is to differ from the id', notEmpty)
    .option('--token-lifetime <seconds>', 'where that is less than the API says', seconds)
    .option('--issuer <url>', "what services are told; else the stack's own", notEmpty);
}

function addToken(noun: Command, { perform }: Shell): void {
  noun
    .command('token')
    .description('gets a token as the service would, with what Secrets Manager tells it')
    .argument('<id>', 'the service client', notEmpty)
    .addHelpText('after', '\nExample:\n  $ npm run -s latchkey -- client token workflows-client')
    .action((id: string) =>
      perform(async ({ stack, serviceSecrets }) => {
        const name = serviceSecretName(stack, id);
        const value = await serviceSecrets.read(name);
        if (value === undefined) {
          throw new RefusedError(`there is no secret ${name}: \`client add-service\` makes one`);
        }
        const secret = parseServiceSecret(value);
        const { status, body } = await createRequestToken({ timeout: TOKEN_TIMEOUT })({
          issuer: secret.cognito_domain,
          clientId: secret.client_id,
          clientSecret: secret.client_secret,
          scope: secret.scope,
        }).catch((error: NodeJS.ErrnoException) => {
          if (error instanceof RefusedError) throw error;
          throw new RefusedError(
            `${secret.cognito_domain} does not answer (${error.code ?? error.name})`,
          );
        });
        if (status !== 200) {
          const told = [body.error, body.error_description].filter(Boolean).join(': ');
          throw new RefusedError(
            `${secret.cognito_domain} answered ${status}: ${told || 'no token'}`,
          );
        }
        return { json: body, text: JSON.stringify(body, null, 2) };
      }),
    );
}

async function registrationOf(id: string, options: AddOptions, { resourceServers }: Connection) {
  return {
    id,
    clientId: options.clientId,
    audience: await findResourceServer(resourceServers, options.audience),
    scopes: options.scope,
    claims: options.claim,
    accessTokenLifetime: options.tokenLifetime,
  };
}

async function partsOf(connection: Connection, options: AddOptions) {
  const { clients, serviceSecrets, secretsManager, stack } = connection;
  const issuer = (options.issuer ?? (await findIssuer(options))).replace(/\/$/, '');
  if (!URL.canParse(issuer)) throw new RefusedError(`the issuer ${issuer} is no URL`);
  const place = { issuer, stack, region: await secretsManager.config.region() };
  return { clients, secrets: serviceSecrets, place, now: nowInSeconds() };
}

/** The function is in the partition, region and account of the secret. */
function rotationFunctionArn(secretArn: string, { local, stage }: Target): string {
  const [, partition, , region, account] = secretArn.split(':');
  const { rotateClientSecretFunction } = namesIn(local ? 'local' : stage);
  return `arn:${partition}:lambda:${region}:${account}:function:${rotateClientSecretFunction}`;
}

/** Where the secret is, and never what it is. */
function reportOf({ client, secretArn }: RegisteredService, every: number | undefined): Report {
  return {
    json: { ...documentOf(client), secret_arn: secretArn, rotated_every_days: every },
    text: fields([
      ...rowsOf(client),
      ['Secret ARN', secretArn],
      ...(every === undefined ? [] : [['Rotated', `every ${every} days`] as const]),
    ]),
  };
}
