import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { OAuthError } from '../oauth/errors.ts';
import { invocation } from '../runtime/invocation-signal.ts';

/** Seconds that a client is asked to wait when a store is down or throttled. */
const RETRY_AFTER = 2;

/** Errors that say something about the request or the deployment: waiting does not mend them. */
const LASTING = new Set([
  'ConditionalCheckFailedException',
  'ResourceNotFoundException',
  'ResourceExistsException',
  'ValidationException',
  'InvalidParameterException',
  'InvalidRequestException',
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'CredentialsProviderError',
  'DecryptionFailure',
]);

type Client = DynamoDBClient | SecretsManagerClient;

/**
 * Turns what is left after the client's own retries (throttling, time-outs, refused connections, 5xx) into
 * `temporarily_unavailable`, with the service, the operation and the error's name for the log.
 */
export function reportUnavailability<C extends Client>(client: C, service: string): C {
  const stack = client.middlewareStack as Client['middlewareStack'] &
    DynamoDBClient['middlewareStack'];
  stack.add(
    (next, context) => async (input) => {
      try {
        return await next(input);
      } catch (error) {
        const name = error instanceof Error ? error.name : 'unknown error';
        if (LASTING.has(name)) throw error;
        throw new OAuthError('temporarily_unavailable', 'The service is temporarily unavailable', {
          detail: `${service} ${context.commandName}: ${name}`,
          headers: { 'Retry-After': String(RETRY_AFTER) },
          cause: error,
        });
      }
    },
    { step: 'initialize', name: 'reportUnavailability' },
  );
  // A write that an invocation retried after its end could undo what came since.
  stack.add(
    (next) => async (input) => {
      invocation.getStore()?.throwIfAborted();
      return next(input);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'endWithInvocation' },
  );
  return client;
}
