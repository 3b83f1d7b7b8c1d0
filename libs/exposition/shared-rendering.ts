import type { ExpositionFormat } from './formats.js';
import { compress } from './render.js';

/**
 * One text for all who ask for the same: those who come while it is being written wait for it, those who come later get it again.
 * Keeps the texts of the version last asked for.
 */
export class SharedRendering {
  private version: unknown;
  private readonly texts = new Map<ExpositionFormat, Promise<Buffer>>();
  private readonly compressed = new Map<ExpositionFormat, Promise<Buffer>>();

  /** `version` says whether two texts would be the same: it is compared with `===`. Rejects as `write` does, and then keeps nothing. */
  get(version: unknown, format: ExpositionFormat, gzip: boolean, write: () => Promise<Buffer>): Promise<Buffer> {
    if (version !== this.version) this.forget(version);
    const text = once(this.texts, format, write);
    return gzip ? once(this.compressed, format, async () => compress(await text)) : text;
  }

  private forget(version: unknown): void {
    this.version = version;
    this.texts.clear();
    this.compressed.clear();
  }
}

function once(kept: Map<ExpositionFormat, Promise<Buffer>>, format: ExpositionFormat, make: () => Promise<Buffer>): Promise<Buffer> {
  const known = kept.get(format);
  if (known) return known;
  const made = make();
  kept.set(format, made);
  made.catch(() => {
    if (kept.get(format) === made) kept.delete(format);
  });
  return made;
}
