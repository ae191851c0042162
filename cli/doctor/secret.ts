import type { Secret } from '../../lib/aws/secret.ts';
import {
  holderOf,
  pendingVersion,
  type SecretDescription,
} from '../../lib/aws/secret-description.ts';
import { keysetOf, MalformedKeysetError, publicJwk, signingKeysOf } from '../../lib/keys/keyset.ts';
import { dateTime } from '../report.ts';
import { type Finding, fail, ok, verdict, warn } from './finding.ts';
import type { PublishedKey } from './keys.ts';

export interface SecretPlace {
  secret: Pick<Secret, 'id' | 'find' | 'read'>;
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
      const problem = error instanceof MalformedKeysetError ? fail : warn;
      const words = place.explain(error);
      findings.push(problem(check, problem === fail ? words : `not looked at: ${words}`));
    }
  }
  return findings;
}

async function describe(place: SecretPlace): Promise<Finding[]> {
  const found = await place.secret.find();
  if (found === undefined) {
    return [fail('signing-keys secret', `there is no secret ${place.secret.id}`)];
  }
  return [checkVersions(found), checkRotation(found, place)];
}

function checkVersions(found: SecretDescription): Finding {
  return verdict(
    'signing-keys secret',
    [
      holderOf('AWSCURRENT', found) === undefined &&
        'it has no value: `latchkey keys create` makes the first keys',
      pendingVersion(found) !== undefined &&
        'a version is AWSPENDING: a rotation is under way, or stopped half-way; look again in a few minutes',
    ],
    'AWSCURRENT, and nothing pending',
  );
}

function checkRotation(
  { isRotationEnabled, nextRotation }: SecretDescription,
  { isLocal, now }: SecretPlace,
): Finding {
  if (!isRotationEnabled) {
    const finding = isLocal ? warn : fail;
    return finding('rotation', 'it is switched off: the keys stay as they are');
  }
  if (nextRotation === undefined) {
    return fail('rotation', 'it is switched on, but has no next date');
  }
  const date = dateTime(nextRotation);
  if (nextRotation < now) return fail('rotation', `it was due ${date} and has not been done`);
  return ok('rotation', `next by ${date}`);
}

/** Each key that signs, or will, has to be among those that verifiers can fetch. */
async function comparePublished(
  { secret }: SecretPlace,
  published: readonly PublishedKey[],
): Promise<Finding[]> {
  const keyset = keysetOf(await secret.read());
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
