import { invalidParameter, invalidRequest, SecretsManagerError } from './errors.ts';
import {
  type Answer,
  type Members,
  type Operation,
  readBoolean,
  readClientRequestToken,
  readInteger,
  readNewName,
  readSecretId,
  readSecretValue,
  readText,
  readTextList,
} from './input.ts';
import { readFilters, readPage, readTags } from './listing.ts';
import { afterManualChange } from './rotation-state.ts';
import {
  assertNotDeleted,
  CURRENT,
  createSecretArn,
  hasSameValue,
  type Secret,
  storeValue,
  toWireTime,
  versionWithId,
} from './secret.ts';
import type { SecretStore } from './store.ts';

const DAY = 86_400_000;
const MAXIMUM_TAGS = 50;

interface Dependencies {
  readonly store: SecretStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly region: string;
  readonly accountId: string;
}

function identity(secret: Secret): Answer {
  return { ARN: secret.arn, Name: secret.name };
}

function describe(secret: Secret, stagesName: string): Answer {
  const labelled = secret.versions.filter((version) => version.stages.length > 0);
  const stages = labelled.map((version) => [version.versionId, version.stages] as const);
  const { rotation } = secret;
  return {
    ...identity(secret),
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    RotationEnabled: rotation?.enabled,
    RotationLambdaARN: rotation?.functionArn,
    RotationRules: rotation?.rules,
    LastRotatedDate: toWireTime(rotation?.lastRotated),
    NextRotationDate: rotation?.enabled ? toWireTime(rotation.next) : undefined,
    LastChangedDate: toWireTime(secret.lastChanged),
    LastAccessedDate: toWireTime(secret.lastAccessed),
    DeletedDate: toWireTime(secret.deletionDate),
    Tags: secret.tags.length > 0 ? secret.tags : undefined,
    CreatedDate: toWireTime(secret.created),
    [stagesName]: stages.length > 0 ? Object.fromEntries(stages) : undefined,
  };
}

function withTags(existing: Secret['tags'], added: Secret['tags']): Secret['tags'] {
  const tags = new Map([...existing, ...added].map((tag) => [tag.Key, tag]));
  if (tags.size > MAXIMUM_TAGS) {
    throw invalidParameter(`A secret can have at most ${MAXIMUM_TAGS} tags.`);
  }
  return [...tags.values()];
}

function setDetails(secret: Secret, members: Members): void {
  const description = readText(members, 'Description', { max: 2048 });
  const kmsKeyId = readText(members, 'KmsKeyId', { max: 2048 });
  if (description !== undefined) {
    secret.description = description;
  }
  if (kmsKeyId !== undefined) {
    secret.kmsKeyId = kmsKeyId;
  }
  // An empty one takes the detail away: no description, or the key of AWS itself.
  if (description === '') {
    delete secret.description;
  }
  if (kmsKeyId === '') {
    delete secret.kmsKeyId;
  }
}

/** The operations on a secret as a whole: all but its values, their labels and its rotation. */
export function createSecretOperations(dependencies: Dependencies): Record<string, Operation> {
  const { store, now, region, accountId } = dependencies;

  function repeatedCreate(existing: Secret, members: Members): Answer {
    if (existing.deletionDate !== undefined) {
      throw invalidRequest(
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    }
    const versionId = readClientRequestToken(members);
    const version = versionWithId(existing, versionId);
    const value = readSecretValue(members);
    if (version === undefined || value === undefined) {
      throw new SecretsManagerError(
        'ResourceExistsException',
        `The operation failed because the secret ${existing.name} already exists.`,
      );
    }
    if (!hasSameValue(version, value)) {
      throw new SecretsManagerError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${versionId} because that value is already in use for a version of secret ${existing.arn}.`,
      );
    }
    return { ...identity(existing), VersionId: versionId };
  }

  return {
    CreateSecret(members) {
      const name = readNewName(members);
      const versionId = readClientRequestToken(members);
      const value = readSecretValue(members);
      const tags = withTags([], readTags(members));
      const existing = store.all().find((secret) => secret.name === name);
      if (existing !== undefined) {
        return repeatedCreate(existing, members);
      }
      const secret: Secret = {
        arn: createSecretArn(region, accountId, name),
        name,
        created: now(),
        lastChanged: now(),
        tags,
        versions: [],
      };
      setDetails(secret, members);
      const version = value && storeValue(secret, versionId, value, [CURRENT], now());
      store.save(secret);
      return { ...identity(secret), VersionId: version?.versionId };
    },

    UpdateSecret(members) {
      const secret = store.find(readSecretId(members));
      const versionId = readClientRequestToken(members);
      const value = readSecretValue(members);
      assertNotDeleted(secret);
      setDetails(secret, members);
      if (value !== undefined) {
        storeValue(secret, versionId, value, [CURRENT], now());
        afterManualChange(secret, now());
      }
      secret.lastChanged = now();
      store.save(secret);
      return { ...identity(secret), VersionId: value && versionId };
    },

    DescribeSecret(members) {
      return describe(store.find(readSecretId(members)), 'VersionIdsToStages');
    },

    ListSecrets(members) {
      const isWanted = readFilters(members) ?? (() => true);
      const includesDeleted = readBoolean(members, 'IncludePlannedDeletion') ?? false;
      const secrets = store
        .all()
        .filter(
          (secret) => (includesDeleted || secret.deletionDate === undefined) && isWanted(secret),
        );
      if (readText(members, 'SortOrder') === 'desc') {
        secrets.reverse();
      }
      const { page, nextToken } = readPage(members, secrets);
      return {
        SecretList: page.map((secret) => describe(secret, 'SecretVersionsToStages')),
        NextToken: nextToken,
      };
    },

    TagResource(members) {
      const secret = store.find(readSecretId(members));
      assertNotDeleted(secret);
      secret.tags = withTags(secret.tags, readTags(members));
      secret.lastChanged = now();
      store.save(secret);
      return {};
    },

    UntagResource(members) {
      const secret = store.find(readSecretId(members));
      const keys = readTextList(members, 'TagKeys', { max: 50 }, { min: 1, max: 128 }) ?? [];
      assertNotDeleted(secret);
      secret.tags = secret.tags.filter((tag) => !keys.includes(tag.Key));
      secret.lastChanged = now();
      store.save(secret);
      return {};
    },

    DeleteSecret(members) {
      const secretId = readSecretId(members);
      const days = readInteger(members, 'RecoveryWindowInDays');
      const isForced = readBoolean(members, 'ForceDeleteWithoutRecovery') ?? false;
      if (days !== undefined && isForced) {
        throw invalidParameter(
          "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        );
      }
      if (days !== undefined && (days < 7 || days > 30)) {
        throw invalidParameter(
          'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
        );
      }
      if (isForced) {
        const doomed = store.lookup(secretId);
        if (doomed !== undefined) {
          store.remove(doomed);
        }
        const arn = doomed?.arn ?? createSecretArn(region, accountId, secretId);
        return { ARN: arn, Name: doomed?.name ?? secretId, DeletionDate: toWireTime(now()) };
      }
      const secret = store.find(secretId);
      if (secret.deletionDate !== undefined) {
        throw invalidRequest(
          "You tried to perform the operation on a secret that's currently marked deleted.",
        );
      }
      secret.deletionDate = now() + (days ?? 30) * DAY;
      store.save(secret);
      return { ...identity(secret), DeletionDate: toWireTime(secret.deletionDate) };
    },

    RestoreSecret(members) {
      const secret = store.find(readSecretId(members));
      if (secret.deletionDate !== undefined) {
        delete secret.deletionDate;
        store.save(secret);
      }
      return identity(secret);
    },
  };
}
