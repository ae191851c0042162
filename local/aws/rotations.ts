import {
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import type { RotationDefinition } from './definitions.ts';
import type { RotationCall } from './secrets-manager/rotation.ts';

const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:';

/** Puts the secrets on the schedules that serverless.yml defines, as CloudFormation would. */
export async function scheduleRotations(
  endpoint: string,
  rotations: readonly RotationDefinition[],
): Promise<void> {
  const client = new SecretsManagerClient({ endpoint, ...LOCAL_CREDENTIALS });
  try {
    for (const { secretName, functionName, days } of rotations) {
      const { RotationEnabled } = await client.send(
        new DescribeSecretCommand({ SecretId: secretName }),
      );
      if (RotationEnabled) continue;
      await client.send(
        new RotateSecretCommand({
          SecretId: secretName,
          RotationLambdaARN: `${FUNCTION_ARN}${functionName}`,
          RotationRules: { AutomaticallyAfterDays: days },
          RotateImmediately: false,
        }),
      );
    }
  } finally {
    client.destroy();
  }
}

/**
 * Calls a rotation function as Secrets Manager does, over the Lambda API of serverless-offline.
 *
 * @param lambdaEndpoint resolves when the functions are up
 */
export function createRotate(
  lambdaEndpoint: Promise<string>,
): (call: RotationCall) => Promise<void> {
  return async ({ functionArn, event }) => {
    const name = functionArn.split(':').at(-1);
    const url = `${await lambdaEndpoint}/2015-03-31/functions/${name}/invocations`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
    const answer = await response.text();
    // A function that succeeds returns nothing; what fails is an object that tells of the error.
    if (!response.ok || answer.includes('"errorMessage"')) {
      throw new Error(`${name} failed in ${event.Step}`);
    }
  };
}
