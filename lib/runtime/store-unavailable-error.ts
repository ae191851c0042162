export interface StoreFault {
  /** `DynamoDB`, `Secrets Manager` */
  service: string;
  /** As AWS calls it: `GetItem`. */
  operation: string;
  cause: unknown;
}

/**
 * A store is down or throttled, and the client's own retries have not helped: waiting may. The
 * message names service, operation and the kind of fault, and nothing of what was asked for: it can
 * be logged.
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly service: string;
  readonly operation: string;

  constructor({ service, operation, cause }: StoreFault) {
    super(`${service} ${operation}: ${faultOf(cause)}`, { cause });
    this.service = service;
    this.operation = operation;
  }
}

/** What a log may say of an error that nobody foresaw: the message might quote a secret. */
export function faultOf(error: unknown): string {
  if (error instanceof StoreUnavailableError) return error.message;
  return error instanceof Error ? error.name : 'unknown error';
}
