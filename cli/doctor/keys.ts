import { SIGNING_ALGORITHMS } from '../../lib/oauth/resource-server.ts';
import { type Finding, verdict } from './finding.ts';

/** A key of a JWKS, whatever it is worth. */
export type PublishedKey = Readonly<Record<string, unknown>>;

/** RFC 7517 section 4 and RFC 7518 section 6: the members that are no secret. */
const PUBLIC_MEMBERS = new Set([
  ...['kty', 'use', 'key_ops', 'alg', 'kid', 'n', 'e', 'crv', 'x', 'y'],
  ...['x5u', 'x5c', 'x5t', 'x5t#S256'],
]);

/** The only ones that IAM verifies. */
const IAM_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];
/** Of each type of key; past that IAM takes no token of that type. */
const IAM_LARGEST_NUMBER = 100;

/** Whether verifiers and IAM can do with the keys of a JWKS, now and after the next rotation. */
export function checkKeys(keys: readonly PublishedKey[]): Finding[] {
  return [
    verdict('key ids', [keyIdProblem(keys)], `${keys.length} keys, each with kid, use and alg`),
    verdict('public keys', keys.map(privateProblem), 'no private member'),
    ...SIGNING_ALGORITHMS.map((algorithm) => {
      const count = withAlgorithm(keys, algorithm).length;
      return verdict(
        `${algorithm} keys`,
        [count < 2 && `${count} of at least 2: the current and the next`],
        `${count}, so the next is known before it signs`,
      );
    }),
    verdict('keys for IAM', [iamProblem(keys)], 'RS256, and no more keys than it reads'),
  ];
}

function keyIdProblem(keys: readonly PublishedKey[]): string | undefined {
  const kids = keys.map(({ kid }) => kid);
  for (const [index, { kid, use, alg }] of keys.entries()) {
    const name = nameOf(keys[index], index);
    if (typeof kid !== 'string' || kid === '') return `${name} has no kid`;
    if (kids.indexOf(kid) !== index) return `two keys have the kid ${kid}`;
    if (use !== 'sig') return `${name} has no use "sig"`;
    if (typeof alg !== 'string') return `${name} has no alg`;
  }
  return undefined;
}

/** Names the member, never its value. */
function privateProblem(key: PublishedKey, index: number): string | undefined {
  const secret = Object.keys(key).find((member) => !PUBLIC_MEMBERS.has(member));
  if (secret === undefined) return undefined;
  return `${nameOf(key, index)} shows its member ${JSON.stringify(secret)}`;
}

function iamProblem(keys: readonly PublishedKey[]): string | undefined {
  if (withAlgorithm(keys, 'RS256').length === 0) return 'there is no RS256 key';
  for (const type of ['RSA', 'EC']) {
    const count = keys.filter(({ kty }) => kty === type).length;
    if (count > IAM_LARGEST_NUMBER) return `${count} ${type} keys, of which IAM takes 100`;
  }
  const other = keys.find(({ alg }) => !IAM_ALGORITHMS.includes(String(alg)));
  return other && `IAM does not verify ${JSON.stringify(other.alg)}`;
}

function withAlgorithm(keys: readonly PublishedKey[], algorithm: string): PublishedKey[] {
  return keys.filter(({ alg }) => alg === algorithm);
}

function nameOf(key: PublishedKey | undefined, index: number): string {
  return typeof key?.kid === 'string' ? `the key ${key.kid}` : `the key at ${index}`;
}
