/** Seconds since the epoch, in whole: the unit of every time in this project. */
export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
