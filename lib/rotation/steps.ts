import type { Secret } from '../aws/secret.ts';
import { holderOf, type SecretDescription } from '../aws/secret-description.ts';

/** The steps that Secrets Manager calls, in this order, each perhaps more than once and perhaps at the same time. */
export const ROTATION_STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

/** What Secrets Manager hands to a rotation function. */
export interface RotationEvent {
  Step: RotationStep;
  SecretId: string;
  /** Names the version that the rotation makes. */
  ClientRequestToken: string;
}

/** What the steps need of the secret. */
export type RotatingSecret = Pick<Secret, 'describe' | 'read' | 'put' | 'moveLabel'>;

/** What is rotated: each step for one kind of secret. Every one of them may be repeated. */
export interface Rotation {
  /** A new value, from the current one. */
  create(current: string | undefined): Promise<string>;
  /** Makes the pending value valid beside the current one. */
  set(pending: string, current: string | undefined): Promise<void>;
  /** Uses the pending value for real. Throws where it does not work. */
  test(pending: string): Promise<void>;
  /** Gives what the previous value had, and the current one has not, its end. */
  retire(previous: string, current: string): Promise<void>;
}

/** A step that must not run. The rotation stays as it is; Secrets Manager tells of the failure. */
export class RotationRefusedError extends Error {
  override readonly name = 'RotationRefusedError';
}

/**
 * Whether a step has anything left to do: the guard of AWS's own rotation templates.
 *
 * @throws {RotationRefusedError} where rotation is off, or the version is not one that is being rotated in
 */
export function guard(
  version: string,
  { isRotationEnabled, versions }: Pick<SecretDescription, 'isRotationEnabled' | 'versions'>,
): 'pending' | 'current' {
  if (!isRotationEnabled) throw new RotationRefusedError('rotation is not enabled for the secret');
  const labels = versions[version];
  if (labels === undefined) {
    throw new RotationRefusedError('the secret has no version for this rotation');
  }
  if (labels.includes('AWSCURRENT')) return 'current';
  if (labels.includes('AWSPENDING')) return 'pending';
  throw new RotationRefusedError('the version is not pending');
}

/**
 * Runs one step. Whatever order the steps come in, however often, and wherever one was cut off, running them again
 * brings the rotation to its end.
 *
 * @throws {RotationRefusedError} see `guard`
 */
export async function runRotationStep(
  { Step, ClientRequestToken: version }: RotationEvent,
  secret: RotatingSecret,
  rotation: Rotation,
): Promise<void> {
  const description = await secret.describe();
  const state = guard(version, description);
  if (state === 'current') {
    if (Step === 'finishSecret') await conclude(version, description, secret, rotation);
    return;
  }
  switch (Step) {
    case 'createSecret':
      if ((await secret.read('AWSPENDING', version)) !== undefined) return;
      await stage(version, await rotation.create(await secret.read()), secret);
      return;
    case 'setSecret':
      // What an earlier rotation left undone when it was cut off is done first.
      await retirePrevious(secret, rotation);
      await rotation.set(await pendingValue(secret, version), await secret.read());
      return;
    case 'testSecret':
      await rotation.test(await pendingValue(secret, version));
      return;
    case 'finishSecret':
      await rotation.test(await pendingValue(secret, version));
      await promote(version, description, secret);
      await conclude(version, description, secret, rotation);
      return;
    default:
      throw new RotationRefusedError('unknown step');
  }
}

/** Another run of the same step may have been faster. Its value is as good. */
async function stage(version: string, value: string, secret: RotatingSecret): Promise<void> {
  await secret.put(value, { version, label: 'AWSPENDING' });
}

async function promote(
  version: string,
  description: SecretDescription,
  secret: RotatingSecret,
): Promise<void> {
  const from = holderOf('AWSCURRENT', description);
  if ((await secret.moveLabel('AWSCURRENT', { from, to: version })) === 'moved') return;
  throw new RotationRefusedError('another version has become the current one meanwhile');
}

async function conclude(
  version: string,
  { versions }: SecretDescription,
  secret: RotatingSecret,
  rotation: Rotation,
): Promise<void> {
  await retirePrevious(secret, rotation);
  if (!versions[version]?.includes('AWSPENDING')) return;
  await secret.moveLabel('AWSPENDING', { from: version });
}

async function retirePrevious(secret: RotatingSecret, rotation: Rotation): Promise<void> {
  const [previous, current] = [await secret.read('AWSPREVIOUS'), await secret.read()];
  if (previous !== undefined && current !== undefined) await rotation.retire(previous, current);
}

async function pendingValue(secret: RotatingSecret, version: string): Promise<string> {
  const value = await secret.read('AWSPENDING', version);
  if (value === undefined) throw new RotationRefusedError('createSecret has not run yet');
  return value;
}
