import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed, N skipped` as the very last line of a run. What fails outside of a test (a file that cannot be loaded,
 * a hook, an error that nobody caught) counts as one failure each, and a run that fails for any other reason has at least one.
 */
export default class SummaryReporter implements Reporter {
  private count = { passed: 0, failed: 0, skipped: 0 };

  onInit(): void {
    process.on('exit', (code) => {
      const { passed, failed, skipped } = this.count;
      console.log(`${passed} passed, ${Math.max(failed, code === 0 ? 0 : 1)} failed, ${skipped} skipped`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[] = []): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
      }
    }
    this.count = count;
  }
}
