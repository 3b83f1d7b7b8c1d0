import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { SettingsError, SettingsReader } from '#libs/runtime';
import { aggregatorSettings } from '../apps/aggregator/settings.js';
import { gatewaySettings } from '../apps/gateway/settings.js';
import { gpuProbeSettings } from '../apps/gpu-probe/settings.js';
import { modelServerSettings } from '../apps/model-server/settings.js';
import { stackSettings } from '../apps/stack/settings.js';
import { ROOT } from './support/shared.js';

const PROCESSES = [
  [
    'npm start',
    'Everything in one process. It reads the settings of all its parts, and these. Without `UPSTREAM_URL`, three requests run and ten wait, and the GPU is simulated, unless set otherwise.',
    stackSettings,
  ],
  ['npm run start:gateway', 'The proxy in front of the model server.', gatewaySettings],
  ['npm run start:aggregator', 'The fold, the API and the Prometheus text.', aggregatorSettings],
  ['npm run start:gpu-probe', 'GPU readings.', gpuProbeSettings],
  ['npm run start:model-server', 'The simulated model server.', modelServerSettings],
] as const;

function declarations(settings: (read: SettingsReader) => unknown) {
  const read = new SettingsReader({});
  try {
    settings(read);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
  }
  return read.declarations();
}

/** `npm start` first, without what its parts say of themselves in the same words. */
function rows(settings: (read: SettingsReader) => unknown): readonly string[] {
  const parts = PROCESSES.filter(([, , part]) => part !== stackSettings).flatMap(([, , part]) => declarations(part));
  const isRepeated = (line: string): boolean => settings === stackSettings && parts.some((part) => rowOf(part) === line);
  return declarations(settings)
    .map(rowOf)
    .filter((line) => !isRepeated(line));
}

function rowOf({ name, fallback, about }: { name: string; fallback: string; about: string }): string {
  const shown = fallback === hostname() ? 'host name' : fallback.replace('(none)', '');
  return `| \`${name}\` | ${shown.replaceAll('|', '\\|')} | ${about} |`;
}

it('docs/settings.md is what the code reads (npx vitest run test/settings-doc.spec.ts -u)', async () => {
  const sections = PROCESSES.map(([command, about, settings]) =>
    [`## \`${command}\``, '', about, '', '| Variable | Default | |', '|---|---|---|', ...rows(settings)].join('\n'),
  );
  const intro =
    'Environment variables, read once at the start; all mistakes are reported together. `--help` of each process lists its own.';
  await expect(['# Settings', intro, ...sections, ''].join('\n\n').trimEnd() + '\n').toMatchFileSnapshot(`${ROOT}docs/settings.md`);
});
