import type { DescribeSecretCommandOutput } from '@aws-sdk/client-secrets-manager';

/** What Secrets Manager tells of a secret, its values apart. */
export interface SecretDescription {
  name: string;
  arn: string;
  isRotationEnabled: boolean;
  /** Days between two rotations, and the ARN of what does them; undefined where nothing ever did. */
  schedule: { days: number | undefined; functionArn: string } | undefined;
  /** Seconds since the epoch; undefined where rotation is switched off. */
  nextRotation: number | undefined;
  /** Version -> its staging labels. */
  versions: Readonly<Record<string, readonly string[]>>;
  tags: Readonly<Record<string, string>>;
  /** It is scheduled for deletion: it can be restored, and until then not be read or written. */
  isDeleted: boolean;
}

export function descriptionOf(answer: DescribeSecretCommandOutput): SecretDescription {
  const { Name = '', ARN = '', Tags = [], RotationRules, NextRotationDate } = answer;
  return {
    name: Name,
    arn: ARN,
    isRotationEnabled: answer.RotationEnabled === true,
    schedule:
      answer.RotationLambdaARN === undefined
        ? undefined
        : { days: RotationRules?.AutomaticallyAfterDays, functionArn: answer.RotationLambdaARN },
    nextRotation: NextRotationDate && Math.floor(NextRotationDate.getTime() / 1000),
    versions: answer.VersionIdsToStages ?? {},
    tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
    isDeleted: answer.DeletedDate !== undefined,
  };
}

/** The version that has the label. */
export function holderOf(
  label: string,
  { versions }: Pick<SecretDescription, 'versions'>,
): string | undefined {
  return Object.keys(versions).find((version) => versions[version]?.includes(label));
}

/** The version of a rotation that has not come to its end: a current one is pending no longer. */
export function pendingVersion(
  description: Pick<SecretDescription, 'versions'>,
): string | undefined {
  const version = holderOf('AWSPENDING', description);
  return version === holderOf('AWSCURRENT', description) ? undefined : version;
}
