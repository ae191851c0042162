import { invalidParameter, SecretsManagerError } from './errors.ts';
import {
  constraintBroken,
  type Members,
  readInteger,
  readList,
  readRequiredText,
  readStructure,
  readText,
  readTextList,
} from './input.ts';
import type { Secret } from './secret.ts';

type Matcher = (secret: Secret, value: string) => boolean;

function words(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}

/** Every word of the value begins some word of the texts, whatever the case. */
function matchesWords(value: string, texts: readonly string[]): boolean {
  const candidates = texts.flatMap(words);
  const wanted = words(value);
  return (
    wanted.length > 0 &&
    wanted.every((word) => candidates.some((candidate) => candidate.startsWith(word)))
  );
}

function tagTexts(secret: Secret): string[] {
  return secret.tags.flatMap((tag) => [tag.Key, tag.Value]);
}

const MATCHERS: ReadonlyMap<string, Matcher> = new Map<string, Matcher>([
  ['name', (secret, value) => secret.name.startsWith(value)],
  ['description', (secret, value) => matchesWords(value, [secret.description ?? ''])],
  ['tag-key', (secret, value) => secret.tags.some((tag) => tag.Key.startsWith(value))],
  ['tag-value', (secret, value) => secret.tags.some((tag) => tag.Value.startsWith(value))],
  // No secret here is a replica or belongs to a service.
  ['primary-region', () => false],
  ['owning-service', () => false],
  [
    'all',
    (secret, value) =>
      matchesWords(value, [secret.name, secret.description ?? '', ...tagTexts(secret)]),
  ],
]);

/**
 * Reads `Filters` into one test. A secret has to pass every filter, and passes one by any of its
 * values. A value that starts with `!` is passed by what does not match the rest of it.
 */
export function readFilters(members: Members): ((secret: Secret) => boolean) | undefined {
  const filters = readList(members, 'Filters', { max: 10 })?.map((item) => {
    const filter = readStructure(item, 'Filters') ?? {};
    const key = readText(filter, 'Key');
    if (key === undefined) {
      throw invalidParameter('Invalid filter key');
    }
    const matcher = MATCHERS.get(key);
    if (matcher === undefined) {
      throw constraintBroken(
        'Filters.member.key',
        `Member must satisfy enum value set: [${[...MATCHERS.keys()].join(', ')}]`,
      );
    }
    const values = readTextList(filter, 'Values', { min: 1, max: 10 }, { max: 512 });
    if (values === undefined) {
      throw invalidParameter(`Invalid filter values for key: ${key}`);
    }
    return { matcher, values };
  });
  if (filters === undefined) {
    return undefined;
  }
  return (secret) =>
    filters.every(({ matcher, values }) =>
      values.some((value) =>
        value.startsWith('!') ? !matcher(secret, value.slice(1)) : matcher(secret, value),
      ),
    );
}

/** One page of a list, by `MaxResults` and `NextToken`. */
export function readPage<Item>(
  members: Members,
  items: readonly Item[],
  maximum = 100,
): { page: Item[]; nextToken: string | undefined } {
  const size = readInteger(members, 'MaxResults', { min: 1, max: maximum }) ?? maximum;
  const token = readText(members, 'NextToken', { min: 1, max: 4096 });
  const decoded = token === undefined ? '0' : Buffer.from(token, 'base64url').toString();
  if (!/^\d{1,9}$/.test(decoded)) {
    throw new SecretsManagerError('InvalidNextTokenException', 'Invalid NextToken');
  }
  const start = Number(decoded);
  const end = start + size;
  return {
    page: items.slice(start, end),
    nextToken: end < items.length ? Buffer.from(String(end)).toString('base64url') : undefined,
  };
}

/** Reads `Tags` or throws: at most 50, keys of 1 to 128 characters that do not begin with `aws:`. */
export function readTags(members: Members): { Key: string; Value: string }[] {
  return (readList(members, 'Tags', { max: 50 }) ?? []).map((item) => {
    const tag = readStructure(item, 'Tags') ?? {};
    const key = readRequiredText(tag, 'Key', { min: 1, max: 128 });
    if (key.toLowerCase().startsWith('aws:')) {
      throw invalidParameter('Tag keys that begin with aws: are reserved.');
    }
    return { Key: key, Value: readText(tag, 'Value', { max: 256 }) ?? '' };
  });
}
