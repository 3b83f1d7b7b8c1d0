import { describe, expect, it } from 'vitest';
import { lines } from './finding.fixture.js';
import { fileFinding, settingsFindings } from './settings-findings.js';

describe('settings', () => {
  it('all mistakes are told together, then what is worth knowing, each with how to mend it', () => {
    const problems = [
      { name: 'PORT', message: '"x" is not a whole number' },
      { name: 'GPU_SOURCE', message: 'no such' },
    ];
    const warnings = ['HOST … without API_TOKEN …', 'A_B is not a setting; did you mean A_C?', 'plain without EVENT_LOG_TLS …', 'else'];
    expect(lines(settingsFindings({ problems, warnings, known: 3, set: 2 }))).toEqual([
      'fail PORT: "x" is not a whole number → set PORT as docs/settings.md says',
      'fail GPU_SOURCE: no such → set GPU_SOURCE as docs/settings.md says',
      'warn HOST … without API_TOKEN … → set API_TOKEN, or HOST to 127.0.0.1',
      "warn A_B is not a setting; did you mean A_C? → rename it to A_C, or leave it if it is somebody else's",
      'warn plain without EVENT_LOG_TLS … → set EVENT_LOG_TLS=on, or use scram-sha-512',
      'warn else → see docs/settings.md',
    ]);
    expect(lines(settingsFindings({ problems: [], warnings: [], known: 67, set: 1 }))).toEqual([
      'ok 1 of 67 settings set, none of them wrong',
    ]);
  });

  it.each([
    [{ contents: '2 keys' }, 'ok F /f: 2 keys'],
    [{ contents: '', problem: 'empty', mend: 'fill it' }, 'warn F /f: empty → fill it'],
    [{ contents: '1 certificate', problem: 'old' }, 'warn F /f: old → mend the file'],
    [{ contents: undefined, problem: 'gone' }, 'fail F /f: gone → mend the file, or unset F'],
    [{ contents: undefined }, 'fail F /f: it cannot be read → mend the file, or unset F'],
  ])('a file with %j', (facts, line) => {
    expect(lines([fileFinding({ setting: 'F', path: '/f', ...facts })])).toEqual([line]);
  });
});
