/** The errors that Secrets Manager declares in its model. Their text travels as `Message`. */
export type ModelledErrorName =
  | 'InternalServiceError'
  | 'InvalidNextTokenException'
  | 'InvalidParameterException'
  | 'InvalidRequestException'
  | 'LimitExceededException'
  | 'ResourceExistsException'
  | 'ResourceNotFoundException';

/** The errors that every AWS JSON service shares. Their text travels as `message`. */
export type CommonErrorName =
  | 'AccessDeniedException'
  | 'RequestEntityTooLargeException'
  | 'SerializationException'
  | 'UnknownOperationException'
  | 'ValidationException';

const COMMON: ReadonlySet<string> = new Set<CommonErrorName>([
  'AccessDeniedException',
  'RequestEntityTooLargeException',
  'SerializationException',
  'UnknownOperationException',
  'ValidationException',
]);

const STATUS: Partial<Record<ModelledErrorName | CommonErrorName, number>> = {
  InternalServiceError: 500,
  RequestEntityTooLargeException: 413,
};

/** What a caller sees when a request fails. The message never contains a secret value. */
export class SecretsManagerError extends Error {
  override readonly name: ModelledErrorName | CommonErrorName;
  /** The HTTP status: 400, except for an oversized body and for a failure of the emulator itself. */
  readonly status: number;

  constructor(name: ModelledErrorName | CommonErrorName, message: string) {
    super(message);
    this.name = name;
    this.status = STATUS[name] ?? 400;
  }

  /** The body on the wire, in the shape of AWS JSON 1.1. */
  toBody(): Record<string, string> {
    return { __type: this.name, [COMMON.has(this.name) ? 'message' : 'Message']: this.message };
  }
}

export function secretNotFound(): SecretsManagerError {
  return new SecretsManagerError(
    'ResourceNotFoundException',
    "Secrets Manager can't find the specified secret.",
  );
}

export function invalidParameter(message: string): SecretsManagerError {
  return new SecretsManagerError('InvalidParameterException', message);
}

export function invalidRequest(message: string): SecretsManagerError {
  return new SecretsManagerError('InvalidRequestException', message);
}
