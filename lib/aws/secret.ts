import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  type GetSecretValueCommandOutput,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  RestoreSecretCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  descriptionOf,
  holderOf,
  pendingVersion,
  type SecretDescription,
} from './secret-description.ts';

/** The version that a label is taken from, and the one that gets it: undefined for none. */
export interface LabelMove {
  from?: string | undefined;
  to?: string;
}

/**
 * One secret of Secrets Manager. Each change recognises its own earlier success when the SDK
 * repeats it.
 */
export interface Secret {
  /** Name or ARN, as it is asked for. */
  readonly id: string;
  /** @throws {ResourceNotFoundException} where there is none */
  describe(): Promise<SecretDescription>;
  /** Undefined where there is none. */
  find(): Promise<SecretDescription | undefined>;
  /**
   * The value of the version with the label, AWSCURRENT unless another is named, and with the id
   * where one is given; undefined where there is none.
   *
   * @throws {InvalidRequestException} where the secret is scheduled for deletion
   */
  read(label?: string, version?: string): Promise<string | undefined>;
  /** The current value, and its version: what `replace` expects. Else like `read`. */
  current(): Promise<{ version: string; value: string } | undefined>;
  /** Makes the secret. Of two that make one at once, one succeeds. */
  create(value: string, options: CreateOptions): Promise<'created' | 'taken' | 'deleted'>;
  /**
   * Gives a version, a new one unless one is named, its value, and a label: it becomes the current
   * one, unless another label is named. `taken` where the version has another value already.
   */
  put(value: string, options?: PutOptions): Promise<'written' | 'taken'>;
  /**
   * Makes the value current in the place of the version that is expected to be. `lost` where
   * another has become it meanwhile.
   */
  replace(value: string, expected: string | undefined): Promise<'replaced' | 'lost'>;
  /**
   * Takes a label from the version that is expected to have it, to another one or to none;
   * AWSPREVIOUS follows AWSCURRENT. `lost` where another version has it meanwhile.
   */
  moveLabel(label: string, move: LabelMove): Promise<'moved' | 'lost'>;
  /**
   * Gives up a rotation that has not come to its end: what it has prepared does not become current.
   * The next one begins anew.
   */
  abandonRotation(): Promise<void>;
  /** Has the function rotate it every so many days, beginning so many days from now. */
  rotateEvery(days: number, functionArn: string): Promise<void>;
  /** Begins a rotation, of a secret that has a schedule. The version that the rotation makes. */
  rotateNow(): Promise<string>;
  /** Schedules the deletion: for so many days, 7 to 30, it can be restored. */
  remove(recoveryDays: number): Promise<'removed' | 'unknown'>;
  restore(): Promise<void>;
  /** Sets these tags. Others stay. */
  tag(tags: Readonly<Record<string, string>>): Promise<void>;
}

export interface CreateOptions {
  description: string;
  tags?: Readonly<Record<string, string>>;
}

export interface PutOptions {
  /** 32 to 64 characters. */
  version?: string;
  label?: string;
}

/** A value is prepared under this label, and then made the current one. */
const REPLACEMENT = 'LATCHKEY_REPLACEMENT';

/** @param secretId name or ARN. There need not be such a secret yet. */
export function createSecretHandle(secretsManager: SecretsManagerClient, secretId: string): Secret {
  const SecretId = secretId;

  const describe = async () =>
    descriptionOf(await secretsManager.send(new DescribeSecretCommand({ SecretId })));

  const find = () => unlessAbsent(describe());

  async function put(value: string, { version, label = 'AWSCURRENT' }: PutOptions = {}) {
    try {
      await secretsManager.send(
        new PutSecretValueCommand({
          SecretId,
          ClientRequestToken: version,
          SecretString: value,
          VersionStages: [label],
        }),
      );
      return 'written';
    } catch (error) {
      if (error instanceof ResourceExistsException) return 'taken';
      throw error;
    }
  }

  async function moveLabel(label: string, { from, to }: LabelMove) {
    try {
      await secretsManager.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: label,
          RemoveFromVersionId: from,
          MoveToVersionId: to,
        }),
      );
      return 'moved';
    } catch (error) {
      const holder = holderOf(label, await describe());
      if (holder === to) return 'moved';
      if (holder === from) throw error;
      return 'lost';
    }
  }

  return {
    id: secretId,
    describe,
    find,
    put,
    moveLabel,

    read: (label, version) => readSecret(secretsManager, secretId, label, version),

    async current() {
      const found = await getValue(secretsManager, { SecretId, VersionStage: 'AWSCURRENT' });
      const { VersionId: version, SecretString: value } = found ?? {};
      return version === undefined || value === undefined ? undefined : { version, value };
    },

    async create(value, { description, tags = {} }) {
      const version = randomUUID();
      try {
        await secretsManager.send(
          new CreateSecretCommand({
            Name: secretId,
            ClientRequestToken: version,
            Description: description,
            SecretString: value,
            Tags: tagListOf(tags),
          }),
        );
        return 'created';
      } catch (error) {
        const isExisting = error instanceof ResourceExistsException;
        if (!isExisting && !(error instanceof InvalidRequestException)) throw error;
        if ((await find())?.isDeleted) return 'deleted';
        if (isExisting) return 'taken';
        throw error;
      }
    },

    async replace(value, expected) {
      const version = randomUUID();
      await put(value, { version, label: REPLACEMENT });
      try {
        const outcome = await moveLabel('AWSCURRENT', { from: expected, to: version });
        return outcome === 'moved' ? 'replaced' : 'lost';
      } finally {
        // Without a label, what did not become current goes.
        await moveLabel(REPLACEMENT, { from: version });
      }
    },

    async abandonRotation() {
      const version = pendingVersion(await describe());
      if (version !== undefined) await moveLabel('AWSPENDING', { from: version });
    },

    async rotateEvery(days, functionArn) {
      const { isRotationEnabled, schedule } = await describe();
      const isSame = schedule?.days === days && schedule.functionArn === functionArn;
      if (isRotationEnabled && isSame) return;
      await secretsManager.send(
        new RotateSecretCommand({
          SecretId,
          RotationLambdaARN: functionArn,
          RotationRules: { AutomaticallyAfterDays: days },
          RotateImmediately: false,
        }),
      );
    },

    async rotateNow() {
      const version = randomUUID();
      await secretsManager.send(new RotateSecretCommand({ SecretId, ClientRequestToken: version }));
      return version;
    },

    async remove(recoveryDays) {
      try {
        await secretsManager.send(
          new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: recoveryDays }),
        );
        return 'removed';
      } catch (error) {
        const found = await find();
        if (found === undefined) return 'unknown';
        if (found.isDeleted) return 'removed';
        throw error;
      }
    },

    async restore() {
      await secretsManager.send(new RestoreSecretCommand({ SecretId }));
    },

    async tag(tags) {
      await secretsManager.send(new TagResourceCommand({ SecretId, Tags: tagListOf(tags) }));
    },
  };
}

/**
 * `Secret.read` alone, for functions that do nothing else with it: what they bundle is loaded at
 * each cold start.
 */
export async function readSecret(
  secretsManager: SecretsManagerClient,
  secretId: string,
  label = 'AWSCURRENT',
  version?: string,
): Promise<string | undefined> {
  const found = await getValue(secretsManager, {
    SecretId: secretId,
    VersionStage: label,
    VersionId: version,
  });
  return found?.SecretString;
}

function getValue(
  secretsManager: SecretsManagerClient,
  input: GetSecretValueCommandInput,
): Promise<GetSecretValueCommandOutput | undefined> {
  return unlessAbsent(secretsManager.send(new GetSecretValueCommand(input)));
}

async function unlessAbsent<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

function tagListOf(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
