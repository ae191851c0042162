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
} from '@aws-sdk/client-secrets-manager';
import { RefusedError } from '../refused-error.ts';

/** The secrets of Secrets Manager that services read their credentials from. */
export interface ServiceSecretStore {
  /** The current value; undefined where there is none, or it is about to be deleted. */
  read(name: string): Promise<string | undefined>;
  /** Makes the secret, unless there is one with a value. Of two that make one at once, one succeeds. */
  establish(name: string, value: string): Promise<{ arn: string; value: string }>;
  /** Has the function rotate the secret every so many days, beginning so many days from now. */
  rotateEvery(name: string, days: number, functionArn: string): Promise<void>;
  /** @throws {RefusedError} where nothing rotates the secret */
  rotateNow(name: string): Promise<void>;
  /** Deletes the secret; for `RECOVERY_DAYS` it can be restored. Does nothing where there is none. */
  remove(name: string): Promise<void>;
}

export const RECOVERY_DAYS = 30;

const DESCRIPTION = 'The credentials of a client of Latchkey, as its service reads them.';

export function createServiceSecretStore(secretsManager: SecretsManagerClient): ServiceSecretStore {
  async function read(name: string): Promise<string | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId: name });
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

  return {
    read,

    async establish(name, value) {
      try {
        const command = new CreateSecretCommand({
          Name: name,
          Description: DESCRIPTION,
          SecretString: value,
        });
        return { arn: (await secretsManager.send(command)).ARN ?? name, value };
      } catch (error) {
        if (!(error instanceof ResourceExistsException) && !isToBeDeleted(error)) throw error;
      }
      const { ARN = name, DeletedDate } = await describe(name);
      if (DeletedDate !== undefined) {
        await secretsManager.send(new RestoreSecretCommand({ SecretId: name }));
        // Nobody is to go on with what a removed client had.
        await fill(name, value);
      }
      if ((await read(name)) === undefined) await fill(name, value);
      return { arn: ARN, value: (await read(name)) ?? value };
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

function isAbsent(error: unknown): boolean {
  return error instanceof ResourceNotFoundException || isToBeDeleted(error);
}

/** What Secrets Manager says of a secret until its recovery window is over; it has no error of its own for that. */
function isToBeDeleted(error: unknown): boolean {
  return error instanceof InvalidRequestException && /delet/i.test(error.message);
}
