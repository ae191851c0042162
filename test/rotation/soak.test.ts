import { describe, expect, it } from 'vitest';
import { soak } from './soak/soak.ts';

describe('keys and secrets that rotate again and again, with faults', () => {
  it('cost no request and no token', { timeout: 120_000 }, async () => {
    const report = await soak({ rotations: 8, seed: 3 });
    expect(report.failures).toEqual([]);
    expect(report.rotations).toBe(8);
    // A soak in which nothing went wrong would show nothing.
    expect(report.failedSteps).toBeGreaterThan(3);
    expect(report.tokens).toBeGreaterThan(100);
    expect(report.verifications).toBeGreaterThan(1_000);
  });
});
