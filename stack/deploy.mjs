/**
 * `npm run deploy -- --stage dev`: creates or updates the stack, then makes its first signing keys where it has
 * none. Options are those of `serverless deploy`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const serverlessArguments = process.argv.slice(2);
const { values } = parseArgs({
  args: serverlessArguments,
  options: {
    stage: { type: 'string', short: 's', default: 'dev' },
    // The order that serverless.yml has, so that both speak to the same stack.
    region: {
      type: 'string',
      short: 'r',
      default: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'us-east-1',
    },
  },
  strict: false,
});

const latchkey = ['cli/latchkey.ts', '--stage', values.stage, '--region', values.region];
process.exitCode =
  (await run(['node_modules/serverless/bin/serverless.js', 'deploy', ...serverlessArguments])) ||
  (await run([...latchkey, 'keys', 'create']));

async function run([script, ...args]) {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
