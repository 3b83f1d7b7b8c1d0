import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const FAULTS = 'test/faults/**/*.spec.ts';
const COMPOSE = 'test/compose/**/*.spec.ts';
// They build images and take minutes: with `npm run test:compose`, and where everything is tested.
const withCompose = Boolean(process.env['CI'] ?? process.env['TEST_COMPOSE']);

const COMPOSE_PROJECT = {
  extends: true as const,
  test: { name: 'compose', include: [COMPOSE], globalSetup: ['./test/compose/engine.ts'], sequence: { groupOrder: 3 }, maxWorkers: 1 },
};

export default defineConfig({
  resolve: { alias: [{ find: /^#libs\/(.+)$/, replacement: `${root}libs/$1/index.ts` }] },
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
          exclude: [...configDefaults.exclude, FAULTS, COMPOSE],
          sequence: { groupOrder: 1 },
          // They wait more than they compute.
          maxWorkers: 2,
        },
      },
      // Last: these keep the whole machine busy for minutes, and others look at clocks. They mostly wait, so two at a time.
      { extends: true, test: { name: 'faults', include: [FAULTS], sequence: { groupOrder: 2 }, maxWorkers: 2 } },
      ...(withCompose ? [COMPOSE_PROJECT] : []),
    ],
  },
});
