import { Controller, Get, Headers, UnauthorizedException } from '@nestjs/common';
import { hasBearerToken } from '#libs/runtime';
import { GatewayStats } from './gateway-stats.js';

/** This gateway's own counters; the fleet's are the aggregator's. */
@Controller('stats')
export class StatsController {
  constructor(private readonly stats: GatewayStats) {}

  @Get()
  read(@Headers('authorization') authorization: string | undefined): object {
    if (!hasBearerToken(authorization, this.stats.apiToken)) throw new UnauthorizedException();
    return this.stats.document();
  }
}
