import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { invocation } from '../runtime/invocation-signal.ts';
import { StoreUnavailableError } from '../runtime/store-unavailable-error.ts';

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
 * Turns what is left after the client's own retries (throttling, time-outs, refused connections,
 * 5xx) into a `StoreUnavailableError`.
 */
export function reportUnavailability<C extends Client>(client: C, service: string): C {
  const stack = client.middlewareStack as Client['middlewareStack'] &
    DynamoDBClient['middlewareStack'];
  stack.add(
    (next, context) => async (input) => {
      try {
        return await next(input);
      } catch (error) {
        if (error instanceof Error && LASTING.has(error.name)) throw error;
        const operation = String(context.commandName).replace(/Command$/, '');
        throw new StoreUnavailableError({ service, operation, cause: error });
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
