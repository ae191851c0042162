/**
 * `npm run package -- --stage prod`: one zip per function and the CloudFormation template, in `.serverless` or in
 * the folder that `--package` names. Further options are those of `serverless package`.
 *
 * serverless and its plugins keep what they are at in `.serverless` of the service's folder, whatever they are
 * told. So they are given a folder of their own that looks like this one, and only the result is copied out: two of
 * them, or a running `npm start`, do not meet.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const { target, serverlessArguments } = readArguments(process.argv.slice(2));

await mkdir(join(root, '.local'), { recursive: true });
const folder = await mkdtemp(join(root, '.local', 'package-'));
try {
  await mirror(root, folder);
  process.exitCode = await serverless(['package', ...serverlessArguments], folder);
  if (process.exitCode === 0) await cp(join(folder, '.serverless'), target, { recursive: true });
} finally {
  await rm(folder, { recursive: true, force: true });
}

function readArguments(args) {
  const { values, tokens } = parseArgs({
    args,
    options: { package: { type: 'string', short: 'p', default: join(root, '.serverless') } },
    strict: false,
    tokens: true,
  });
  const own = tokens.find(({ kind, name }) => kind === 'option' && name === 'package');
  return {
    target: resolve(values.package),
    serverlessArguments: own ? args.toSpliced(own.index, own.inlineValue ? 1 : 2) : args,
  };
}

async function mirror(from, to) {
  const names = await readdir(from);
  for (const name of names.filter((name) => !name.startsWith('.'))) {
    const [original, copy] = [join(from, name), join(to, name)];
    const isFolder = (await stat(original)).isDirectory();
    await (isFolder ? symlink(original, copy, 'junction') : copyFile(original, copy));
  }
}

/** Its exit code. A signal to this process ends it, and then this one, which still tidies up. */
async function serverless(args, cwd) {
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/serverless/bin/serverless.js'), ...args],
    {
      cwd,
      stdio: 'inherit',
      env: { ...process.env, LATCHKEY_WORK_FOLDER: '.esbuild' },
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
