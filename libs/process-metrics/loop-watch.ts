import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';

/** How the event loop has fared lately. Delays are the lateness of timers, in seconds. */
export interface LoopReading {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** 0 to 1. */
  readonly utilization: number;
}

/** Finer would cost an idle process more than a thousandth of a core. */
const RESOLUTION_MS = 50;
/** Longer than most intervals between two scrapes. */
const WINDOW_MS = 15_000;

/**
 * Watches the delays of this process's event loop, once for all apps in it; whoever acquires it releases it.
 * A reading is the worse of the last two windows of at least 15 s, so that several readers do not take the numbers from each other.
 */
export class LoopWatch {
  private static shared: LoopWatch | undefined;
  private users = 0;
  private readonly delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private windowStartMs = performance.now();
  private windowStart: EventLoopUtilization = performance.eventLoopUtilization();
  private last: LoopReading | undefined;

  /** Starts the watch if nobody has it yet. */
  static acquire(): LoopWatch {
    this.shared ??= new LoopWatch();
    this.shared.users += 1;
    if (this.shared.users === 1) this.shared.delays.enable();
    return this.shared;
  }

  /** Once for each `acquire`. The last one stops the watch. */
  release(): void {
    this.users -= 1;
    if (this.users > 0) return;
    this.delays.disable();
    LoopWatch.shared = undefined;
  }

  read(): LoopReading {
    const current = this.currentWindow();
    const reading = this.last ? worse(this.last, current) : current;
    if (performance.now() - this.windowStartMs >= WINDOW_MS) this.startWindow(current);
    return reading;
  }

  private currentWindow(): LoopReading {
    const { delays } = this;
    const { utilization } = performance.eventLoopUtilization(this.windowStart);
    if (delays.count === 0) return { p50: 0, p99: 0, max: 0, utilization };
    return { p50: lateness(delays.percentile(50)), p99: lateness(delays.percentile(99)), max: lateness(delays.max), utilization };
  }

  private startWindow(last: LoopReading): void {
    this.last = last;
    this.delays.reset();
    this.windowStartMs = performance.now();
    this.windowStart = performance.eventLoopUtilization();
  }
}

/** Node measures from one tick of its timer to the next, in nanoseconds: one that is in time shows the interval itself. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
}

function worse(one: LoopReading, other: LoopReading): LoopReading {
  return {
    p50: Math.max(one.p50, other.p50),
    p99: Math.max(one.p99, other.p99),
    max: Math.max(one.max, other.max),
    utilization: Math.max(one.utilization, other.utilization),
  };
}
