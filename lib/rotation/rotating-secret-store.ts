import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  RotateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { holderOf, type RotatingSecret, type SecretDescription } from './steps.ts';

/** A version is prepared under this label, and then made the current one. */
const REPLACEMENT = 'LATCHKEY_REPLACEMENT';

/** One secret of Secrets Manager, as its rotation sees it. */
export function createRotatingSecret(
  secretsManager: SecretsManagerClient,
  secretId: string,
): RotatingSecret {
  async function describe(): Promise<SecretDescription> {
    const { Name, RotationEnabled, VersionIdsToStages } = await secretsManager.send(
      new DescribeSecretCommand({ SecretId: secretId }),
    );
    return {
      name: Name ?? '',
      isRotationEnabled: RotationEnabled === true,
      versions: VersionIdsToStages ?? {},
    };
  }

  /** Fails where `from` is not the current version any more. */
  async function moveCurrent(to: string, from: string | undefined): Promise<void> {
    await secretsManager.send(
      new UpdateSecretVersionStageCommand({
        SecretId: secretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: to,
        ...(from !== undefined && { RemoveFromVersionId: from }),
      }),
    );
  }

  return {
    describe,

    async read(label, version) {
      try {
        const { SecretString } = await secretsManager.send(
          new GetSecretValueCommand({
            SecretId: secretId,
            VersionStage: label,
            ...(version !== undefined && { VersionId: version }),
          }),
        );
        return SecretString;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },

    async stage(version, value) {
      try {
        await secretsManager.send(
          new PutSecretValueCommand({
            SecretId: secretId,
            ClientRequestToken: version,
            SecretString: value,
            VersionStages: ['AWSPENDING'],
          }),
        );
      } catch (error) {
        // Another run of the same step was faster. Its value is as good.
        if (!(error instanceof ResourceExistsException)) throw error;
      }
    },

    async promote(version, from) {
      try {
        await moveCurrent(version, from);
      } catch (error) {
        const { versions } = await describe();
        if (!versions[version]?.includes('AWSCURRENT')) throw error;
      }
    },

    async replace(value, expected) {
      const version = randomUUID();
      await secretsManager.send(
        new PutSecretValueCommand({
          SecretId: secretId,
          ClientRequestToken: version,
          SecretString: value,
          VersionStages: [REPLACEMENT],
        }),
      );
      try {
        await moveCurrent(version, expected);
      } catch (error) {
        const { versions } = await describe();
        if (holderOf('AWSCURRENT', { versions }) === expected) throw error;
        if (holderOf('AWSCURRENT', { versions }) !== version) return 'lost';
      } finally {
        // Without a label, what did not become current goes.
        await secretsManager.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretId,
            VersionStage: REPLACEMENT,
            RemoveFromVersionId: version,
          }),
        );
      }
      return 'replaced';
    },

    async unstage(version) {
      try {
        await secretsManager.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretId,
            VersionStage: 'AWSPENDING',
            RemoveFromVersionId: version,
          }),
        );
      } catch (error) {
        const { versions } = await describe();
        if (versions[version]?.includes('AWSPENDING')) throw error;
      }
    },
  };
}

/** Has Secrets Manager rotate a secret that has a schedule. @returns the version that the rotation makes */
export async function startRotation(
  secretsManager: SecretsManagerClient,
  secretId: string,
): Promise<string> {
  const version = randomUUID();
  await secretsManager.send(
    new RotateSecretCommand({ SecretId: secretId, ClientRequestToken: version }),
  );
  return version;
}
