import {
  type InvocationContext,
  TimeOverError,
  type WithDeadline,
} from '../runtime/invocation-signal.ts';
import type { Log } from '../runtime/log.ts';
import { faultOf } from '../runtime/store-unavailable-error.ts';
import {
  type RotatingSecret,
  type Rotation,
  type RotationEvent,
  RotationRefusedError,
  runRotationStep,
} from './steps.ts';

export interface RotationHandlerDependencies {
  secretOf: (secretId: string) => RotatingSecret;
  /** What rotates it. */
  rotationOf: (secret: RotatingSecret) => Rotation;
  withDeadline: WithDeadline;
  log: Log;
}

/** Milliseconds that are kept for the line in the log. */
const TIME_TO_LOG = 1_000;

/** The Lambda handler that Secrets Manager calls, step by step. What it throws ends the rotation until it is retried. */
export function createRotationHandler(dependencies: RotationHandlerDependencies) {
  const { secretOf, rotationOf, withDeadline, log } = dependencies;
  return async (event: RotationEvent, context: InvocationContext = {}): Promise<void> => {
    const fields = { step: event.Step, secret: event.SecretId, version: event.ClientRequestToken };
    try {
      const secret = secretOf(event.SecretId);
      const remaining = context.getRemainingTimeInMillis?.();
      await withDeadline({ remaining, reserve: TIME_TO_LOG }, () =>
        runRotationStep(event, secret, rotationOf(secret)),
      );
      log.info('rotation step done', fields);
    } catch (error) {
      const isMeant = error instanceof RotationRefusedError || error instanceof TimeOverError;
      const reason = isMeant ? error.message : faultOf(error);
      log.error('rotation step failed', { ...fields, reason });
      // Lambda logs what is thrown.
      throw new Error(`the rotation step ${event.Step} failed: ${reason}`);
    }
  };
}
