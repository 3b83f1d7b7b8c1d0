import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/shared.js';
import { documents, MarkdownFile, type Mention } from './markdown.js';

const DOCUMENTS = documents();
/** Those for operators: a variable in them is a setting of ours, unless it is one of these. */
const OPERATORS = DOCUMENTS.filter(({ path }) => !/^(examples|deploy)\//.test(path));
const OTHERS_VARIABLES = new Set([
  // Read by Grafana and its provisioning.
  'GF_PATHS_PROVISIONING',
  'INFEROMETER_DASHBOARDS',
  'PROMETHEUS_URL',
  // Read by terminal programs.
  'NO_COLOR',
  'FORCE_COLOR',
  // Read by Node.
  'NODE_OPTIONS',
  // Of tests and benchmarks.
  'CI',
  'GATEWAY_BENCH',
  'KAFKA_BROKERS',
  'REQUIRE_KAFKA',
  'SIZING_BENCH',
  'TEST_COMPOSE',
]);
/** What others have under a name that looks like a file of ours: of vLLM, of OpenTelemetry, of Kubernetes. */
const ELSEWHERE = /^(examples\/observability\/|docs\/gen-ai\/|apps\/v1$)/;
const FOLDERS = 'apps|bench|deploy|docs|examples|libs|schemas|test|tools';

/** As `place: text`, one a line, so that a failure says where to look. */
function told(mentions: readonly Mention[]): readonly string[] {
  return mentions.map(({ place, text }) => `${place}: ${text}`);
}

describe('what the documents name', () => {
  it('are scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> };
    const named = DOCUMENTS.flatMap((file) => file.mentions(/\bnpm run (?:-s |--silent )?([a-z][\w:-]*)/g));
    expect(named.length).toBeGreaterThan(30);
    expect(told(named.filter(({ text }) => !(text in scripts)))).toEqual([]);
  });

  it('are settings that docs/settings.md has, or docker-compose.yml', () => {
    const ours = readFileSync(`${ROOT}docs/settings.md`, 'utf8').match(/(?<=^\| `)[A-Z0-9_]+(?=`)/gm);
    const ofCompose = readFileSync(`${ROOT}docker-compose.yml`, 'utf8').match(/(?<=\$\{)[A-Z0-9_]+/g);
    const known = new Set([...(ours ?? []), ...(ofCompose ?? []), ...OTHERS_VARIABLES]);
    const named = OPERATORS.flatMap((file) => file.mentionsInCode(/(?<![\w$%{./-])\$?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w*])/g));
    expect(named.length).toBeGreaterThan(60);
    expect(told(named.filter(({ text }) => !known.has(text)))).toEqual([]);
  });

  it('are files that are there', () => {
    const named = DOCUMENTS.flatMap((file) => file.mentionsInCode(new RegExp(`(?<![\\w./*@#-])((?:${FOLDERS})/[\\w./*{},@-]*)`, 'g')));
    expect(named.length).toBeGreaterThan(30);
    const missing = named.filter(({ text }) => !ELSEWHERE.test(text) && globSync(text.replace(/[.,]+$/, ''), { cwd: ROOT }).length === 0);
    expect(told(missing)).toEqual([]);
  });

  it('are links that lead somewhere', () => {
    const links = DOCUMENTS.flatMap((file) => file.links().map((link) => ({ ...link, target: targetOf(file, link.text) })));
    expect(links.length).toBeGreaterThan(50);
    expect(told(links.filter(({ target }) => !existsSync(`${ROOT}${target.path}`)))).toEqual([]);
    const withAnchor = links.filter(({ target }) => target.anchor !== '' && existsSync(`${ROOT}${target.path}`));
    expect(told(withAnchor.filter(({ target }) => !new MarkdownFile(target.path).anchors().has(target.anchor)))).toEqual([]);
  });

  it('are reached from README.md, whatever is in docs/', () => {
    const linked = new Set(new MarkdownFile('README.md').links().map(({ text }) => normalize(text.replace(/#.*/, ''))));
    const ours = DOCUMENTS.map(({ path }) => path).filter((path) => path.startsWith('docs/'));
    expect(ours.filter((path) => !linked.has(path))).toEqual([]);
  });
});

function targetOf(file: MarkdownFile, link: string): { readonly path: string; readonly anchor: string } {
  const [path = '', anchor = ''] = link.split('#');
  return { path: path === '' ? file.path : normalize(join(dirname(file.path), path)), anchor };
}
