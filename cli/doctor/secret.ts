import {
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { MalformedKeysetError, publicJwk, signingKeysOf } from '../../lib/keys/keyset.ts';
import { readKeyset } from '../../lib/keys/keyset-store.ts';
import { dateTime } from '../report.ts';
import { type Finding, fail, ok, verdict, warn } from './finding.ts';
import type { PublishedKey } from './keys.ts';

export interface SecretPlace {
  secretsManager: SecretsManagerClient;
  secretId: string;
  /** The local stack may be run without a schedule. */
  isLocal: boolean;
  /** Why AWS refused something, in words. */
  explain: (error: unknown) => string;
  /** Seconds since the epoch. */
  now: number;
}

/** Looks at the secret that holds the signing keys. What may not be looked at is a warning. */
export async function examineSecret(
  place: SecretPlace,
  published: readonly PublishedKey[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [check, look] of [
    ['signing-keys secret', () => describe(place)],
    ['published halves', () => comparePublished(place, published)],
  ] as const) {
    try {
      findings.push(...(await look()));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) {
        return [fail('signing-keys secret', `there is no secret ${place.secretId}`)];
      }
      const problem = error instanceof MalformedKeysetError ? fail : warn;
      const words = place.explain(error);
      findings.push(problem(check, problem === fail ? words : `not looked at: ${words}`));
    }
  }
  return findings;
}

async function describe(place: SecretPlace): Promise<Finding[]> {
  const command = new DescribeSecretCommand({ SecretId: place.secretId });
  const secret = await place.secretsManager.send(command);
  return [checkVersions(secret), checkRotation(secret, place)];
}

function checkVersions({ VersionIdsToStages = {} }: DescribeSecretCommandOutput): Finding {
  const versions = Object.values(VersionIdsToStages);
  const isStray = (stages: string[]) =>
    stages.includes('AWSPENDING') && !stages.includes('AWSCURRENT');
  return verdict(
    'signing-keys secret',
    [
      !versions.some((stages) => stages.includes('AWSCURRENT')) &&
        'it has no value: `latchkey keys create` makes the first keys',
      versions.some(isStray) &&
        'a version is AWSPENDING: a rotation is under way, or stopped half-way; look again in a few minutes',
    ],
    'AWSCURRENT, and nothing pending',
  );
}

function checkRotation(
  secret: DescribeSecretCommandOutput,
  { isLocal, now }: SecretPlace,
): Finding {
  if (!secret.RotationEnabled) {
    const finding = isLocal ? warn : fail;
    return finding('rotation', 'it is switched off: the keys stay as they are');
  }
  const next = secret.NextRotationDate && Math.floor(secret.NextRotationDate.getTime() / 1000);
  if (next === undefined) return fail('rotation', 'it is switched on, but has no next date');
  if (next < now) return fail('rotation', `it was due ${dateTime(next)} and has not been done`);
  return ok('rotation', `next by ${dateTime(next)}`);
}

/** Each key that signs, or will, has to be among those that verifiers can fetch. */
async function comparePublished(
  { secretsManager, secretId }: SecretPlace,
  published: readonly PublishedKey[],
): Promise<Finding[]> {
  const keyset = await readKeyset(secretsManager, secretId);
  if (keyset === undefined) return [];
  const missing = signingKeysOf(keyset).filter((key) => {
    const expected = Object.entries(publicJwk(key));
    return !published.some((one) => expected.every(([member, value]) => one[member] === value));
  });
  const [first] = missing;
  return [
    verdict(
      'published halves',
      [first && `${missing.length} missing from the JWKS, as ${first.algorithm} ${first.kid}`],
      'current and next of every algorithm are in the JWKS',
    ),
  ];
}
