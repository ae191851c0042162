import { Command, CommanderError, Option } from 'commander';
import { RefusedError } from '../lib/runtime/refused-error.ts';
import { addAwsCredentialsCommand } from './commands/aws-credentials.ts';
import { addClientCommands } from './commands/client.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKeysCommands } from './commands/keys.ts';
import { addResourceServerCommands } from './commands/resource-server.ts';
import { addUserCommands } from './commands/user.ts';
import { type Target, withConnection } from './connection.ts';
import { regionName, stageName } from './options.ts';
import type { Shell, Streams } from './shell.ts';

/** Thrown when all that there is to say has been printed already. */
class BadReport extends Error {}

const REFUSED = 1;
const USAGE = 2;

/**
 * Runs one command. With `--json`, what it prints on standard output is one JSON document, whatever happens.
 *
 * @param argv without the program
 * @returns the exit code: 0, 1 where it was refused or failed, 2 where the command line itself is wrong
 */
export async function run(argv: readonly string[], streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  const program = createProgram(streams);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof BadReport) return REFUSED;
    const reason = error instanceof CommanderError ? usageReason(error) : refusalReason(error);
    if (program.opts().json || argv.includes('--json')) {
      stdout.write(`${JSON.stringify({ error: { reason } }, null, 2)}\n`);
    }
    stderr.write(`error: ${reason}\n`);
    return error instanceof CommanderError ? USAGE : REFUSED;
  }
}

function createProgram(streams: Streams): Command {
  const { stdin, stdout, stderr } = streams;
  const program = new Command('latchkey')
    .description('Registers what a Latchkey knows: APIs, clients, users and signing keys.')
    .addOption(
      new Option('--stage <stage>', 'the stage on AWS').default('dev').argParser(stageName),
    )
    .addOption(
      new Option('--region <region>', 'its region; else the one AWS is configured with').argParser(
        regionName,
      ),
    )
    .addOption(
      new Option('--local', 'the Latchkey that `npm start` runs, instead of one on AWS').conflicts([
        'stage',
        'region',
      ]),
    )
    .option('--json', 'print one JSON document')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText('after', PROGRAM_EXAMPLE);

  const shell: Shell = {
    async perform(work) {
      const options = program.opts<Target & { json?: true }>();
      const report = await withConnection(options, work);
      const document = options.json ? JSON.stringify(report.json, null, 2) : report.text;
      stdout.write(`${document}\n`);
      if (report.note !== undefined && !options.json) stderr.write(`${report.note}\n`);
      if (report.isBad) throw new BadReport();
    },
    readPassword: () => readPassword(stdin),
  };
  addResourceServerCommands(program, shell);
  addClientCommands(program, shell);
  addUserCommands(program, shell);
  addKeysCommands(program, shell);
  addAwsCredentialsCommand(program, shell);
  addDoctorCommand(program, shell);
  return program;
}

const PROGRAM_EXAMPLE = `
Exit codes: 0, 1 refused or failed (standard error says why), 2 wrong usage

Example:
  $ npm run -s latchkey -- client list --local`;

async function readPassword(stdin: Streams['stdin']): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    let password = '';
    for await (const chunk of stdin) {
      password += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    }
    return (password + decoder.decode()).replace(/\r?\n$/, '');
  } catch {
    throw new RefusedError('the password on standard input is not UTF-8 text');
  }
}

function refusalReason(error: unknown): string {
  if (error instanceof RefusedError) return error.message;
  return `it failed unexpectedly: ${error instanceof Error ? error.name : 'Error'}`;
}

/** Commander's message without what a mistaken password would stand in. */
function usageReason({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'a command is missing';
  const reason = message.replace(/^error: /, '').replace(/\s+/g, ' ');
  if (code === 'commander.excessArguments') {
    return `${reason.replace(/(but got \d+): .*$/, '$1')} (an option takes one value: repeat it for more)`;
  }
  if (code === 'commander.unknownOption') {
    return reason.replace(/'(.*)'/, (_quoted, flag: string) => `'${nameOfOption(flag)}'`);
  }
  return reason;
}

/** `--name` of `--name=value`, `-n` of `-nvalue`. */
function nameOfOption(flag: string): string {
  return flag.startsWith('--') ? flag.replace(/=.*$/, '') : flag.slice(0, 2);
}
