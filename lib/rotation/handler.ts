import type { Log } from '../runtime/log.ts';
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
  log: Log;
}

/** The Lambda handler that Secrets Manager calls, step by step. What it throws ends the rotation until it is retried. */
export function createRotationHandler(dependencies: RotationHandlerDependencies) {
  const { secretOf, rotationOf, log } = dependencies;
  return async (event: RotationEvent): Promise<void> => {
    const fields = { step: event.Step, secret: event.SecretId, version: event.ClientRequestToken };
    try {
      const secret = secretOf(event.SecretId);
      await runRotationStep(event, secret, rotationOf(secret));
      log.info('rotation step done', fields);
    } catch (error) {
      const reason = error instanceof RotationRefusedError ? error.message : nameOf(error);
      log.error('rotation step failed', { ...fields, reason });
      // Lambda logs what is thrown.
      throw new Error(`the rotation step ${event.Step} failed: ${reason}`);
    }
  };
}

/** Messages of other errors stay out of the log: they might quote a secret. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown error';
}
