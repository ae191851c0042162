import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AccessTokenHash,
  hashAccessToken,
  type RefreshToken,
  startFamily,
  stateOf,
  succeed,
} from '../../lib/refresh-tokens/refresh-token.ts';
import {
  createRefreshTokenStore,
  type RefreshTokenStore,
} from '../../lib/refresh-tokens/refresh-token-store.ts';
import { createRevocationStore } from '../../lib/refresh-tokens/revocation-store.ts';
import type { Sealed } from '../../lib/sealing/sealed.ts';
import { startTables } from '../support/tables.ts';

const NOW = 1_000_000;
const lifetimes = { refreshIdleLifetime: 100, refreshAbsoluteLifetime: 250 };

let tables: Awaited<ReturnType<typeof startTables>>;
let store: RefreshTokenStore;
beforeAll(async () => {
  tables = await startTables();
  store = createRefreshTokenStore(tables.dynamodb, tables.tableName('refresh-tokens'));
});
afterAll(() => tables.close());

let count = 0;
function family(): RefreshToken {
  count += 1;
  return startFamily({
    accessTokenHash: hashAccessToken(`token ${count}`),
    familyId: `family ${count}`,
    clientId: 'app',
    sub: 'ada',
    passwordGeneration: 1,
    audience: 'api',
    scopes: ['read'],
    now: NOW,
    ...lifetimes,
  });
}
const rotation = (successor: string, at = NOW) => ({
  successor: successor as AccessTokenHash,
  at,
  graceUntil: at + 60,
  answer: `answer of ${successor}` as Sealed,
});

describe('a refresh token', () => {
  it('is usable until it lay idle for too long', () => {
    const token = family();
    expect(stateOf(token, NOW + 99)).toEqual({ state: 'usable' });
    expect(stateOf(token, NOW + 100)).toEqual({ state: 'expired' });
  });

  it('passes on its family, and never lives longer than that', () => {
    const first = family();
    const next = { accessTokenHash: hashAccessToken('next'), scopes: ['read'] };
    const second = succeed({ ...first, rotation: rotation('next') }, next, lifetimes, NOW + 90);
    expect(second).toEqual({ ...first, ...next, usableUntil: NOW + 190 });
    expect(succeed(second, next, lifetimes, NOW + 180).usableUntil).toBe(NOW + 250);
  });

  it('that was used is repeated within the grace and reused after it', () => {
    const used = { ...family(), rotation: rotation('next') };
    expect(stateOf(used, NOW + 59)).toEqual({ state: 'repeated', answer: 'answer of next' });
    expect(stateOf(used, NOW + 60)).toEqual({ state: 'reused' });
  });
});

describe('the store of refresh tokens', () => {
  it('gives back what it was given', async () => {
    const token = family();
    await store.add(token);
    expect(await store.find(token.accessTokenHash)).toEqual(token);
    expect(await store.find(hashAccessToken('another'))).toBeUndefined();
  });

  it('lets one of a hundred claim a token, and tells the others who did', async () => {
    const token = family();
    await store.add(token);
    const claims = await Promise.all(
      Array.from({ length: 100 }, (_, n) => store.claim(token.accessTokenHash, rotation(`${n}`))),
    );
    expect(claims.filter(({ outcome }) => outcome === 'claimed')).toHaveLength(1);
    const winner = claims.findIndex(({ outcome }) => outcome === 'claimed');
    for (const claim of claims) {
      if (claim.outcome === 'lost') expect(claim.found?.rotation).toEqual(rotation(`${winner}`));
    }
  });

  it('recognises a claim that is repeated', async () => {
    const token = family();
    await store.add(token);
    const claim = () => store.claim(token.accessTokenHash, rotation('same'));
    expect(await claim()).toEqual({ outcome: 'claimed' });
    expect(await claim()).toEqual({ outcome: 'claimed' });
  });

  it('does not let an expired token be claimed', async () => {
    const token = family();
    await store.add(token);
    const claim = await store.claim(token.accessTokenHash, rotation('late', token.usableUntil));
    expect(claim).toEqual({ outcome: 'lost', found: token });
  });

  it('does not bring a used token back to life when its first write is repeated late', async () => {
    const token = family();
    await store.add(token);
    await store.claim(token.accessTokenHash, rotation('next'));
    await store.add(token);
    expect((await store.find(token.accessTokenHash))?.rotation).toEqual(rotation('next'));
  });

  it('tells that a token is gone', async () => {
    const claim = await store.claim(hashAccessToken('gone'), rotation('next'));
    expect(claim).toEqual({ outcome: 'lost', found: undefined });
  });
});

describe('the store of revocations', () => {
  it('knows the families that were revoked', async () => {
    const revocations = createRevocationStore(tables.dynamodb, tables.tableName('revocations'));
    expect(await revocations.isFamilyRevoked('one')).toBe(false);
    await revocations.revokeFamily('one', 'reuse', NOW);
    await revocations.revokeFamily('one', 'reuse', NOW);
    expect(await revocations.isFamilyRevoked('one')).toBe(true);
    expect(await revocations.isFamilyRevoked('two')).toBe(false);
  });
});
