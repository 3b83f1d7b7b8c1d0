import { Module, type DynamicModule } from '@nestjs/common';
import { EventLog } from './event-log.js';

/** Offers an opened event log to the modules that import it. Whoever opened the log closes it. */
@Module({})
export class EventLogModule {
  static of(log: EventLog): DynamicModule {
    return { module: EventLogModule, providers: [{ provide: EventLog, useValue: log }], exports: [EventLog] };
  }
}
