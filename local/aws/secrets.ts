import {
  CreateSecretCommand,
  GetRandomPasswordCommand,
  ResourceExistsException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import type { SecretDefinition } from './definitions.ts';

/** Makes the secrets that the local Secrets Manager lacks, as CloudFormation would. */
export async function createSecrets(
  endpoint: string,
  secrets: readonly SecretDefinition[],
): Promise<void> {
  const client = new SecretsManagerClient({ endpoint, ...LOCAL_CREDENTIALS });
  try {
    for (const { Name, GenerateSecretString } of secrets) {
      const generated =
        GenerateSecretString &&
        (await client.send(new GetRandomPasswordCommand(GenerateSecretString))).RandomPassword;
      await createSecret(client, Name, generated);
    }
  } finally {
    client.destroy();
  }
}

async function createSecret(
  client: SecretsManagerClient,
  name: string,
  value: string | undefined,
): Promise<void> {
  try {
    await client.send(
      new CreateSecretCommand({ Name: name, ...(value !== undefined && { SecretString: value }) }),
    );
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error;
  }
}
