import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { shippedDashboards, textOf } from '../../tools/grafana/dashboards.js';
import { DATASOURCE_UID } from '../../tools/grafana/variables.js';
import { ROOT } from '../support/shared.js';
import { CHOSEN_DATASOURCE, committedDashboards, type CommittedPanel } from './committed.js';

const COLUMNS = 24;
const committed = committedDashboards();

function overlap({ gridPos: a }: CommittedPanel, { gridPos: b }: CommittedPanel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** The names of the variables in a text, those of Grafana's own left out. */
function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name).filter((name) => !name.startsWith('__'));
}

const repeatedIn = (values: readonly unknown[]): readonly unknown[] => values.filter((value, at) => values.indexOf(value) !== at);

describe('the shipped dashboards', () => {
  it('are what the code makes: if not, npm run dashboards', () => {
    const made = [...shippedDashboards()].map(([file, dashboard]) => ({ file, text: textOf(dashboard) }));
    expect(committed.map(({ file, text }) => ({ file, text }))).toEqual(made.toSorted((a, b) => a.file.localeCompare(b.file)));
  });

  it('have names that do not meet, in the browser’s address and in the list', () => {
    expect(repeatedIn(committed.map(({ content }) => content.uid))).toEqual([]);
    expect(repeatedIn(committed.map(({ content }) => content.title))).toEqual([]);
  });

  it('are provisioned, with the datasource that they choose first', () => {
    const [datasource, provider] = ['datasources/prometheus.yml', 'dashboards/inferometer.yml'].map((file) =>
      readFileSync(`${ROOT}deploy/grafana/provisioning/${file}`, 'utf8'),
    );
    expect(datasource).toContain(`uid: ${DATASOURCE_UID}\n`);
    expect(provider).toMatch(/type: file\n[\s\S]*path: \$\{INFEROMETER_DASHBOARDS\}/);
  });

  describe.each(committed)('$file', ({ text, content }) => {
    const panels = content.panels.filter(({ type }) => type !== 'row');
    const targets = panels.flatMap((panel) => (panel.targets ?? []).map((target) => ({ where: panel.title, ...target })));

    it('can be provisioned, and imported by hand', () => {
      expect(content.uid).toMatch(/^inferometer-[a-z]{1,28}$/);
      expect(content).not.toHaveProperty('id');
      expect(text).not.toContain('__inputs');
      expect(content.annotations.list).not.toEqual([]);
    });

    it('has panels side by side within 24 columns, with ids of their own', () => {
      expect(panels.length).toBeGreaterThan(5);
      expect(repeatedIn(content.panels.map(({ id }) => id))).toEqual([]);
      for (const [at, panel] of content.panels.entries()) {
        expect(panel.gridPos.x + panel.gridPos.w, panel.title).toBeLessThanOrEqual(COLUMNS);
        expect(content.panels.slice(at + 1).find((other) => overlap(panel, other))?.title, panel.title).toBeUndefined();
      }
    });

    it('says of every panel what it shows, in which unit', () => {
      expect(repeatedIn(panels.map(({ title }) => title))).toEqual([]);
      for (const { title, description, fieldConfig } of panels) {
        expect(description, title).toMatch(/\.$/);
        expect(fieldConfig?.defaults.unit, title).toMatch(/./);
      }
    });

    it('asks the chosen datasource everywhere', () => {
      expect(content.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
      for (const { title, datasource, targets: own = [] } of panels) {
        expect(datasource, title).toEqual(CHOSEN_DATASOURCE);
        expect(own, title).not.toEqual([]);
        expect(repeatedIn(own.map(({ refId }) => refId)), title).toEqual([]);
      }
      for (const { where, datasource } of targets) expect(datasource, where).toEqual(CHOSEN_DATASOURCE);
      for (const { name, datasource } of content.templating.list.slice(1)) expect(datasource, name).toEqual(CHOSEN_DATASOURCE);
    });

    it('defines every variable that it uses, and uses every one that it defines', () => {
      const defined = content.templating.list.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b));
      const used = [...new Set(variablesIn(text))].toSorted((a, b) => a.localeCompare(b));
      expect(used).toEqual(defined);
    });

    it('leaves the windows of its rates to Grafana', () => {
      const windows = targets.flatMap(({ expr }) => [...expr.matchAll(/\[([^\]]+)\]/g)].map(([, window]) => window));
      expect(windows.filter((window) => window !== '$__rate_interval')).toEqual([]);
      const rates = targets.flatMap(({ expr }) => [...expr.matchAll(/\b(?:rate|increase|irate)\(/g)]);
      expect(rates).toHaveLength(windows.length);
    });
  });
});
