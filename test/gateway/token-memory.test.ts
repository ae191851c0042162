import { describe, expect, it } from 'vitest';
import { createTokenMemory, TOKEN_MEMORY_AGE } from '../../lib/gateway/token-memory.ts';
import { CLOCK_TOLERANCE, type VerifiedAccessToken } from '../../lib/jwt/verifier.ts';

const NOW = 1_750_000_000;
const token = (expiresAt: number) => ({ expiresAt }) as VerifiedAccessToken;

describe('the memory of tokens', () => {
  it('recalls a token until it expires, and then forgets it', () => {
    const memory = createTokenMemory(10);
    const known = token(NOW);
    memory.remember('a', known, NOW - 10);
    expect(memory.recall('a', NOW + CLOCK_TOLERANCE - 1)).toBe(known);
    expect(memory.recall('a', NOW + CLOCK_TOLERANCE)).toBeUndefined();
    expect(memory.recall('a', NOW)).toBeUndefined();
  });

  it('knows no token but the very same', () => {
    const memory = createTokenMemory(10);
    memory.remember('a', token(NOW), NOW);
    expect(memory.recall('A', NOW)).toBeUndefined();
  });

  it('forgets a token that was verified ten minutes ago, however long it is good for', () => {
    const memory = createTokenMemory(10);
    memory.remember('a', token(NOW + 86_400), NOW);
    expect(memory.recall('a', NOW + TOKEN_MEMORY_AGE - 1)).toBeDefined();
    expect(memory.recall('a', NOW + TOKEN_MEMORY_AGE)).toBeUndefined();
    expect(TOKEN_MEMORY_AGE).toBe(600);
  });

  it('is bounded: what was not used for the longest goes first', () => {
    const memory = createTokenMemory(1_000);
    for (let index = 0; index < 1_000; index++) memory.remember(`${index}`, token(NOW), NOW);
    expect(memory.recall('0', NOW)).toBeDefined();
    memory.remember('one more', token(NOW), NOW);
    expect(memory.recall('0', NOW)).toBeDefined();
    expect(memory.recall('1', NOW)).toBeUndefined();
    expect(memory.recall('2', NOW)).toBeDefined();
  });
});
