import { describe, expect, it } from 'vitest';
import {
  clientSecretId,
  generateClientSecret,
  hashClientSecret,
  matchClientSecret,
  verifyClientSecret,
} from '../../lib/clients/client-secret.ts';
import type { Client } from '../../lib/oauth/client.ts';

const first = generateClientSecret();
const second = generateClientSecret();
const client = {
  secrets: [
    { hash: hashClientSecret(first), createdAt: 0, expiresAt: 1000 },
    { hash: hashClientSecret(second), createdAt: 500 },
  ],
} as unknown as Client;

describe('a client secret', () => {
  it('has 256 random bits and characters that need no escaping', () => {
    expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(first).not.toBe(second);
  });

  it.each([
    { name: 'is right while it overlaps its successor', secret: first, now: 999, isRight: true },
    { name: 'is wrong from the moment that it expires', secret: first, now: 1000, isRight: false },
    { name: 'is right without an end', secret: second, now: 10_000_000_000, isRight: true },
    { name: 'is wrong when it is another', secret: generateClientSecret(), now: 0, isRight: false },
    { name: 'is wrong when it is empty', secret: '', now: 0, isRight: false },
    {
      name: 'is wrong when it is the stored hash',
      secret: hashClientSecret(second),
      now: 0,
      isRight: false,
    },
  ])('$name', ({ secret, now, isRight }) => {
    expect(verifyClientSecret(client, secret, now)).toBe(isRight);
  });

  it('is wrong for a client that does not exist, or has none', () => {
    expect(verifyClientSecret(undefined, first, 0)).toBe(false);
    expect(verifyClientSecret({ ...client, secrets: [] }, first, 0)).toBe(false);
  });

  it('is found among those of its client', () => {
    expect(matchClientSecret(client, first, 999)).toBe(client.secrets[0]);
    expect(matchClientSecret(client, second, 999)).toBe(client.secrets[1]);
  });

  it('has an id that is always the same, and tells nothing of its hash', () => {
    const hash = hashClientSecret(first);
    const id = clientSecretId({ hash });
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(clientSecretId({ hash })).toBe(id);
    expect(clientSecretId({ hash: hashClientSecret(second) })).not.toBe(id);
    expect(Buffer.from(hash, 'base64url').toString('hex')).not.toContain(id);
  });
});
