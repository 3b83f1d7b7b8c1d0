import { QuantileSketch } from '#libs/sketch';
import { Counts, type CountsJson } from './counts.js';
import type { Measured, TerminalEvent } from './measure.js';

/** Every quantity with a quantile sketch: seconds, seconds, tokens per second, tokens per second. */
const SKETCHES = ['ttft', 'latency', 'decodeRate', 'unstreamedRate'] as const;
type SketchName = (typeof SKETCHES)[number];

export type FiguresJson = readonly [...CountsJson, sketches: readonly string[]];

/** What is read where nothing was measured. Nothing is ever added to it. */
const EMPTY = new QuantileSketch();

/** Counts, sums and sketches of requests: of one series for ever, or within one bucket of time. Everything in it is additive. */
export class Figures extends Counts {
  /** Made with the first value: there are many figures, and most lack some sketch. */
  private readonly sketches: Partial<Record<SketchName, QuantileSketch>> = {};

  addEnded(event: TerminalEvent, measured: Measured): void {
    this.countEnded(event, measured);
    const { ttftSeconds, latencySeconds, decode, unstreamedRate } = measured;
    if (ttftSeconds !== undefined) this.writable('ttft').add(ttftSeconds);
    if (latencySeconds !== undefined) this.writable('latency').add(latencySeconds);
    if (decode) this.writable('decodeRate').add((decode.tokens * 1e6) / decode.microseconds);
    if (unstreamedRate !== undefined) this.writable('unstreamedRate').add(unstreamedRate);
  }

  merge(other: Figures): void {
    this.addCounts(other);
    for (const name of SKETCHES) {
      const theirs = other.sketches[name];
      if (theirs) this.writable(name).merge(theirs);
    }
  }

  /** Shares nothing with it. */
  clone(): Figures {
    const copy = new Figures();
    copy.addCounts(this);
    for (const name of SKETCHES) {
      const sketch = this.sketches[name];
      if (sketch) copy.sketches[name] = sketch.clone();
    }
    return copy;
  }

  /** To be read only, as all sketches. */
  get ttft(): QuantileSketch {
    return this.sketches.ttft ?? EMPTY;
  }

  get latency(): QuantileSketch {
    return this.sketches.latency ?? EMPTY;
  }

  get decodeRate(): QuantileSketch {
    return this.sketches.decodeRate ?? EMPTY;
  }

  get unstreamedRate(): QuantileSketch {
    return this.sketches.unstreamedRate ?? EMPTY;
  }

  toJSON(): FiguresJson {
    return [...this.countsJson(), SKETCHES.map((name) => textOf(this.sketches[name]))];
  }

  static fromJSON([counts, failed, cancelled, latencyBins, sketches]: FiguresJson): Figures {
    const figures = new Figures();
    figures.setCounts([counts, failed, cancelled, latencyBins]);
    for (const [index, name] of SKETCHES.entries()) {
      const text = sketches[index];
      if (text) figures.sketches[name] = QuantileSketch.decode(Buffer.from(text, 'base64'));
    }
    return figures;
  }

  private writable(name: SketchName): QuantileSketch {
    return (this.sketches[name] ??= new QuantileSketch());
  }
}

function textOf(sketch: QuantileSketch | undefined): string {
  return sketch ? Buffer.from(sketch.encode()).toString('base64') : '';
}
