import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,services}/*/src/**/*.test.ts', 'tests/**/*.test.ts', 'scripts/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    setupFiles: ['tests/support/leak-check.ts'],
    pool: 'forks',
    // One process runs many files: modules keep no state of their own, and loading discord.js anew for each file costs more than its tests.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 30_000,
    // A state may come late on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    // The first file that needs a server waits for it to be fetched or pulled.
    hookTimeout: 240_000,
  },
});
