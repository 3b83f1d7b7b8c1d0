import { BadRequestException } from '@nestjs/common';
import { WINDOW_NAMES } from '#libs/contracts';
import type { MetricsQuery } from '../core/fleet-numbers.js';
import { errorBody } from './error-body.js';
import { DEFAULT_QUERY } from './fleet-answers.js';

const MAX_NAME_LENGTH = 256;

/** Reads `window`, `model` and `tenant`. Other parameters are ignored, as web servers do. Throws a 400 that says what is allowed. */
export function metricsQuery(parameters: Readonly<Record<string, unknown>>): MetricsQuery {
  const window = parameters['window'] ?? DEFAULT_QUERY.window;
  const known = WINDOW_NAMES.find((name) => name === window);
  if (!known) throw new BadRequestException(errorBody(400, `window must be one of ${WINDOW_NAMES.join(', ')}`, 'invalid_window'));
  return { window: known, ...named('model', parameters['model']), ...named('tenant', parameters['tenant']) };
}

function named<K extends 'model' | 'tenant'>(name: K, value: unknown): { [P in K]?: string } {
  if (value === undefined) return {};
  if (typeof value === 'string' && value.length <= MAX_NAME_LENGTH) return { [name]: value } as { [P in K]: string };
  throw new BadRequestException(
    errorBody(400, `${name} must be given once and be at most ${MAX_NAME_LENGTH} characters`, `invalid_${name}`),
  );
}
