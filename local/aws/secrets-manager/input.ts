import { invalidParameter, invalidRequest, SecretsManagerError } from './errors.ts';

/** The members of a request body, as parsed from JSON and not yet checked. */
export type Members = Readonly<Record<string, unknown>>;

/** An answer: what JSON.stringify puts on the wire, members that are undefined left out. */
export type Answer = Record<string, unknown>;

/** One operation: the members of a request in, the answer out. It throws a SecretsManagerError. */
export type Operation = (members: Members) => Answer;

export type SecretValue =
  | { readonly secretString: string }
  | { readonly secretBinary: string /* base64 */ };

interface Limits {
  readonly min?: number;
  readonly max?: number;
}

const MAXIMUM_VALUE_BYTES = 65_536;

/** `-/_+=.@` are for everyone, `!` only for secrets that AWS services manage. */
const SECRET_ID = /^[A-Za-z0-9/_+=.@!-]+$/;
const NEW_NAME = /^[A-Za-z0-9/_+=.@-]+$/;

function wireName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** A constraint of the service's model that a member breaks. The member's value is left out. */
export function constraintBroken(name: string, constraint: string): SecretsManagerError {
  return new SecretsManagerError(
    'ValidationException',
    `1 validation error detected: Value at '${wireName(name)}' failed to satisfy constraint: ${constraint}`,
  );
}

function wrongType(name: string, expected: string): SecretsManagerError {
  return new SecretsManagerError('SerializationException', `${name} must be ${expected}`);
}

function assertLimits(name: string, size: number, { min, max }: Limits, what: string): void {
  if (min !== undefined && size < min) {
    throw constraintBroken(name, `Member must have ${what} greater than or equal to ${min}`);
  }
  if (max !== undefined && size > max) {
    throw constraintBroken(name, `Member must have ${what} less than or equal to ${max}`);
  }
}

export function readText(members: Members, name: string, limits: Limits = {}): string | undefined {
  const value = members[name];
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== 'string') {
    throw wrongType(name, 'a string');
  }
  assertLimits(name, value.length, limits, 'length');
  return value;
}

export function readRequiredText(members: Members, name: string, limits: Limits = {}): string {
  const value = readText(members, name, limits);
  if (value === undefined) {
    throw constraintBroken(name, 'Member must not be null');
  }
  return value;
}

export function readInteger(
  members: Members,
  name: string,
  limits: Limits = {},
): number | undefined {
  const value = members[name];
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw wrongType(name, 'an integer');
  }
  assertLimits(name, value, limits, 'value');
  return value;
}

export function readBoolean(members: Members, name: string): boolean | undefined {
  const value = members[name];
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== 'boolean') {
    throw wrongType(name, 'a boolean');
  }
  return value;
}

export function readList(
  members: Members,
  name: string,
  limits: Limits = {},
): readonly unknown[] | undefined {
  const value = members[name];
  if (value === undefined || value === null) {
    return undefined;
  }
  if (!Array.isArray(value)) {
    throw wrongType(name, 'a list');
  }
  assertLimits(name, value.length, limits, 'length');
  return value;
}

export function readTextList(
  members: Members,
  name: string,
  limits: Limits = {},
  itemLimits: Limits = {},
): readonly string[] | undefined {
  return readList(members, name, limits)?.map((item) => {
    if (typeof item !== 'string') {
      throw wrongType(name, 'a list of strings');
    }
    assertLimits(name, item.length, itemLimits, 'length');
    return item;
  });
}

export function readStructure(value: unknown, name: string): Members | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw wrongType(name, 'a structure');
  }
  return value as Members;
}

function assertNameMatches(name: string, pattern: RegExp): void {
  if (!pattern.test(name)) {
    throw new SecretsManagerError(
      'ValidationException',
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  }
}

/** The name, the ARN or the partial ARN that a request is about. */
export function readSecretId(members: Members): string {
  const secretId = readRequiredText(members, 'SecretId', { min: 1, max: 2048 });
  if (!secretId.startsWith('arn:')) {
    assertNameMatches(secretId, SECRET_ID);
  }
  return secretId;
}

export function readNewName(members: Members): string {
  const name = readRequiredText(members, 'Name', { min: 1, max: 512 });
  assertNameMatches(name, NEW_NAME);
  return name;
}

/** The SDKs fill in this token. A raw request has to bring one, because it becomes the version's id. */
export function readClientRequestToken(members: Members): string {
  const token = readText(members, 'ClientRequestToken');
  if (token === undefined) {
    throw invalidRequest(
      'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
    );
  }
  if (token.length < 32 || token.length > 64) {
    throw invalidParameter('ClientRequestToken must be 32-64 characters long.');
  }
  return token;
}

function readBinary(members: Members): string | undefined {
  const encoded = readText(members, 'SecretBinary');
  if (encoded === undefined) {
    return undefined;
  }
  const decoded = Buffer.from(encoded, 'base64');
  if (decoded.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) {
    throw wrongType('SecretBinary', 'base64');
  }
  assertLimits('SecretBinary', decoded.length, { max: MAXIMUM_VALUE_BYTES }, 'length');
  return decoded.toString('base64');
}

/** The value in a request. An empty one counts as absent, as it does for Secrets Manager. */
export function readSecretValue(members: Members): SecretValue | undefined {
  const secretString = readText(members, 'SecretString');
  const secretBinary = readBinary(members);
  if (secretString && secretBinary) {
    throw invalidParameter(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (secretString) {
    const bytes = Buffer.byteLength(secretString);
    assertLimits('SecretString', bytes, { max: MAXIMUM_VALUE_BYTES }, 'length');
    return { secretString };
  }
  return secretBinary ? { secretBinary } : undefined;
}
