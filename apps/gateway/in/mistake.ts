import type { Logger } from '#libs/runtime';

/** Says that a request failed by a mistake of the gateway, and where that was. The error's message stays out of the log: it could quote a body. */
export function reportMistake(logger: Logger, error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  logger.error(['a request failed by a mistake of the gateway:', ...frames].join('\n'));
}
