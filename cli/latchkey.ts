import { run } from './run.ts';

/** Whoever reads the output may stop early, as `head` does. Output that is lost in another way is a failure. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.exitCode = 1;
    if (stream === process.stdout)
      process.stderr.write(`error: cannot write the output: ${code}\n`);
  });
}

const exitCode = await run(process.argv.slice(2), process);
process.exitCode ||= exitCode;
