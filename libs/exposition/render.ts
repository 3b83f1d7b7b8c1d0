import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Family } from './families.js';
import type { ExpositionFormat } from './formats.js';
import { write } from './write.js';

const SLICE_MS = 5;

/**
 * Writes families into one text in UTF-8. Others wait at most `sliceMs`, and what one sample or 64 Ki characters take, for their turn. Rejects with
 * what reading the samples throws.
 */
export async function render(families: Iterable<Family>, format: ExpositionFormat, { sliceMs = SLICE_MS } = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await inSlices(write(families, format), sliceMs, (chunk) => void chunks.push(Buffer.from(chunk)));
  const text = Buffer.allocUnsafeSlow(chunks.reduce((bytes, { length }) => bytes + length, 0));
  let end = 0;
  await inSlices(chunks, sliceMs, (chunk) => (end += chunk.copy(text, end)));
  return text;
}

async function inSlices<T>(items: Iterable<T>, sliceMs: number, take: (item: T) => void): Promise<void> {
  let sinceMs = performance.now();
  for (const item of items) {
    take(item);
    if (performance.now() - sinceMs < sliceMs) continue;
    await nextTurn();
    sinceMs = performance.now();
  }
}

const gzipOnThread = promisify(gzip);

/** Compresses a text, quickly rather than well, on a thread of its own. */
export async function compress(text: Buffer): Promise<Buffer> {
  return gzipOnThread(text, { level: 1 });
}
