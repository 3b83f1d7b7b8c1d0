import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether Prometheus's own tool is on this machine; says loudly that tests are skipped where it is not, and throws where none may be (`CI`). */
export function hasPromtool(): boolean {
  const isThere = spawnSync('promtool', ['--version']).status === 0;
  if (!isThere && process.env['CI']) throw new Error('promtool (package prometheus) is not on this machine, and no test may be skipped');
  if (!isThere) console.warn('SKIPPED: promtool (package prometheus) is not on this machine; the tests that need it are skipped');
  return isThere;
}

/** What `promtool check metrics` finds wrong with text of the format 0.0.4: nothing where that is empty. */
export function textProblems(text: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  return status === 0 ? '' : `exit code ${status}: ${stdout}${stderr}`;
}

/** What Prometheus's parser of OpenMetrics finds wrong: nothing where that is empty. */
export function openMetricsProblems(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  try {
    // The only command that reads OpenMetrics wants times.
    const stamped = text.replaceAll(/^[^#].*$/gm, '$& 1700000000');
    writeFileSync(join(folder, 'metrics'), stamped);
    const { status, stderr } = spawnSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'metrics'), folder], {
      encoding: 'utf8',
    });
    return status === 0 ? '' : `exit code ${status}: ${stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
