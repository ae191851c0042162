import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  RestoreSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { abandonRotation } from '../service-clients/service-secret-store.ts';
import type { Owner } from './resource.ts';

/** Whose a secret is: tags of the secret. */
export interface SecretOwner extends Owner {
  clientId: string;
}

export interface SecretDescription {
  arn: string;
  /** Undefined where nobody declared it here: another tool, or a person, made it. */
  owner: SecretOwner | undefined;
  /** Its owner is gone: whoever declares the same client may have it. */
  isReleased: boolean;
  isDeleted: boolean;
}

export interface SecretVersion {
  id: string;
  value: string;
}

/** The secrets of declared clients, by name. */
export interface DeclaredSecretStore {
  describe(name: string): Promise<SecretDescription | undefined>;
  create(name: string, owner: SecretOwner, value: string): Promise<'created' | 'taken'>;
  /** Makes a released secret the owner's, deleted or not, with a value of its own. */
  adopt(name: string, found: SecretDescription, owner: SecretOwner, value: string): Promise<void>;
  read(name: string): Promise<SecretVersion>;
  /** Changes the value, unless it has changed since it was read. A rotation that has begun is given up. */
  replace(name: string, read: SecretVersion, value: string): Promise<void>;
  /** Marks the secret as nobody's, and schedules its deletion. May be repeated. */
  release(name: string, owner: SecretOwner): Promise<void>;
}

/** Days for which a deleted secret can be restored: the fewest that Secrets Manager has. */
const RECOVERY_WINDOW = 7;

/** A version is prepared under this label, and then made the current one. */
const PREPARED = 'LATCHKEY_DECLARED';

const TAGS = {
  stackId: 'latchkey:stack-id',
  logicalResourceId: 'latchkey:logical-resource-id',
  clientId: 'latchkey:client-id',
  isReleased: 'latchkey:released',
};

export function createDeclaredSecretStore(
  secretsManager: SecretsManagerClient,
): DeclaredSecretStore {
  async function describe(name: string): Promise<SecretDescription | undefined> {
    try {
      const answer = await secretsManager.send(new DescribeSecretCommand({ SecretId: name }));
      const tags = new Map(answer.Tags?.map(({ Key, Value }) => [Key, Value]));
      const stackId = tags.get(TAGS.stackId);
      const logicalResourceId = tags.get(TAGS.logicalResourceId);
      const clientId = tags.get(TAGS.clientId);
      return {
        arn: answer.ARN ?? '',
        owner:
          stackId && logicalResourceId && clientId
            ? { stackId, logicalResourceId, clientId }
            : undefined,
        isReleased: tags.get(TAGS.isReleased) === 'true',
        isDeleted: answer.DeletedDate !== undefined,
      };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  return {
    describe,

    async create(name, owner, value) {
      try {
        await secretsManager.send(
          new CreateSecretCommand({
            Name: name,
            Description: `The credentials of the client ${owner.clientId}, which a stack declares.`,
            SecretString: value,
            Tags: tagsOf(owner, false),
          }),
        );
        return 'created';
      } catch (error) {
        const isTaken =
          error instanceof ResourceExistsException || error instanceof InvalidRequestException;
        if (isTaken) return 'taken';
        throw error;
      }
    },

    async adopt(name, { isDeleted }, owner, value) {
      if (isDeleted) await secretsManager.send(new RestoreSecretCommand({ SecretId: name }));
      await abandonRotation(secretsManager, name);
      // Before it is the owner's: what was deleted may have been deleted because it was known.
      await secretsManager.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));
      await secretsManager.send(
        new TagResourceCommand({ SecretId: name, Tags: tagsOf(owner, false) }),
      );
    },

    async read(name) {
      const { VersionId = '', SecretString = '' } = await secretsManager.send(
        new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' }),
      );
      return { id: VersionId, value: SecretString };
    },

    async replace(name, { id }, value) {
      // What it has prepared would bring back what is changed here.
      await abandonRotation(secretsManager, name);
      const { VersionId } = await secretsManager.send(
        new PutSecretValueCommand({
          SecretId: name,
          SecretString: value,
          VersionStages: [PREPARED],
        }),
      );
      await secretsManager.send(
        new UpdateSecretVersionStageCommand({
          SecretId: name,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: VersionId,
          RemoveFromVersionId: id,
        }),
      );
    },

    async release(name, owner) {
      await secretsManager.send(
        new TagResourceCommand({ SecretId: name, Tags: tagsOf(owner, true) }),
      );
      try {
        await secretsManager.send(
          new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: RECOVERY_WINDOW }),
        );
      } catch (error) {
        if (!(await describe(name))?.isDeleted) throw error;
      }
    },
  };
}

function tagsOf(owner: SecretOwner, isReleased: boolean) {
  return [
    { Key: TAGS.stackId, Value: owner.stackId },
    { Key: TAGS.logicalResourceId, Value: owner.logicalResourceId },
    { Key: TAGS.clientId, Value: owner.clientId },
    { Key: TAGS.isReleased, Value: String(isReleased) },
  ];
}
