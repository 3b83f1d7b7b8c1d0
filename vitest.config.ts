import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const FAULTS = 'test/faults/**/*.spec.ts';

export default defineConfig({
  resolve: { alias: [{ find: /^#libs\/([^/]+)$/, replacement: `${root}libs/$1/index.ts` }] },
  test: {
    globalSetup: ['./test/support/kafka-setup.ts'],
    setupFiles: ['reflect-metadata'],
    passWithNoTests: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './tools/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['apps/**/*.spec.ts', 'libs/**/*.spec.ts', 'test/**/*.spec.ts', 'tools/**/*.spec.ts'],
          exclude: [...configDefaults.exclude, FAULTS],
          sequence: { groupOrder: 1 },
        },
      },
      // Last: these keep the whole machine busy for minutes, and others look at clocks. They mostly wait, so two at a time.
      { extends: true, test: { name: 'faults', include: [FAULTS], sequence: { groupOrder: 2 }, maxWorkers: 2 } },
    ],
  },
});
