import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fail, ok, skip, warn, type Finding } from './finding.js';
import { exitCodeFor, reportDocument, reportText } from './report.js';

const FINDINGS: readonly Finding[] = [
  ok('node', 'Node 24'),
  warn('event log', 'little room', 'make some'),
  fail('port', 'taken', 'end it'),
  skip('clock', 'nothing to compare'),
];

describe('the report', () => {
  it('is aligned, with how to mend things under them, and ends with the sum', () => {
    expect(reportText(FINDINGS, false)).toBe(
      [
        'ok    node       Node 24',
        'warn  event log  little room',
        '                 → make some',
        'FAIL  port       taken',
        '                 → end it',
        'skip  clock      nothing to compare',
        '',
        '1 failed, 1 warning, 1 ok, 1 skipped',
      ].join('\n'),
    );
  });

  it('has colours where they are wanted, and only for the verdict', () => {
    const text = reportText(FINDINGS, true);
    expect(text).toContain('\u001B[31mFAIL  \u001B[0mport');
    expect(stripVTControlCharacters(text)).toBe(reportText(FINDINGS, false));
  });

  it('lets no text from outside forge a line or move the cursor, and cuts it off', () => {
    const text = reportText([ok('upstream', `a\nok    b\u001B[2J\u2028c\u202E${'x'.repeat(1_000)}`)], false);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).not.toMatch(/[\p{Cf}\u2028]|[^\P{Cc}\n]/u);
    expect(text.length).toBeLessThan(500);
  });

  it('is a document for programs, too', () => {
    expect(reportDocument(FINDINGS)).toEqual({
      ok: false,
      failed: 1,
      warned: 1,
      passed: 1,
      skipped: 1,
      checks: [
        { check: 'node', verdict: 'ok', found: 'Node 24' },
        { check: 'event log', verdict: 'warn', found: 'little room', mend: 'make some' },
        { check: 'port', verdict: 'fail', found: 'taken', mend: 'end it' },
        { check: 'clock', verdict: 'skip', found: 'nothing to compare' },
      ],
    });
  });

  it('fails by failures alone', () => {
    expect(exitCodeFor(FINDINGS)).toBe(1);
    expect(exitCodeFor(FINDINGS.filter(({ verdict }) => verdict !== 'fail'))).toBe(0);
  });
});
