import { randomInt } from 'node:crypto';
import { invalidParameter } from './errors.ts';
import { type Answer, type Members, readBoolean, readInteger, readText } from './input.ts';

const CHARACTER_TYPES = [
  { excludedBy: 'ExcludeLowercase', characters: 'abcdefghijklmnopqrstuvwxyz' },
  { excludedBy: 'ExcludeUppercase', characters: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' },
  { excludedBy: 'ExcludeNumbers', characters: '0123456789' },
  { excludedBy: 'ExcludePunctuation', characters: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~' },
];

function pick(characters: string): string {
  return characters.charAt(randomInt(characters.length));
}

/** GetRandomPassword: 32 characters with at least one of every type, unless asked otherwise. */
export function getRandomPassword(members: Members): Answer {
  const length = readInteger(members, 'PasswordLength', { min: 1, max: 4096 }) ?? 32;
  const excluded = new Set(readText(members, 'ExcludeCharacters', { max: 4096 }) ?? '');
  const requiresEach = readBoolean(members, 'RequireEachIncludedType') ?? true;
  const types = CHARACTER_TYPES.filter((type) => !readBoolean(members, type.excludedBy)).map(
    (type) => [...type.characters].filter((character) => !excluded.has(character)).join(''),
  );
  const space = readBoolean(members, 'IncludeSpace') && !excluded.has(' ') ? ' ' : '';
  const alphabet = types.join('') + space;
  if (alphabet === '' || (requiresEach && types.includes(''))) {
    throw invalidParameter('The exclusions leave no characters of a required type.');
  }
  if (requiresEach && length < types.length) {
    throw invalidParameter('Password length is too short based on the required types.');
  }
  const characters = requiresEach ? types.map(pick) : [];
  while (characters.length < length) {
    // A random place for each keeps the required characters from standing at the front.
    characters.splice(randomInt(characters.length + 1), 0, pick(alphabet));
  }
  return { RandomPassword: characters.join('') };
}
