import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most tests wait for a store or a process rather than compute.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // The functions log what they do: worth reading where a test failed.
    silent: 'passed-only',
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: '.local/test-results.json' },
  },
});
