import { Controller, Get, Header } from '@nestjs/common';
import { VERSION } from '#libs/runtime';

const PLACES = [
  ['/api/v1/metrics', 'the fleet in one JSON document: ?window=1m|5m|15m|1h|all, ?model=, ?tenant='],
  ['/api/v1/stream', 'the same once a second, as Server-Sent Events'],
  ['/api/v1/gpus', 'the latest reading of every GPU'],
  ['/api/v1/alerts', 'the state of every built-in alert'],
  ['/metrics/prometheus', 'the fleet for Prometheus: scrape one address'],
  ['/metrics', 'this process for Prometheus'],
  ['/health', 'this process'],
] as const;

/** What there is to see here, as plain text. */
@Controller()
export class IndexController {
  @Get()
  @Header('content-type', 'text/plain; charset=utf-8')
  index(): string {
    return [`Inferometer ${VERSION}`, '', ...PLACES.map(([path, about]) => `${path.padEnd(22)}${about}`), ''].join('\n');
  }
}
