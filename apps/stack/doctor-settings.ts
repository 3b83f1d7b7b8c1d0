import { SettingsError, SettingsReader, type Environment } from '#libs/runtime';
import { aggregatorSettings, type AggregatorSettings } from '../aggregator/settings.js';
import { gatewaySettings, type GatewaySettings } from '../gateway/settings.js';
import { gpuProbeSettings, type GpuProbeSettings } from '../gpu-probe/settings.js';
import { modelServerSettings, type ModelServerSettings } from '../model-server/settings.js';
import type { ProcessName } from './core/doctor/processes.js';
import type { SettingsFacts } from './core/doctor/settings-findings.js';
import { stackSettings } from './settings.js';

/** The settings of the processes that are looked at; undefined for those that are not. */
export interface DoctorSettings {
  readonly gateway?: GatewaySettings | undefined;
  readonly aggregator?: AggregatorSettings | undefined;
  readonly gpuProbe?: GpuProbeSettings | undefined;
  readonly modelServer?: ModelServerSettings | undefined;
  /** True if a simulated model server stands in, for want of UPSTREAM_URL. */
  readonly simulated: boolean;
}

export interface ReadSettings {
  /** What is wrong is as if it were not set; undefined if that does not help. */
  readonly settings: DoctorSettings | undefined;
  readonly facts: SettingsFacts;
}

/**
 * Reads the settings as `npm start` does, or, where `processes` are named, as each of these does on its own, with its own parser.
 * Mistakes do not keep it from reading the rest. Never throws.
 */
export function doctorSettings(env: Environment, processes: readonly ProcessName[] | undefined): ReadSettings {
  const read = new SettingsReader(env);
  const parse = processes === undefined ? wholeSystem : (reader: SettingsReader) => namedProcesses(reader, processes);
  const { settings, problems } = tried(read, parse);
  const declared = read.declarations();
  const set = declared.filter(({ name }) => (env[name]?.trim() ?? '') !== '').length;
  const facts = { problems, warnings: read.warnings(), known: declared.length, set };
  if (problems.length === 0) return { settings, facts };
  const faulty = problems.map(({ name }) => name);
  return { settings: tried(new SettingsReader(mendedEnvironment(env, faulty)), parse).settings, facts };
}

type Parse = (read: SettingsReader) => DoctorSettings;

function tried(read: SettingsReader, parse: Parse): { settings: DoctorSettings | undefined; problems: SettingsError['problems'] } {
  try {
    return { settings: parse(read), problems: [] };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { settings: undefined, problems: error.problems };
  }
}

function wholeSystem(read: SettingsReader): DoctorSettings {
  const { gateway, aggregator, gpuProbe, modelServer } = stackSettings(read);
  return { gateway, aggregator, gpuProbe, modelServer, simulated: modelServer !== undefined };
}

function namedProcesses(read: SettingsReader, processes: readonly ProcessName[]): DoctorSettings {
  const section = <T>(name: ProcessName, settings: (part: SettingsReader) => T): T | undefined =>
    processes.includes(name) ? read.section(settings, {}) : undefined;
  return read.finish({
    gateway: section('gateway', gatewaySettings),
    aggregator: section('aggregator', aggregatorSettings),
    gpuProbe: section('gpu-probe', gpuProbeSettings),
    modelServer: section('model-server', modelServerSettings),
    simulated: false,
  });
}

/** One mistake in the event log's settings makes the others meaningless; a required one gets a stand-in. What depends on either is not looked at. */
function mendedEnvironment(env: Environment, faulty: readonly string[]): Environment {
  const isOfLog = faulty.some((name) => name.startsWith('EVENT_LOG_'));
  const kept = Object.entries(env).filter(([name]) => !faulty.includes(name) && !(isOfLog && name.startsWith('EVENT_LOG_')));
  return { ...Object.fromEntries(kept), ...(faulty.includes('UPSTREAM_URL') ? { UPSTREAM_URL: 'http://127.0.0.1:8001' } : {}) };
}
