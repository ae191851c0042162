import type { Command } from 'commander';
import { nowInSeconds } from '../../lib/runtime/clock.ts';
import type { Connection, Target } from '../connection.ts';
import { type Finding, warn } from '../doctor/finding.ts';
import { examineIssuer } from '../doctor/issuer.ts';
import { examineSecret } from '../doctor/secret.ts';
import { explain } from '../explain.ts';
import { findIssuer } from '../issuer.ts';
import { notEmpty } from '../options.ts';
import { type Report, table } from '../report.ts';
import type { Shell } from '../shell.ts';

/** `latchkey doctor` */
export function addDoctorCommand(program: Command, { perform }: Shell): void {
  program
    .command('doctor')
    .description('checks a Latchkey from outside, and its signing keys')
    .option('--issuer <url>', 'the issuer, where the stack is not to be asked for it', notEmpty)
    .addHelpText('after', EXAMPLE)
    .action(async ({ issuer }: { issuer?: string }, command: Command) => {
      const target = command.optsWithGlobals<Target>();
      const isStageNamed = command.getOptionValueSourceWithGlobals('stage') === 'cli';
      await perform(async (connection) => {
        const asked = issuer ?? (await findIssuer(target));
        const { findings, keys } = await examineIssuer(asked);
        const hasSecret = issuer === undefined || isStageNamed || target.local;
        const secret = hasSecret
          ? await examineSecret(secretPlace(connection, target), keys)
          : [warn('signing-keys secret', 'not looked at: name the stage of the issuer as well')];
        return reportOf(asked, [...findings, ...secret]);
      });
    });
}

const EXAMPLE = `
Each check is ok, warn or FAIL; the exit code is 1 where one is FAIL.

Example:
  $ npm run -s latchkey -- doctor --stage prod`;

function secretPlace(connection: Connection, { local = false, stage }: Target) {
  const place = { stage, region: process.env.AWS_REGION, isLocal: local };
  return {
    secret: connection.signingKeys,
    isLocal: local,
    explain: (error: unknown) => explain(error, place).message,
    now: nowInSeconds(),
  };
}

function reportOf(issuer: string, findings: readonly Finding[]): Report {
  const failed = findings.filter(({ outcome }) => outcome === 'FAIL').length;
  return {
    json: {
      issuer,
      healthy: failed === 0,
      checks: findings.map((finding) => ({ ...finding, outcome: finding.outcome.toLowerCase() })),
    },
    text: table(
      ['RESULT', 'CHECK', 'REASON'],
      findings.map(({ outcome, check, reason }) => [outcome, check, reason]),
    ),
    note: `${failed} of ${findings.length} checks failed`,
    isBad: failed > 0,
  };
}
