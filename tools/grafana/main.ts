// `npm run dashboards`: writes the dashboards to deploy/grafana/dashboards.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { shippedDashboards, textOf } from './dashboards.js';

const folder = fileURLToPath(new URL('../../deploy/grafana/dashboards/', import.meta.url));

mkdirSync(folder, { recursive: true });
for (const [file, dashboard] of shippedDashboards()) {
  writeFileSync(folder + file, textOf(dashboard));
  console.log(`deploy/grafana/dashboards/${file}: ${dashboard.panels?.length} panels and rows`);
}
