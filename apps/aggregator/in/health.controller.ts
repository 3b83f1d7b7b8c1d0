import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { VERSION } from '#libs/runtime';
import { FleetAnswers } from '../out/fleet-answers.js';
import { Aggregation } from './aggregation.js';

/** Health for people and orchestrators; open without a token, it tells nothing of requests. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly aggregation: Aggregation,
    private readonly answers: FleetAnswers,
  ) {}

  @Get()
  health() {
    const { ready } = this.aggregation;
    const viewAgeSeconds = Math.round(this.answers.viewAgeMs / 100) / 10;
    return {
      status: ready ? 'ok' : 'degraded',
      version: VERSION,
      view_age_seconds: viewAgeSeconds,
      rollups_rejected: this.answers.view.rejected,
    };
  }

  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** 503 until the fold runs, and while the view is stale. */
  @Get('ready')
  ready() {
    if (!this.aggregation.ready) throw new ServiceUnavailableException({ status: 'not ready' });
    return { status: 'ok' };
  }
}
