import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { fleetOverview } from './fleet-overview.js';
import { gpus } from './gpus.js';
import { oneModel } from './one-model.js';
import { pipeline } from './pipeline.js';

/** The shipped dashboards by the name of their file in deploy/grafana/dashboards. */
export function shippedDashboards(): ReadonlyMap<string, Dashboard> {
  return new Map([
    ['fleet-overview.json', fleetOverview()],
    ['one-model.json', oneModel()],
    ['gpus.json', gpus()],
    ['pipeline-health.json', pipeline()],
  ]);
}

/** The text of a dashboard's file. */
export function textOf(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
