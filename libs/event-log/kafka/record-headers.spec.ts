import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeBatch } from './record-batch.js';

interface Document {
  readonly components: { readonly messageTraits: { readonly event: { readonly headers: Headers } } };
}

interface Headers {
  readonly properties: Readonly<Record<string, { readonly const: string }>>;
}

it('records have the headers that schemas/asyncapi.json tells of', () => {
  const { components } = JSON.parse(readFileSync(new URL('../../../schemas/asyncapi.json', import.meta.url), 'utf8')) as Document;
  const headers = Object.entries(components.messageTraits.event.headers.properties);
  // A record ends with the number of its headers, and each with its length: zigzag varints.
  const text = headers.map(([name, value]) => withLength(name) + withLength(value.const)).join('');
  const batch = encodeBatch([{ partition: 0, key: 'k', value: Buffer.from('{}') }]).toString('latin1');
  expect(batch.endsWith(`{}${String.fromCodePoint(headers.length * 2)}${text}`)).toBe(true);
});

function withLength(text: string): string {
  return String.fromCodePoint(text.length * 2) + text;
}
