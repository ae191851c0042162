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
  RotateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { RefusedError } from '../runtime/refused-error.ts';

/** The secrets of Secrets Manager that services read their credentials from. */
export interface ServiceSecretStore {
  /** The current value; undefined where there is none, or it is about to be deleted. */
  read(name: string): Promise<string | undefined>;
  /** Makes the secret, unless there is one with a value. Of two that make one at once, one succeeds. */
  establish(name: string, value: string): Promise<{ arn: string; value: string }>;
  /**
   * Makes the secret with the value; where there is one, even one about to be deleted, keeps the value beside the
   * current one, until it is chosen.
   */
  propose(name: string, key: string, value: string): Promise<void>;
  /**
   * Makes that proposed value current that has one of the keys, and gives up a rotation that has begun with another.
   * Does nothing where there is none, or the secret is about to be deleted.
   */
  choose(name: string, keys: readonly string[]): Promise<void>;
  /** Forgets what was proposed and not chosen. */
  tidyUp(name: string): Promise<{ arn: string }>;
  /** Has the function rotate the secret every so many days, beginning so many days from now. */
  rotateEvery(name: string, days: number, functionArn: string): Promise<void>;
  /** @throws {RefusedError} where nothing rotates the secret */
  rotateNow(name: string): Promise<void>;
  /** Deletes the secret; for `RECOVERY_DAYS` it can be restored. Does nothing where there is none. */
  remove(name: string): Promise<void>;
}

export const RECOVERY_DAYS = 30;

/** With its key: the label of a value that was proposed. */
const PROPOSED = 'LATCHKEY_PROPOSED_';

const DESCRIPTION = 'The credentials of a client of Latchkey, as its service reads them.';

export function createServiceSecretStore(secretsManager: SecretsManagerClient): ServiceSecretStore {
  async function read(name: string): Promise<string | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' });
      return (await secretsManager.send(command)).SecretString;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async function fill(name: string, value: string): Promise<void> {
    await secretsManager.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));
  }

  const describe = (name: string) =>
    secretsManager.send(new DescribeSecretCommand({ SecretId: name }));

  /** The ARN; undefined where there is such a secret already. */
  async function create(name: string, value: string): Promise<string | undefined> {
    try {
      const command = new CreateSecretCommand({
        Name: name,
        Description: DESCRIPTION,
        SecretString: value,
      });
      return (await secretsManager.send(command)).ARN ?? name;
    } catch (error) {
      if (error instanceof ResourceExistsException || isToBeDeleted(error)) return undefined;
      throw error;
    }
  }

  return {
    read,

    async establish(name, value) {
      const arn = await create(name, value);
      if (arn !== undefined) return { arn, value };
      const { ARN = name, DeletedDate } = await describe(name);
      if (DeletedDate !== undefined) {
        await secretsManager.send(new RestoreSecretCommand({ SecretId: name }));
        // Nobody is to go on with what a removed client had.
        await fill(name, value);
      }
      if ((await read(name)) === undefined) await fill(name, value);
      return { arn: ARN, value: (await read(name)) ?? value };
    },

    async propose(name, key, value) {
      if ((await create(name, value)) !== undefined) return;
      if ((await describe(name)).DeletedDate !== undefined) {
        await secretsManager.send(new RestoreSecretCommand({ SecretId: name }));
      }
      await secretsManager.send(
        new PutSecretValueCommand({
          SecretId: name,
          SecretString: value,
          VersionStages: [PROPOSED + key],
        }),
      );
    },

    async choose(name, keys) {
      const found = await describe(name).catch((error) => {
        if (isAbsent(error)) return undefined;
        throw error;
      });
      if (found === undefined || found.DeletedDate !== undefined) return;
      const { VersionIdsToStages: versions } = found;
      const [chosen] = keys.flatMap((key) => versionWith(PROPOSED + key, versions) ?? []);
      const current = versionWith('AWSCURRENT', versions);
      if (chosen === undefined || chosen === current) return;
      await abandonRotation(secretsManager, name);
      try {
        await secretsManager.send(
          new UpdateSecretVersionStageCommand({
            SecretId: name,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: chosen,
            ...(current !== undefined && { RemoveFromVersionId: current }),
          }),
        );
      } catch (error) {
        const { VersionIdsToStages } = await describe(name);
        if (versionWith('AWSCURRENT', VersionIdsToStages) !== chosen) throw error;
      }
    },

    async tidyUp(name) {
      const { ARN = name, VersionIdsToStages } = await describe(name);
      const labels = Object.values(VersionIdsToStages ?? {}).flat();
      for (const label of labels.filter((one) => one.startsWith(PROPOSED))) {
        await takeOff(secretsManager, name, label);
      }
      return { arn: ARN };
    },

    async rotateEvery(name, days, functionArn) {
      const { RotationEnabled, RotationLambdaARN, RotationRules } = await describe(name);
      const isSame =
        RotationLambdaARN === functionArn && RotationRules?.AutomaticallyAfterDays === days;
      if (RotationEnabled && isSame) return;
      await secretsManager.send(
        new RotateSecretCommand({
          SecretId: name,
          RotationLambdaARN: functionArn,
          RotationRules: { AutomaticallyAfterDays: days },
          RotateImmediately: false,
        }),
      );
    },

    async rotateNow(name) {
      const { RotationEnabled } = await describe(name);
      if (!RotationEnabled) {
        throw new RefusedError(
          `nothing rotates the secret ${name}: repeat \`client add-service\` without --no-rotation`,
        );
      }
      await secretsManager.send(new RotateSecretCommand({ SecretId: name }));
    },

    async remove(name) {
      try {
        await secretsManager.send(
          new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: RECOVERY_DAYS }),
        );
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    },
  };
}

/**
 * Gives up a rotation that has not come to its end: what it has prepared does not become current. The next one
 * begins anew.
 */
export async function abandonRotation(
  secretsManager: SecretsManagerClient,
  name: string,
): Promise<void> {
  await takeOff(secretsManager, name, 'AWSPENDING');
}

/** Takes a label off the version that has it; a current one is pending no longer, and stays as it is. */
async function takeOff(
  secretsManager: SecretsManagerClient,
  name: string,
  label: string,
): Promise<void> {
  const holder = async () => {
    const { VersionIdsToStages } = await secretsManager.send(
      new DescribeSecretCommand({ SecretId: name }),
    );
    const version = versionWith(label, VersionIdsToStages);
    const isCurrent = version === versionWith('AWSCURRENT', VersionIdsToStages);
    return isCurrent && label === 'AWSPENDING' ? undefined : version;
  };
  const version = await holder();
  if (version === undefined) return;
  try {
    await secretsManager.send(
      new UpdateSecretVersionStageCommand({
        SecretId: name,
        VersionStage: label,
        RemoveFromVersionId: version,
      }),
    );
  } catch (error) {
    if ((await holder()) === version) throw error;
  }
}

function versionWith(
  label: string,
  versions: Readonly<Record<string, readonly string[]>> = {},
): string | undefined {
  return Object.keys(versions).find((version) => versions[version]?.includes(label));
}

function isAbsent(error: unknown): boolean {
  return error instanceof ResourceNotFoundException || isToBeDeleted(error);
}

/** What Secrets Manager says of a secret until its recovery window is over; it has no error of its own for that. */
function isToBeDeleted(error: unknown): boolean {
  return error instanceof InvalidRequestException && /delet/i.test(error.message);
}
