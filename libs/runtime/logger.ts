import type { LoggerService } from '@nestjs/common';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Writes one line an entry to stderr: time, level, app, message; the stack of an Error follows in indented lines. Control characters
 * are blanked, so that no text from outside can forge an entry. Callers never hand it bodies, keys or headers.
 * It is Nest's logger too; Nest's own start-up chatter is shown at `debug` only.
 */
export class Logger implements LoggerService {
  constructor(
    private readonly app: string,
    readonly level: LogLevel = 'info',
    private readonly write: (line: string) => void = (line) => void process.stderr.write(line),
  ) {}

  info(message: string): void {
    this.entry('info', [message]);
  }

  warn(message: unknown): void {
    this.entry('warn', [String(message)]);
  }

  error(message: unknown): void {
    this.entry('error', message instanceof Error ? (message.stack ?? message.message).split('\n') : [String(message)]);
  }

  debug(message: unknown): void {
    this.entry('debug', [String(message)]);
  }

  log(message: unknown): void {
    this.entry('debug', [String(message)]);
  }

  private entry(level: LogLevel, lines: readonly string[]): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.level)) return;
    const text = lines.map((line) => line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()).join('\n    ');
    this.write(`${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${this.app} ${text}\n`);
  }
}
