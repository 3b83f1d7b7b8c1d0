import { describe, expect, it } from 'vitest';
import { progressText, ReplayReport } from './replay-report.js';

describe('ReplayReport', () => {
  it('tells what became of every line', () => {
    const report = new ReplayReport();
    report.lines = 1_234;
    for (let event = 0; event < 1_225; event += 1) report.accept('io.inferometer.request.completed.v1');
    report.accept('io.inferometer.gpu.read.v1');
    for (let line = 10; line < 17; line += 1) report.refuse(line, 'not_json', 'not a JSON object');
    report.refuse(1_200, 'bad_field', '/data/ttft_ms must be >= 0');
    expect([report.events, report.refused]).toEqual([1_226, 8]);
    expect(report.text('a.ndjson', 'appended', 1_234)).toBe(
      [
        'a.ndjson: 1,234 lines in 1.23 s',
        '  appended                1,226',
        '    request.completed.v1  1,225',
        '    gpu.read.v1               1',
        '  refused                     8',
        '    not_json                  7  lines 10, 11, 12, 13, 14, …: not a JSON object',
        '    bad_field                 1  line 1,200: /data/ttft_ms must be >= 0',
      ].join('\n'),
    );
  });

  it('tells of an empty file', () => {
    expect(new ReplayReport().text('e', 'would be appended', 20_000)).toBe(
      'e: 0 lines in 20 s\n  would be appended  0\n  refused            0',
    );
  });
});

describe('progressText', () => {
  it.each([
    [0, 100, '[░░░░░░░░] 0 %  5 events'],
    [50, 100, '[████░░░░] 50 %  5 events'],
    [100, 100, '[████████] 100 %  5 events'],
    [150, 100, '[████████] 100 %  5 events'],
    [0, 0, '[████████] 100 %  5 events'],
  ])('%i of %i bytes', (done, total, text) => {
    expect(progressText(done, total, 5, 8)).toBe(text);
  });
});
