import { nextRotation } from './schedule.ts';
import {
  addVersion,
  attachStages,
  CURRENT,
  PENDING,
  type Rotation,
  type Secret,
  versionWithId,
  versionWithStage,
} from './secret.ts';

/** A new value set by hand counts as a rotation, for a schedule in days since the last one. */
export function afterManualChange(secret: Secret, now: number): void {
  if (secret.rotation?.enabled && secret.rotation.rules.AutomaticallyAfterDays !== undefined) {
    schedule(secret.rotation, now);
  }
}

/** Sets when the secret is due next, counted from its last rotation. */
export function schedule(rotation: Rotation, from: number): void {
  const next = nextRotation(rotation.rules, from);
  if (next === undefined) {
    delete rotation.next;
  } else {
    rotation.next = next;
  }
}

/** Adds the empty version that a rotation is to fill, labelled AWSPENDING. */
export function addPlaceholder(secret: Secret, versionId: string, now: number): void {
  attachStages(secret, versionWithId(secret, versionId) ?? addVersion(secret, versionId, now), [
    PENDING,
  ]);
}

/** A trial gets a pending version with the current value, since testSecret reads the pending one. */
export function addTrialVersion(secret: Secret, versionId: string, now: number): void {
  const current = versionWithStage(secret, CURRENT);
  addPlaceholder(secret, versionId, now);
  const version = versionWithStage(secret, PENDING);
  if (version !== undefined) {
    version.trial = true;
    Object.assign(
      version,
      current?.secretString !== undefined && { secretString: current.secretString },
      current?.secretBinary !== undefined && { secretBinary: current.secretBinary },
    );
  }
}

/** Takes away what a trial added. True if there was any. */
export function dropTrialVersions(secret: Secret): boolean {
  const count = secret.versions.length;
  secret.versions = secret.versions.filter((version) => !version.trial);
  return secret.versions.length < count;
}
