import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { Prometheus } from '../../test/support/prometheus.js';
import { AlertWatch } from './alert-watch.js';
import type { DrillArguments } from './arguments.js';
import { DRILLS, type DrillName, type Stage } from './drills.js';
import { Load } from './load.js';
import { OwnProcesses } from './own-system.js';
import { joinRunningSystem } from './running-system.js';
import { writeScaledRules } from './scaled-rules.js';
import type { System } from './system.js';

type Print = (line: string) => void;

/** Does every drill that is asked for, one after another. True if all alerts fired and cleared. Rejects if the system cannot be had. */
export async function runDrills(wanted: DrillArguments, stop: AbortSignal, print: Print): Promise<boolean> {
  const tell = timeline(print);
  const system = await systemOf(wanted);
  try {
    tell(`the system is at ${system.gatewayUrl}`);
    return await withPrometheus(system, wanted.scale, tell, (prometheus) => drillAll(wanted, system, prometheus, stop, tell));
  } finally {
    await system.close();
  }
}

function systemOf({ url, modelServerUrl }: DrillArguments): Promise<System> {
  return url === undefined ? OwnProcesses.start() : joinRunningSystem(url, modelServerUrl, process.env['API_TOKEN']);
}

async function drillAll(
  { names, timeoutMs }: DrillArguments,
  system: System,
  prometheus: Prometheus | undefined,
  stop: AbortSignal,
  tell: Print,
): Promise<boolean> {
  const stage = { system, load: await Load.open(system.gatewayUrl) };
  let passed = true;
  for (const name of names) {
    if (stop.aborted) return false;
    const startedMs = performance.now();
    const problem = await drillOne(name, stage, prometheus, AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]), tell);
    passed &&= problem === undefined;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    tell(problem === undefined ? `${name}: PASSED in ${seconds} s` : `${name}: FAILED after ${seconds} s: ${problem}`);
  }
  return passed;
}

/** What went wrong, or undefined. */
async function drillOne(
  name: DrillName,
  stage: Stage,
  prometheus: Prometheus | undefined,
  signal: AbortSignal,
  tell: Print,
): Promise<string | undefined> {
  const drill = DRILLS[name];
  const watch = new AlertWatch(stage.system, prometheus, drill, (text) => tell(`${name}: ${text}`));
  const during = async (act: typeof drill.cause, firing: boolean): Promise<void> => {
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const acting = act(stage, until);
    const failed = acting.then(() => new Promise<never>(() => {}));
    try {
      await Promise.race([watch.until(firing, until), failed, stage.system.broken]);
    } finally {
      over.abort();
      await acting.catch(() => undefined);
    }
  };
  try {
    await watch.until(false, signal);
    tell(`${name}: ${drill.causes}`);
    await during(drill.cause, true);
    tell(`${name}: ${drill.cures}`);
    await during(drill.cure, false);
    return undefined;
  } catch (error) {
    // The next drill begins as this one did.
    await drill.cure(stage, AbortSignal.abort()).catch(() => undefined);
    return (error as Error).message;
  }
}

async function withPrometheus<T>(
  system: System,
  scale: number,
  tell: Print,
  work: (prometheus: Prometheus | undefined) => Promise<T>,
): Promise<T> {
  if (spawnSync('prometheus', ['--version']).status !== 0) {
    tell('the program "prometheus" is not on this machine: only the built-in alerts are watched');
    return work(undefined);
  }
  const rules = writeScaledRules(scale);
  try {
    const prometheus = await Prometheus.start({ targets: system.targets, ruleFiles: rules.files });
    try {
      tell(`Prometheus is at ${prometheus.url}; durations of its rules are divided by ${scale}`);
      return await work(prometheus);
    } finally {
      await prometheus.close();
    }
  } finally {
    rules.remove();
  }
}

/** Prints each line behind the seconds since the start. */
function timeline(print: Print): Print {
  const startedMs = performance.now();
  return (text) => print(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);
}
