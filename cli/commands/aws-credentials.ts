import { type Command, InvalidArgumentError, Option } from 'commander';
import { endpointBase } from '../../lib/oauth/metadata.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';
import { serviceSecretName } from '../../lib/service-clients/service-secret.ts';
import { assumeRole } from '../assume-role.ts';
import type { Connection, Target } from '../connection.ts';
import { notEmpty } from '../options.ts';
import type { Shell } from '../shell.ts';
import { readTokenClient, requestToken, type TokenClient } from '../token-request.ts';

interface CredentialsOptions extends Target {
  roleArn: string;
  client?: string;
  username?: string;
  programmaticClient?: string;
  passwordStdin?: true;
  passwordEnv?: string;
  audience?: string;
  issuer?: string;
  duration?: number;
  sessionName?: string;
}

/** Set while the command runs, so that a process started for its own credentials can tell. */
const RUNNING = 'LATCHKEY_CREDENTIAL_PROCESS';

/** `latchkey aws-credentials` */
export function addAwsCredentialsCommand(program: Command, shell: Shell): void {
  program
    .command('aws-credentials')
    .description('temporary AWS credentials for a token, as a credential_process prints them')
    .requiredOption('--role-arn <arn>', 'the role, which trusts the issuer', roleArn)
    .addOption(
      new Option('--client <id>', 'a service client, whose secret is read from Secrets Manager')
        .argParser(notEmpty)
        .conflicts(['username', 'programmaticClient', 'passwordStdin', 'passwordEnv', 'issuer']),
    )
    .option('--username <username>', 'a person', notEmpty)
    .option('--programmatic-client <id>', 'the public client that the person uses', notEmpty)
    .addOption(
      new Option('--password-stdin', 'read the password from standard input').conflicts(
        'passwordEnv',
      ),
    )
    .option('--password-env <name>', 'read the password from this environment variable', notEmpty)
    .option(
      '--issuer <url>',
      'of the programmatic client; with it, nothing is read from Secrets Manager',
      notEmpty,
    )
    .option('--audience <identifier>', 'the API, where the client has several', notEmpty)
    .option('--duration <seconds>', '900 to 43200; else 3600', duration)
    .option('--session-name <name>', 'what the log has; else the client or the person', sessionName)
    .addHelpText('after', EXAMPLE)
    .action(async (_own: unknown, command: Command) => {
      const options = command.optsWithGlobals<CredentialsOptions>();
      const problem = usageProblem(options);
      if (problem !== undefined) command.error(problem);
      await notWithinItself(async () => {
        const password = options.username === undefined ? '' : await passwordOf(options, shell);
        // Before --local takes everything that is AWS's out of the environment.
        const endpoint = process.env.AWS_ENDPOINT_URL_STS;
        if (options.local && endpoint === undefined) {
          throw new RefusedError('the local stack has no STS: name one in AWS_ENDPOINT_URL_STS');
        }
        await shell.perform(async (connection) => {
          const token = await tokenOf(options, password, connection);
          const credentials = await assumeRole({
            token,
            roleArn: options.roleArn,
            sessionName: options.sessionName ?? sessionNameOf(options),
            ...(options.duration !== undefined && { duration: options.duration }),
            ...(endpoint !== undefined && { endpoint }),
          });
          return { json: credentials, text: JSON.stringify(credentials) };
        });
      });
    });
}

const EXAMPLE = `
Example:
  $ npm run -s latchkey -- aws-credentials --client nightly-import \\
      --role-arn arn:aws:iam::123456789012:role/nightly-import`;

function usageProblem(options: CredentialsOptions): string | undefined {
  if (options.client !== undefined) return undefined;
  if (options.username === undefined) return 'either --client or --username is required';
  if (options.programmaticClient === undefined) return '--username needs --programmatic-client';
  if (options.passwordStdin || options.passwordEnv !== undefined) return undefined;
  return '--username needs --password-stdin or --password-env';
}

/** An AWS_PROFILE whose credential_process is this command would start it without end. */
async function notWithinItself(work: () => Promise<void>): Promise<void> {
  if (process.env[RUNNING] !== undefined) {
    throw new RefusedError(
      'the credentials to read the secret with are to come from this very command: set another AWS_PROFILE for it',
    );
  }
  process.env[RUNNING] = '1';
  try {
    await work();
  } finally {
    delete process.env[RUNNING];
  }
}

async function passwordOf({ passwordEnv }: CredentialsOptions, shell: Shell): Promise<string> {
  if (passwordEnv === undefined) return await shell.readPassword();
  const password = process.env[passwordEnv];
  if (!password) throw new RefusedError(`there is no password in ${passwordEnv}`);
  return password;
}

async function tokenOf(
  options: CredentialsOptions,
  password: string,
  { serviceSecrets, stack }: Connection,
): Promise<string> {
  const { client, username = '', programmaticClient = '', audience, issuer } = options;
  const named = audience !== undefined && { audience };
  const secretOf = (id: string) => serviceSecretName(stack, id);
  if (client !== undefined) {
    const found = await readTokenClient(serviceSecrets, secretOf(client), 'client_credentials');
    // The scopes of the secret may be another API's than the one that is named.
    const scope = audience === undefined && found.scope !== undefined && { scope: found.scope };
    return requestToken(found, { grant_type: 'client_credentials', ...scope, ...named });
  }
  const found: TokenClient =
    issuer !== undefined
      ? { base: endpointBase(issuer), clientId: programmaticClient }
      : await readTokenClient(serviceSecrets, secretOf(programmaticClient), 'user_password');
  return requestToken(found, { grant_type: 'password', username, password, ...named });
}

function sessionNameOf({ client, username }: CredentialsOptions): string {
  return (client ?? username ?? '')
    .replace(/[^\w+=,.@-]/g, '-')
    .slice(0, 64)
    .padEnd(2, '-');
}

function roleArn(value: string): string {
  if (/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/.test(value)) return value;
  throw new InvalidArgumentError("Expected a role's ARN.");
}

function duration(value: string): number {
  const seconds = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (seconds >= 900 && seconds <= 43_200) return seconds;
  throw new InvalidArgumentError('Expected 900 to 43200 seconds.');
}

function sessionName(value: string): string {
  if (/^[\w+=,.@-]{2,64}$/.test(value)) return value;
  throw new InvalidArgumentError('Expected 2 to 64 letters, digits and any of +=,.@-_');
}
