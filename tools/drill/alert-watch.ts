import type { Prometheus } from '../../test/support/prometheus.js';
import type { Drill } from './drills.js';
import { pause } from './load.js';
import { getJson, type System } from './system.js';

const POLL_MS = 200;

/** Follows the alerts of one drill, and tells each change. */
export class AlertWatch {
  private readonly states = new Map<string, boolean>();
  private readonly system: System;
  private readonly prometheus: Prometheus | undefined;
  private readonly drill: Drill;
  private readonly tell: (text: string) => void;

  constructor(system: System, prometheus: Prometheus | undefined, drill: Drill, tell: (text: string) => void) {
    this.system = system;
    this.prometheus = prometheus;
    this.drill = drill;
    this.tell = tell;
  }

  /** Resolves when every alert fires (or none does). Rejects when `signal` comes first, with those that are missing. */
  async until(firing: boolean, signal: AbortSignal): Promise<void> {
    let last = 'nothing could be asked';
    while (!signal.aborted) {
      try {
        const states = await this.look();
        const missing = [...states].filter(([, state]) => state !== firing).map(([name]) => name);
        if (missing.length === 0) return;
        last = missing.join(', ');
      } catch (error) {
        last = (error as Error).message;
      }
      await pause(POLL_MS, signal);
    }
    throw new Error(`not ${firing ? 'firing' : 'clear'} in time: ${last}`);
  }

  private async look(): Promise<ReadonlyMap<string, boolean>> {
    const found = new Map([...(await this.builtIn()), ...(await this.shipped())]);
    for (const [name, state] of found) {
      if (this.states.get(name) !== state && (state || this.states.has(name))) this.tell(`${name} ${state ? 'fires' : 'is clear'}`);
      this.states.set(name, state);
    }
    return found;
  }

  /** What the JSON API says, and what the fleet's page tells Prometheus. */
  private async builtIn(): Promise<readonly (readonly [string, boolean])[]> {
    const { builtIn } = this.drill;
    type Answer = { alerts: readonly { name: string; state: string }[] };
    const { alerts } = await getJson<Answer>(`${this.system.apiUrl}/api/v1/alerts`, this.system.token);
    const state = alerts.find(({ name }) => name === builtIn)?.state;
    if (state === undefined || state === 'unknown') throw new Error(`${builtIn} is ${state ?? 'not there'}`);
    const api = [`built-in ${builtIn}`, state === 'firing'] as const;
    if (!this.prometheus) return [api];
    const query = `vllm_alerts{name="${builtIn}"}`;
    const value = await this.prometheus.value(query);
    if (value === undefined) throw new Error(`Prometheus has no ${query} yet`);
    return [api, [query, value === 1]];
  }

  private async shipped(): Promise<readonly (readonly [string, boolean])[]> {
    if (!this.prometheus) return [];
    const rules = await this.prometheus.rules();
    return this.drill.shipped.map((name) => {
      const rule = rules.find((known) => known.type === 'alerting' && known.name === name);
      if (!rule || rule.health === 'err') throw new Error(`${name}: ${rule?.lastError ?? 'Prometheus has no such rule'}`);
      return [name, rule.state === 'firing'];
    });
  }
}
