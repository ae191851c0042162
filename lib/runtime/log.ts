/** Field values of a log line. Callers name each field: nothing is ever spread into a log line from a request. */
export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/**
 * Logs one object per line. With Lambda's JSON log format (`LoggingConfig`) the runtime adds the timestamp,
 * the level and the request id, and keeps the fields searchable.
 */
export const consoleLog: Log = {
  info: (message, fields) => console.info({ message, ...fields }),
  warn: (message, fields) => console.warn({ message, ...fields }),
  error: (message, fields) => console.error({ message, ...fields }),
};
