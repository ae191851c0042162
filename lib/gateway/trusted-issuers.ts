import {
  type AudienceRule,
  VERIFICATION_ALGORITHMS,
  type VerificationAlgorithm,
} from '../jwt/verifier.ts';
import { isSecureUrl } from '../runtime/secure-url.ts';

/** An issuer whose access tokens are accepted. */
export interface TrustedIssuer {
  /** Equal to `iss`, to the byte. */
  issuer: string;
  audience: AudienceRule;
  algorithms: readonly VerificationAlgorithm[];
  /** Whether the subjects of its tokens are in the `users` table. */
  hasUsers: boolean;
}

const DEFAULT_ALGORITHMS: readonly VerificationAlgorithm[] = ['RS256', 'ES256'];

const FIELDS = ['issuer', 'audience', 'clientIds', 'allowAnyAudience', 'algorithms', 'users'];

/**
 * Reads the JSON array of trusted issuers: `[{"issuer": "https://…", "audience": "x"}]`.
 *
 * @throws {SyntaxError} that names the entry, and nothing that stands in it
 */
export function parseTrustedIssuers(text: string): TrustedIssuer[] {
  const entries = parseArray(text);
  const issuers = entries.map((entry, index) => parseEntry(entry, `entry ${index + 1}`));
  if (issuers.length === 0) throw new SyntaxError('names no issuer');
  for (const [index, { issuer }] of issuers.entries()) {
    const earlier = issuers.findIndex((other) => other.issuer === issuer);
    if (earlier < index) throw new SyntaxError(`entry ${index + 1} repeats entry ${earlier + 1}`);
  }
  return issuers;
}

function parseArray(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError('is not JSON');
  }
  if (!Array.isArray(value)) throw new SyntaxError('is not a JSON array');
  return value;
}

function parseEntry(entry: unknown, name: string): TrustedIssuer {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new SyntaxError(`${name} is not an object`);
  }
  if (!Object.keys(entry).every((field) => FIELDS.includes(field))) {
    throw new SyntaxError(`${name} has a field other than ${FIELDS.join(', ')}`);
  }
  const {
    issuer,
    algorithms = DEFAULT_ALGORITHMS,
    users = true,
  } = entry as Record<string, unknown>;
  if (!isIssuer(issuer)) throw new SyntaxError(`${name} has no issuer that is an https URL`);
  if (!isTexts(algorithms) || !algorithms.every(isAlgorithm)) {
    throw new SyntaxError(
      `${name} has algorithms other than ${VERIFICATION_ALGORITHMS.join(', ')}`,
    );
  }
  if (typeof users !== 'boolean') throw new SyntaxError(`${name} has users that is no boolean`);
  return { issuer, audience: parseAudience(entry, name), algorithms, hasUsers: users };
}

function parseAudience(entry: object, name: string): AudienceRule {
  const { audience, clientIds, allowAnyAudience } = entry as Record<string, unknown>;
  const given = [audience, clientIds, allowAnyAudience].filter((field) => field !== undefined);
  if (given.length !== 1) {
    throw new SyntaxError(`${name} needs one of audience, clientIds and allowAnyAudience`);
  }
  if (allowAnyAudience === true) return { kind: 'none' };
  const audiences = typeof audience === 'string' ? [audience] : audience;
  if (isTexts(audiences)) return { kind: 'audience', anyOf: audiences };
  if (isTexts(clientIds)) return { kind: 'client-ids', anyOf: clientIds };
  throw new SyntaxError(`${name} has a malformed audience, clientIds or allowAnyAudience`);
}

/** RFC 8414 section 2: no query and no fragment. A slash at the end is part of the identifier. */
function isIssuer(value: unknown): value is string {
  if (typeof value !== 'string' || /[?#\s]/.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return isSecureUrl(url) && url.username === '' && url.password === '';
}

function isTexts(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((text) => typeof text === 'string' && text !== '')
  );
}

function isAlgorithm(text: string): text is VerificationAlgorithm {
  return (VERIFICATION_ALGORITHMS as readonly string[]).includes(text);
}
