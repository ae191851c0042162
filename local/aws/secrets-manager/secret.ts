import { randomInt } from 'node:crypto';
import { invalidRequest, SecretsManagerError } from './errors.ts';
import type { SecretValue } from './input.ts';

export const CURRENT = 'AWSCURRENT';
export const PENDING = 'AWSPENDING';
export const PREVIOUS = 'AWSPREVIOUS';

const MAXIMUM_VERSIONS = 100;
const MAXIMUM_STAGES = 20;
const DAY = 86_400_000;
const SUFFIX_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** One version. A placeholder that a rotation made has neither kind of value yet. */
export interface SecretVersion {
  readonly versionId: string;
  /** Milliseconds since the epoch, like every time in this file. */
  created: number;
  stages: string[];
  lastAccessed?: number;
  secretString?: string;
  /** Base64. */
  secretBinary?: string;
  /** Set while `RotateImmediately: false` tries out the rotation function. */
  trial?: true;
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export interface RotationRules {
  readonly AutomaticallyAfterDays?: number;
  readonly Duration?: string;
  readonly ScheduleExpression?: string;
}

export interface Rotation {
  readonly functionArn: string;
  readonly rules: RotationRules;
  enabled: boolean;
  lastRotated?: number;
  next?: number;
}

export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly created: number;
  lastChanged: number;
  lastAccessed?: number;
  /** When the secret goes for good. Present on a secret that is marked as deleted. */
  deletionDate?: number;
  description?: string;
  kmsKeyId?: string;
  tags: Tag[];
  rotation?: Rotation;
  /** Oldest first. */
  versions: SecretVersion[];
}

/** Builds an ARN with the random six characters that tell two secrets of one name apart. */
export function createSecretArn(region: string, accountId: string, name: string): string {
  const suffix = Array.from({ length: 6 }, () =>
    SUFFIX_ALPHABET.charAt(randomInt(SUFFIX_ALPHABET.length)),
  ).join('');
  return `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${suffix}`;
}

/** Seconds since the epoch, with milliseconds as a fraction: how AWS JSON writes a time. */
export function toWireTime(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

/** Secrets Manager keeps the day of the last access, not the time. */
export function startOfDay(milliseconds: number): number {
  return Math.floor(milliseconds / DAY) * DAY;
}

export function assertNotDeleted(secret: Secret): void {
  if (secret.deletionDate !== undefined) {
    throw invalidRequest(
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }
}

export function versionWithId(secret: Secret, versionId: string): SecretVersion | undefined {
  return secret.versions.find((version) => version.versionId === versionId);
}

export function versionWithStage(secret: Secret, stage: string): SecretVersion | undefined {
  return secret.versions.find((version) => version.stages.includes(stage));
}

/** The version of a rotation that has started and not finished: AWSPENDING, and not AWSCURRENT too. */
export function unfinishedRotation(secret: Secret): SecretVersion | undefined {
  const pending = versionWithStage(secret, PENDING);
  return pending?.stages.includes(CURRENT) ? undefined : pending;
}

export function hasValue(version: SecretVersion): boolean {
  return version.secretString !== undefined || version.secretBinary !== undefined;
}

export function hasSameValue(version: SecretVersion, value: SecretValue): boolean {
  return 'secretString' in value
    ? version.secretString === value.secretString
    : version.secretBinary === value.secretBinary;
}

export function detachStage(version: SecretVersion, stage: string): void {
  version.stages = version.stages.filter((attached) => attached !== stage);
}

/**
 * Attaches labels to a version and takes each from the version that had it. Where AWSCURRENT
 * moves, AWSPREVIOUS follows to the version that it left.
 */
export function attachStages(
  secret: Secret,
  version: SecretVersion,
  stages: readonly string[],
): void {
  const formerCurrent = versionWithStage(secret, CURRENT);
  for (const other of secret.versions) {
    for (const stage of stages) {
      detachStage(other, stage);
    }
  }
  version.stages = [...version.stages, ...new Set(stages)];
  if (stages.includes(CURRENT) && formerCurrent !== undefined && formerCurrent !== version) {
    for (const other of secret.versions) {
      detachStage(other, PREVIOUS);
    }
    formerCurrent.stages.push(PREVIOUS);
  }
  version.stages.sort();
  formerCurrent?.stages.sort();
  if (version.stages.length > MAXIMUM_STAGES) {
    throw new SecretsManagerError(
      'LimitExceededException',
      `A secret version can have at most ${MAXIMUM_STAGES} staging labels.`,
    );
  }
}

/** Adds an empty version and drops the oldest that carry no label once there are over a hundred. */
export function addVersion(secret: Secret, versionId: string, now: number): SecretVersion {
  const version: SecretVersion = { versionId, created: now, stages: [] };
  secret.versions.push(version);
  let surplus = secret.versions.length - MAXIMUM_VERSIONS;
  secret.versions = secret.versions.filter((candidate) => {
    const isDropped = surplus > 0 && candidate !== version && candidate.stages.length === 0;
    surplus -= isDropped ? 1 : 0;
    return !isDropped;
  });
  return version;
}

/**
 * Stores a value as the version `versionId`. A repeat with the same value changes nothing, a
 * rotation's placeholder is filled in, and another value for a version that has one is refused.
 */
export function storeValue(
  secret: Secret,
  versionId: string,
  value: SecretValue,
  stages: readonly string[],
  now: number,
): SecretVersion {
  const existing = versionWithId(secret, versionId);
  if (existing !== undefined && hasValue(existing)) {
    if (hasSameValue(existing, value)) {
      return existing;
    }
    throw new SecretsManagerError(
      'ResourceExistsException',
      `You can't use ClientRequestToken ${versionId} because that value is already in use for a version of secret ${secret.arn}.`,
    );
  }
  const version = existing ?? addVersion(secret, versionId, now);
  Object.assign(version, value);
  const formerCurrent = versionWithStage(secret, CURRENT);
  attachStages(secret, version, formerCurrent === undefined ? [...stages, CURRENT] : stages);
  if (
    formerCurrent !== undefined &&
    version !== formerCurrent &&
    version.stages.includes(CURRENT)
  ) {
    detachStage(formerCurrent, PENDING);
  }
  secret.lastChanged = now;
  return version;
}
