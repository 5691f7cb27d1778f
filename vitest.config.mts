import { defineConfig } from 'vitest/config';

const MINUTE = 60_000;

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        // Real Node processes of all supported versions. The limits are for a busy machine with two cores.
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: MINUTE,
          hookTimeout: MINUTE,
          pool: 'forks',
          maxWorkers: 2,
        },
      },
      {
        // What a person sees in a real VS Code workbench: one server and one browser at a time.
        test: {
          name: 'ui',
          include: ['test/e2e/ui/**/*.test.ts'],
          testTimeout: 2 * MINUTE,
          hookTimeout: 3 * MINUTE,
          pool: 'forks',
          fileParallelism: false,
          // a page of a busy machine can lose a key or a click: what fails twice is a fault, and the report says what was repeated
          retry: 1,
        },
      },
    ],
  },
});
