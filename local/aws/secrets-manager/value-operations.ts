import { invalidParameter, invalidRequest, SecretsManagerError } from './errors.ts';
import {
  type Answer,
  type Members,
  type Operation,
  readBoolean,
  readClientRequestToken,
  readRequiredText,
  readSecretId,
  readSecretValue,
  readText,
  readTextList,
} from './input.ts';
import { readFilters, readPage } from './listing.ts';
import { afterManualChange } from './rotation-state.ts';
import {
  assertNotDeleted,
  attachStages,
  CURRENT,
  detachStage,
  hasValue,
  type Secret,
  type SecretVersion,
  startOfDay,
  storeValue,
  toWireTime,
  versionWithId,
  versionWithStage,
} from './secret.ts';
import type { SecretStore } from './store.ts';

const STAGE = { min: 1, max: 256 };

/** The version that a request means: by id, by label, by both if they agree, else the current one. */
function selectVersion(secret: Secret, members: Members): SecretVersion {
  const versionId = readText(members, 'VersionId', { min: 32, max: 64 });
  const stage = readText(members, 'VersionStage', STAGE);
  const version =
    versionId === undefined
      ? versionWithStage(secret, stage ?? CURRENT)
      : versionWithId(secret, versionId);
  if (version !== undefined && stage !== undefined && !version.stages.includes(stage)) {
    throw invalidRequest(
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  if (version === undefined || !hasValue(version)) {
    const selector =
      versionId !== undefined && stage === undefined
        ? `VersionId: ${versionId}`
        : `staging label: ${stage ?? CURRENT}`;
    throw new SecretsManagerError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${selector}`,
    );
  }
  return version;
}

function requireVersion(secret: Secret, versionId: string): SecretVersion {
  const version = versionWithId(secret, versionId);
  if (version === undefined) {
    throw invalidParameter(`Not a valid version: ${versionId}`);
  }
  return version;
}

/** UpdateSecretVersionStage: whoever takes a label from a version has to name that version. */
function moveStage(
  secret: Secret,
  stage: string,
  from: string | undefined,
  to: string | undefined,
) {
  const holder = versionWithStage(secret, stage);
  const source = from === undefined ? undefined : requireVersion(secret, from);
  const target = to === undefined ? undefined : requireVersion(secret, to);
  if (source === undefined && target === undefined) {
    throw invalidParameter('You must provide RemoveFromVersionId, MoveToVersionId or both.');
  }
  if (target !== undefined && target === holder) {
    return;
  }
  if (source === undefined && holder !== undefined) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder.versionId}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (source !== holder) {
    throw invalidParameter(`Staging label ${stage} is not attached to version ${from}.`);
  }
  if (target === undefined) {
    if (stage === CURRENT) {
      throw invalidParameter(
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
      );
    }
    if (source !== undefined) {
      detachStage(source, stage);
    }
    return;
  }
  if (stage === CURRENT && !hasValue(target)) {
    throw invalidRequest('A version that has no secret value cannot become AWSCURRENT.');
  }
  attachStages(secret, target, [stage]);
}

/** The operations on the values of secrets and on the labels of their versions. */
export function createValueOperations(dependencies: {
  readonly store: SecretStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}): Record<string, Operation> {
  const { store, now } = dependencies;

  function getValue(secret: Secret, members: Members): Answer {
    assertNotDeleted(secret);
    const version = selectVersion(secret, members);
    const today = startOfDay(now());
    if (version.lastAccessed !== today || secret.lastAccessed !== today) {
      version.lastAccessed = today;
      secret.lastAccessed = today;
      store.save(secret);
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.versionId,
      SecretString: version.secretString,
      SecretBinary: version.secretBinary,
      VersionStages: version.stages.length > 0 ? version.stages : undefined,
      CreatedDate: toWireTime(version.created),
    };
  }

  return {
    GetSecretValue(members) {
      return getValue(store.find(readSecretId(members)), members);
    },

    BatchGetSecretValue(members) {
      const secretIds = readTextList(members, 'SecretIdList', { min: 1, max: 20 }, { min: 1 });
      const isWanted = readFilters(members);
      if ((secretIds === undefined) === (isWanted === undefined)) {
        throw invalidParameter(
          "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        );
      }
      if (isWanted === undefined && typeof members.MaxResults === 'number') {
        throw invalidParameter(
          "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
        );
      }
      const matching = store.all().filter((secret) => !secret.deletionDate && isWanted?.(secret));
      const { page, nextToken } = readPage(
        members,
        secretIds ?? matching.map((secret) => secret.arn),
        20,
      );
      const values: Answer[] = [];
      const errors: Answer[] = [];
      for (const secretId of page) {
        try {
          values.push(getValue(store.find(secretId), {}));
        } catch (error) {
          if (!(error instanceof SecretsManagerError)) {
            throw error;
          }
          errors.push({ SecretId: secretId, ErrorCode: error.name, Message: error.message });
        }
      }
      return { SecretValues: values, Errors: errors, NextToken: nextToken };
    },

    PutSecretValue(members) {
      const secret = store.find(readSecretId(members));
      const versionId = readClientRequestToken(members);
      const value = readSecretValue(members);
      const stages = readTextList(members, 'VersionStages', { min: 1, max: 20 }, STAGE);
      readText(members, 'RotationToken', { min: 36, max: 256 });
      assertNotDeleted(secret);
      if (value === undefined) {
        throw invalidRequest('You must provide either SecretString or SecretBinary.');
      }
      const formerCurrent = versionWithStage(secret, CURRENT);
      const version = storeValue(secret, versionId, value, stages ?? [CURRENT], now());
      if (versionWithStage(secret, CURRENT) !== formerCurrent) {
        afterManualChange(secret, now());
      }
      store.save(secret);
      return {
        ARN: secret.arn,
        Name: secret.name,
        VersionId: versionId,
        VersionStages: version.stages,
      };
    },

    UpdateSecretVersionStage(members) {
      const secret = store.find(readSecretId(members));
      const stage = readRequiredText(members, 'VersionStage', STAGE);
      const from = readText(members, 'RemoveFromVersionId', { min: 32, max: 64 });
      const to = readText(members, 'MoveToVersionId', { min: 32, max: 64 });
      assertNotDeleted(secret);
      moveStage(secret, stage, from, to);
      secret.lastChanged = now();
      store.save(secret);
      return { ARN: secret.arn, Name: secret.name };
    },

    ListSecretVersionIds(members) {
      const secret = store.find(readSecretId(members));
      const includesDeprecated = readBoolean(members, 'IncludeDeprecated') ?? false;
      const versions = secret.versions.filter(
        (version) => includesDeprecated || version.stages.length > 0,
      );
      const { page, nextToken } = readPage(members, versions);
      return {
        ARN: secret.arn,
        Name: secret.name,
        Versions: page.map((version) => ({
          VersionId: version.versionId,
          VersionStages: version.stages.length > 0 ? version.stages : undefined,
          CreatedDate: toWireTime(version.created),
          LastAccessedDate: toWireTime(version.lastAccessed),
          KmsKeyIds: [secret.kmsKeyId ?? 'DefaultEncryptionKey'],
        })),
        NextToken: nextToken,
      };
    },
  };
}
