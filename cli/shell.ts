import type { Connection } from './connection.ts';
import type { Report } from './report.ts';

/** The streams of a process, or of a test. */
export interface Streams {
  stdin: AsyncIterable<Uint8Array | string>;
  stdout: Output;
  stderr: Output;
}

interface Output {
  write(text: string): unknown;
}

/** What a command has at hand. */
export interface Shell {
  /** Does the work on the Latchkey that the options name, and prints what comes of it. */
  perform(work: (connection: Connection) => Promise<Report>): Promise<void>;
  /** Standard input without its last line end, which is how a password gets in. */
  readPassword(): Promise<string>;
}
