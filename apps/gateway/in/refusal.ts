import { HttpException } from '@nestjs/common';
import type { GatewayError } from '../core/errors.js';

/** Thrown by a controller to answer with an error of the gateway's own. */
export class Refusal extends HttpException {
  constructor(readonly error: GatewayError) {
    super(error.message, error.status);
  }
}
