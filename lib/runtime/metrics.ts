/** What is counted, and by what: names and values that CloudWatch shows to whoever may look. Never a secret. */
export interface Metrics {
  count(name: string, dimensions: Readonly<Record<string, string>>): void;
}

const NAMESPACE = 'Latchkey';

/**
 * Metrics as lines of CloudWatch's embedded metric format, which costs no call. They are written to standard
 * output as they are: `console` would wrap them, and CloudWatch not find them.
 *
 * @param write takes one line, its end included
 * @param now seconds since the epoch
 */
export function createMetrics(write: (line: string) => unknown, now: () => number): Metrics {
  return {
    count(name, dimensions) {
      const line = {
        _aws: {
          Timestamp: now() * 1000,
          CloudWatchMetrics: [
            {
              Namespace: NAMESPACE,
              Dimensions: [Object.keys(dimensions)],
              Metrics: [{ Name: name, Unit: 'Count' }],
            },
          ],
        },
        ...dimensions,
        [name]: 1,
      };
      write(`${JSON.stringify(line)}\n`);
    },
  };
}

/** @param now seconds since the epoch */
export function createStdoutMetrics(now: () => number): Metrics {
  return createMetrics((line) => process.stdout.write(line), now);
}
