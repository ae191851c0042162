import { MalformedKeysetError } from '../lib/keys/keyset.ts';
import { RefusedError } from '../lib/runtime/refused-error.ts';
import { StoreUnavailableError } from '../lib/runtime/store-unavailable-error.ts';

/** Where the work that failed was done. */
export interface Place {
  stage: string;
  region: string | undefined;
  isLocal: boolean;
}

const CREDENTIALS_MISSING = new Set(['CredentialsProviderError', 'TokenProviderError']);

const CREDENTIALS_REFUSED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
]);

/** Why the work failed, in one line for the operator. What AWS wrote is passed on only where it helps. */
export function explain(error: unknown, place: Place): RefusedError {
  if (error instanceof RefusedError) return error;
  return new RefusedError(reasonOf(error, place), { cause: error });
}

function reasonOf(error: unknown, place: Place): string {
  if (error instanceof MalformedKeysetError) return error.message;
  const unavailable = error instanceof StoreUnavailableError ? error : undefined;
  const { name, message, code } = described(unavailable ? unavailable.cause : error);
  if (name === 'ResourceNotFoundException') return notDeployed(place);
  if (CREDENTIALS_MISSING.has(name)) {
    return 'there are no AWS credentials to use: set AWS_PROFILE, or sign in with `aws sso login`';
  }
  if (CREDENTIALS_REFUSED.has(name)) {
    return 'AWS does not accept the credentials: they are wrong or have expired';
  }
  if (message === 'Region is missing') {
    return 'no AWS region is configured: name one with --region, or set AWS_REGION';
  }
  if (code === 'ECONNREFUSED' && place.isLocal) {
    return '`npm start` is not running: nothing answers where it did';
  }
  if (unavailable !== undefined) {
    return `${unavailable.service} ${inRegion(place)} does not answer (${code ?? name}): try again`;
  }
  if (name === 'AccessDeniedException') return `AWS refused it: ${message}`;
  return `it failed unexpectedly: ${name}: ${message}`;
}

function described(error: unknown): { name: string; message: string; code: string | undefined } {
  if (!(error instanceof Error)) return { name: 'Error', message: '', code: undefined };
  const { code } = error as NodeJS.ErrnoException;
  return { name: error.name, message: error.message.replace(/\s+/g, ' '), code };
}

function notDeployed(place: Place): string {
  if (place.isLocal)
    return 'the local stack lacks a part of Latchkey: stop it and `npm start` again';
  return `there is no Latchkey in stage ${place.stage} ${inRegion(place)}: deploy it first`;
}

function inRegion({ region, isLocal }: Place): string {
  return isLocal ? 'of the local stack' : `of region ${region ?? 'unknown'}`;
}
