import { Injectable, ServiceUnavailableException, type CanActivate } from '@nestjs/common';
import { errorBody } from './error-body.js';
import { FleetAnswers } from './fleet-answers.js';

/** Answers 503 until everything that was published has been read once: else the first answers would run counters backwards. */
@Injectable()
export class ViewGuard implements CanActivate {
  constructor(private readonly answers: FleetAnswers) {}

  canActivate(): boolean {
    if (this.answers.view.isRestored) return true;
    throw new ServiceUnavailableException(errorBody(503, 'the event log has not been read yet: try again soon', 'not_ready'));
  }
}
