/** What a command has to say: the same for a program and for a person. */
export interface Report {
  /** Names are snake_case. Times are seconds since the epoch. */
  json: unknown;
  /** Lines, without the last line end. */
  text: string;
  /** Told to a person beside the output, where nothing that reads the output meets it. */
  note?: string;
  /** What it says is that something is wrong: the exit code is 1. */
  isBad?: boolean;
}

/** A name and its value on each line, the values aligned. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string {
  return columns(rows);
}

/** Aligned columns under their headings. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return columns([headings, ...rows]);
}

function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return cells
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** What is stored cannot move the cursor of the terminal that shows it. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\u{fffd}');
}

/** @param seconds since the epoch */
export function dateTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}

/** Nothing is a dash, so that no cell is empty. */
export function joined(words: readonly string[]): string {
  return words.join(', ') || '-';
}

export function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** On one line, as JSON; nothing is a dash. */
export function claimsText(claims: Readonly<Record<string, unknown>>): string {
  return Object.keys(claims).length === 0 ? '-' : JSON.stringify(claims);
}
