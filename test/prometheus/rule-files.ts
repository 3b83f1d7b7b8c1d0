import { readdirSync, readFileSync } from 'node:fs';
import { ROOT } from '../support/shared.js';

/** Where the shipped configuration of Prometheus is, with a trailing slash. */
export const DEPLOYED = `${ROOT}deploy/prometheus/`;
/** The shipped rule files and their test files, as absolute paths. */
export const RULE_FILES = filesIn('rules');
export const RULE_TESTS = filesIn('tests');

/** One rule as its file has it; `fields` are the other keys of the rule, its labels and annotations among them. */
export interface WrittenRule {
  readonly kind: 'alert' | 'record';
  readonly name: string;
  readonly expression: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** The moments at which a test file looks at one alert, in order; `fires`: whether it is to be firing then. */
export interface AlertCase {
  readonly alert: string;
  readonly moments: readonly { readonly at: string; readonly fires: boolean }[];
}

/** The rules of a file, as far as the YAML is laid out as in ours: one key a line, expressions in one line or in a block. */
export function rulesOf(path: string): readonly WrittenRule[] {
  return readFileSync(path, 'utf8')
    .split(/^ +- (?=alert:|record:)/m)
    .slice(1)
    .map(ruleOf);
}

/** The cases of a test file, one for each of its tests. */
export function casesOf(path: string): readonly AlertCase[] {
  return readFileSync(path, 'utf8')
    .split(/^ +- name: /m)
    .slice(1)
    .map((text) => ({
      alert: text.split('\n')[0]!,
      moments: Array.from(text.matchAll(/eval_time: (\S+)\n +alertname: (\S+)\n +exp_alerts:(.*)/g), ([, at = '', , alerts = '']) => ({
        at,
        fires: alerts.trim() !== '[]',
      })),
    }));
}

/** The names of metrics that an expression reads. */
export function metricsIn(expression: string): readonly string[] {
  const bare = expression.replaceAll(/"[^"]*"|\{[^}]*\}|\[\w+\]/g, ' ').replaceAll(/\b(?:by|on|ignoring|without) *\([^)]*\)/g, ' ');
  return (bare.match(/\b[a-z_][a-z0-9_:]*\b(?! *\()/gi) ?? []).filter((word) => /_|^up$/.test(word));
}

function ruleOf(text: string): WrittenRule {
  const [, kind = '', name = ''] = /^(alert|record): (\S+)/.exec(text) ?? [];
  const [, inLine = '', block = ''] = /^ +expr: (?:\|\n((?: {10}.*\n?)+)|(.*))/m.exec(text) ?? [];
  const lines = text.matchAll(/^ +(for|severity|slo|summary|description): (.*)$/gm);
  const fields = new Map(Array.from(lines, ([, key = '', value = '']) => [key, value]));
  return { kind: kind as WrittenRule['kind'], name, expression: (inLine || block).trim(), fields };
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(DEPLOYED + folder).map((name) => `${DEPLOYED}${folder}/${name}`);
}
