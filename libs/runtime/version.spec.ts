import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { NODE_RANGE, VERSION } from './version.js';

it('VERSION and NODE_RANGE are those of package.json', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Record<string, unknown>;
  expect(manifest).toMatchObject({ version: VERSION, engines: { node: NODE_RANGE } });
});
