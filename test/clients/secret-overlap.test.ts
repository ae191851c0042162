import { describe, expect, it } from 'vitest';
import { clientSecretId } from '../../lib/clients/client-secret.ts';
import {
  replaced,
  withEnd,
  withoutSecret,
  withSuccessor,
} from '../../lib/clients/secret-overlap.ts';
import type { ClientSecret, SecretHash } from '../../lib/oauth/client.ts';
import { RefusedError } from '../../lib/runtime/refused-error.ts';

const NOW = 1_000_000;
const hash = (name: string) => name as SecretHash;
const secret = (name: string, expiresAt?: number): ClientSecret => ({
  hash: hash(name),
  createdAt: 1,
  ...(expiresAt !== undefined && { expiresAt }),
});
const fresh = { hash: hash('new'), now: NOW };
const added = { hash: 'new', createdAt: NOW };

describe('a successor', () => {
  it.each([
    { name: 'is the first secret of a client without any', before: [], after: [added] },
    {
      name: 'gives the one before it its end',
      before: [secret('old')],
      after: [secret('old', NOW + 100), added],
    },
    {
      name: 'leaves the one before it an earlier end',
      before: [secret('old', NOW + 5)],
      after: [secret('old', NOW + 5), added],
    },
    {
      name: 'shortens a later end',
      before: [secret('old', NOW + 500)],
      after: [secret('old', NOW + 100), added],
    },
    {
      name: 'takes the place of what has expired',
      before: [secret('gone', NOW), secret('old')],
      after: [secret('old', NOW + 100), added],
    },
    {
      name: 'is not added twice',
      before: [secret('old', NOW + 100), secret('new')],
      after: [secret('old', NOW + 100), secret('new')],
    },
  ])('$name', ({ before, after }) => {
    expect(withSuccessor(before, { ...fresh, overlap: 100 })).toEqual(after);
  });

  it('is refused while two are good, with the one to wait for and its end', () => {
    const two = [secret('older', NOW + 1), secret('old')];
    const add = () => withSuccessor(two, { ...fresh, overlap: 100 });
    expect(add).toThrow(RefusedError);
    expect(add).toThrow(
      `${clientSecretId(two[0] ?? fresh)}, the oldest, ends at 1970-01-12T13:46:41Z`,
    );
    expect(add).toThrow(/retire-secret.*--now/);
  });

  it('can take the place of all at once', () => {
    expect(replaced([secret('a'), secret('b', NOW + 1)], fresh)).toEqual([added]);
    const done = [secret('new')];
    expect(replaced(done, fresh)).toBe(done);
  });
});

describe('an end', () => {
  it.each([
    { name: 'is given to a secret that has none', end: undefined, after: NOW },
    { name: 'comes forward', end: NOW + 1, after: NOW },
    { name: 'never moves back', end: NOW - 1, after: NOW - 1 },
  ])('$name', ({ end, after }) => {
    const others = secret('other');
    const [changed, other] = withEnd(
      [secret('chosen', end), others],
      (one) => one.hash === 'chosen',
      NOW,
    );
    expect(changed?.expiresAt).toBe(after);
    expect(other).toBe(others);
  });

  it('that changes nothing leaves the list as it is', () => {
    const secrets = [secret('chosen', NOW), secret('other')];
    expect(withEnd(secrets, ({ hash }) => hash === 'chosen', NOW)).toBe(secrets);
    expect(withEnd(secrets, () => false, 0)).toBe(secrets);
  });
});

describe('a secret that is retired', () => {
  const id = (name: string) => clientSecretId({ hash: hash(name) });
  const without = (secrets: ClientSecret[], name: string, force = false) =>
    withoutSecret(secrets, id(name), { now: NOW, force });

  it('is gone, and the others stay', () => {
    expect(without([secret('a'), secret('b', NOW + 1)], 'a')).toEqual([secret('b', NOW + 1)]);
  });

  it('may be gone already', () => {
    const secrets = [secret('a')];
    expect(without(secrets, 'b')).toBe(secrets);
  });

  it('is not the last that is good, unless that is what is wanted', () => {
    const secrets = [secret('a'), secret('expired', NOW)];
    expect(() => without(secrets, 'a')).toThrow(/is the last secret.*--force/);
    expect(without(secrets, 'a', true)).toEqual([secret('expired', NOW)]);
  });

  it('may be the last where it has expired anyway', () => {
    expect(without([secret('expired', NOW)], 'expired')).toEqual([]);
  });
});
