import type { AlertLevel, ServiceStatus } from '#libs/contracts';
import type { MistakeKind } from './arguments.js';
import type { DurationUnits } from './numbers.js';
import type { Problem, SimpleProblem } from './problem.js';

/** Every word that the dashboard says, in one language. Names of statistics (`TTFT`, `Mean`, `P50`) are the same in all. */
export interface Messages {
  readonly title: string;
  readonly requests: string;
  readonly waiting: string;
  readonly running: string;
  readonly total: string;
  readonly concurrency: string;
  readonly slo: string;
  readonly targets: string;
  readonly targetsMissed: string;
  readonly targetNames: Readonly<Record<string, string>>;
  readonly gpu: string;
  readonly noGpu: string;
  readonly alerts: string;
  readonly none: string;
  readonly levels: Readonly<Record<AlertLevel, string>>;
  readonly statuses: Readonly<Record<ServiceStatus, string>>;
  readonly status: string;
  readonly window: string;
  readonly quit: string;
  readonly waitingForData: string;
  readonly units: DurationUnits;
  readonly more: (count: number) => string;
  /** An alert that can no longer be judged, because its data is too old. */
  readonly stale: string;
  /** How long an alert has stood. */
  readonly lasting: (duration: string) => string;
  readonly age: (duration: string) => string;
  readonly lastSeen: (duration: string) => string;
  readonly problems: Readonly<Record<SimpleProblem, string>>;
  readonly cannotConnect: (code: string) => string;
  readonly badField: (path: string) => string;
  readonly tokenMissing: string;
  readonly tokenRefused: string;
  readonly noApi: string;
  readonly answered: (status: number) => string;
  readonly mistakes: Readonly<Record<MistakeKind, (argument: string) => string>>;
  readonly badLocale: string;
  readonly help: string;
}

/** Why there is no data, in a few words. */
export function describeProblem(words: Messages, problem: Problem, hasToken: boolean): string {
  if (problem.kind === 'network') return words.cannotConnect(problem.code);
  if (problem.kind === 'bad_field') return words.badField(problem.path);
  if (problem.kind !== 'status') return words.problems[problem.kind];
  if (problem.status === 401) return hasToken ? words.tokenRefused : words.tokenMissing;
  return problem.status === 404 ? words.noApi : words.answered(problem.status);
}
