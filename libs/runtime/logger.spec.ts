import { describe, expect, it } from 'vitest';
import { Logger, LOG_LEVELS, type LogLevel } from './logger.js';

function logged(level: LogLevel, use: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  use(new Logger('gateway', level, (line) => void lines.push(line)));
  return lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, 'TIME '));
}

const everyLevel = (logger: Logger): void => {
  logger.debug('d');
  logger.log("Nest's");
  logger.info('i');
  logger.warn('w');
  logger.error('e');
};

describe('Logger', () => {
  it('writes time, level, app and message', () => {
    expect(logged('debug', everyLevel)).toEqual([
      'TIME DEBUG gateway d\n',
      "TIME DEBUG gateway Nest's\n",
      'TIME INFO  gateway i\n',
      'TIME WARN  gateway w\n',
      'TIME ERROR gateway e\n',
    ]);
  });

  it.each(LOG_LEVELS)('leaves out what is below its level: %s', (level) => {
    const expected = { debug: 5, info: 3, warn: 2, error: 1 };
    expect(logged(level, everyLevel)).toHaveLength(expected[level]);
  });

  it('lets no text from outside forge an entry', () => {
    const forged = 'x\r\n2026-01-01T00:00:00.000Z INFO  gateway forged\u001B[2J\u2028y\u0000';
    const blanked = 'x 2026-01-01T00:00:00.000Z INFO  gateway forged [2J y';
    const lines = logged('debug', (logger) => {
      for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) logger[level](forged);
    });
    expect(lines.map((line) => line.slice('TIME XXXXX gateway '.length))).toEqual(Array.from({ length: 5 }, () => `${blanked}\n`));
  });

  it('indents the stack of an error', () => {
    const [entry = ''] = logged('info', (logger) => logger.error(new Error('first\nsecond')));
    const lines = entry.trimEnd().split('\n');
    expect(lines.slice(0, 2)).toEqual(['TIME ERROR gateway Error: first', '    second']);
    expect(lines[2]).toMatch(/^ {4}at .*logger\.spec\.ts/);
    expect(lines.slice(1).every((line) => line.startsWith('    '))).toBe(true);
  });
});
