import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasPrometheus } from '../support/prometheus.js';
import { ROOT, sharedFile } from '../support/shared.js';
import { casesOf, DEPLOYED, metricsIn, RULE_FILES, RULE_TESTS, rulesOf } from './rule-files.js';

const seedRules = sharedFile('seed/rules.yml');
const rules = RULE_FILES.flatMap(rulesOf);
const alerts = rules.filter(({ kind }) => kind === 'alert');
const cases = RULE_TESTS.flatMap(casesOf);
/** promtool comes with Prometheus. */
const hasPromtool = hasPrometheus();

function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return status === 0 ? stdout : `exit code ${status}: ${stdout}${stderr}`;
}

describe('the shipped rules', () => {
  it.runIf(hasPromtool)('pass promtool check rules, duplicates included', () => {
    const said = promtool('check', 'rules', '--lint=all', '--lint-fatal', ...RULE_FILES);
    expect(said).not.toMatch(/exit code|FAILED/);
    const found = Array.from(said.matchAll(/(\d+) rules found/g), ([, count]) => Number(count));
    expect(found.reduce((sum, count) => sum + count, 0)).toBe(rules.length);
  });

  it.runIf(hasPromtool)('are found by the shipped configuration', () => {
    const said = promtool('check', 'config', `${DEPLOYED}prometheus.yml`);
    expect(said).toContain(`${RULE_FILES.length} rule files found`);
    expect(said).toContain('is valid prometheus config file syntax');
  });

  it.runIf(hasPromtool).each(RULE_TESTS.map((path) => [basename(path), path] as const))(
    'pass promtool test rules: %s',
    (_, path) => {
      expect(promtool('test', 'rules', path)).toContain('SUCCESS');
    },
    60_000,
  );

  it.runIf(seedRules !== undefined)('hold the first users’ alerts, unchanged', () => {
    expect(readFileSync(`${DEPLOYED}rules/seed.rules.yml`, 'utf8')).toBe(readFileSync(seedRules!, 'utf8'));
  });

  it('have names that say what they are', () => {
    const names = rules.map(({ name }) => name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    const wrong = rules.filter(({ kind, name }) => !(kind === 'alert' ? /^[A-Z][A-Za-z0-9]+$/ : /^(fleet|model):[a-z_]+:\w+$/).test(name));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('read metrics that are documented', () => {
    const documents = ['metrics', 'operations'].map((name) => readFileSync(`${ROOT}docs/${name}.md`, 'utf8')).join('\n');
    const known = new Set([
      'up',
      ...rules.map(({ name }) => name),
      ...Array.from(documents.matchAll(/`([a-z_:0-9]+)`/g), ([, name]) => name),
    ]);
    const read = new Set(rules.flatMap(({ expression }) => metricsIn(expression)));
    expect(read.size).toBeGreaterThan(40);
    expect([...read].filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|count)$/, '')))).toEqual([]);
  });

  it('tell people what is wrong and how bad it is', () => {
    const ours = alerts.filter(({ name }) => name.startsWith('Inferometer'));
    expect(ours.length).toBeGreaterThan(20);
    const wrong = ours.filter(
      ({ fields }) => !/^(warning|critical)$/.test(fields.get('severity') ?? '') || !fields.has('summary') || !fields.has('description'),
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('record ratios over the windows that their names say', () => {
    const windowed = rules.filter(({ kind, name }) => kind === 'record' && name.includes('rate'));
    expect(windowed.length).toBeGreaterThan(15);
    for (const { name, expression } of windowed) {
      const window = /rate(\w+)$/.exec(name)?.[1];
      expect([name, ...new Set(Array.from(expression.matchAll(/\[(\w+)\]/g), ([, found]) => found))]).toEqual([name, window]);
    }
  });
});

describe('the cases of every alert', () => {
  it('name alerts that there are', () => {
    expect([...new Set(cases.map(({ alert }) => alert))].toSorted()).toEqual(alerts.map(({ name }) => name).toSorted());
  });

  it.each(cases.map((one) => [one.alert, one.moments] as const))('%s: silent, firing, resolved', (_, moments) => {
    const states = moments.map(({ fires }) => (fires ? 'fires' : 'silent'));
    expect(states.slice(0, 1)).toEqual(['silent']);
    expect(states.slice(-1)).toEqual(['silent']);
    expect(states).toContain('fires');
  });
});
