import { Injectable, ServiceUnavailableException, type CanActivate } from '@nestjs/common';
import { errorBody } from './error-body.js';
import { FleetAnswers } from './fleet-answers.js';

/** Answers 503 until everything that was published has been read once, and is there: else the first answers would run counters backwards. */
@Injectable()
export class ViewGuard implements CanActivate {
  constructor(private readonly answers: FleetAnswers) {}

  canActivate(): boolean {
    if (this.answers.view.isWhole) return true;
    throw new ServiceUnavailableException(
      errorBody(503, 'the event log has not been read yet, or not all of it could be: try again soon', 'not_ready'),
    );
  }
}
