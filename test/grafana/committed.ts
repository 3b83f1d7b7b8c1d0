import { readdirSync, readFileSync } from 'node:fs';
import { ROOT } from '../support/shared.js';
import type { Question } from '../prometheus/answers.js';

/** What the checks look at of a dashboard's file. */
export interface CommittedDashboard {
  readonly file: string;
  readonly text: string;
  readonly content: {
    readonly uid: string;
    readonly title: string;
    readonly panels: readonly CommittedPanel[];
    readonly templating: { readonly list: readonly CommittedVariable[] };
    readonly annotations: { readonly list: readonly unknown[] };
  };
}

export interface CommittedPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: unknown;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource?: unknown }[];
}

export interface CommittedVariable {
  readonly name: string;
  readonly type: string;
  readonly includeAll: boolean;
  readonly allValue?: string;
  readonly datasource?: unknown;
  readonly definition?: string;
}

/** The datasource that everything in a dashboard asks: the one chosen at its top. */
export const CHOSEN_DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const FOLDER = `${ROOT}deploy/grafana/dashboards/`;
/** What Grafana puts in place of `$__rate_interval` at a scrape a second, or a little more. */
const RATE_INTERVAL = '15s';

/** The dashboards as they are shipped. */
export function committedDashboards(): readonly CommittedDashboard[] {
  const files = readdirSync(FOLDER).toSorted((a, b) => a.localeCompare(b));
  return files.map((file) => {
    const text = readFileSync(FOLDER + file, 'utf8');
    return { file, text, content: JSON.parse(text) as CommittedDashboard['content'] };
  });
}

/** Every query of a dashboard, those of its variables too, as Grafana asks it with all values chosen, or with `chosen` where one is to be. */
export function questionsOf({ content }: CommittedDashboard, chosen: Readonly<Record<string, string>>): readonly Question[] {
  const variables = content.templating.list;
  const replaced = (text: string): string =>
    variables.reduce(
      (soFar, { name, includeAll, allValue }) => soFar.replaceAll(`$${name}`, (includeAll ? allValue : chosen[name]) ?? ''),
      text.replaceAll('$__rate_interval', RATE_INTERVAL),
    );
  const panels = content.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): Question => ({ where: `${content.title}, ${title}`, query: replaced(expr) })),
  );
  const values = variables.flatMap(({ name, definition }): Question[] => {
    const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '') ?? [];
    return selector === undefined ? [] : [{ where: `${content.title}, variable ${name}`, query: replaced(selector), label }];
  });
  return [...panels, ...values];
}
