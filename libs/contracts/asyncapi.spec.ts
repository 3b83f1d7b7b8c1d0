import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { asyncApiDocument } from './asyncapi.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('schemas/asyncapi.json is fresh (npm run schemas)', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('schemas/asyncapi.json')).toBe(`${JSON.stringify(asyncApiDocument(version), null, 2)}\n`);
});
