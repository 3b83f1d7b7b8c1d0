import { Figures, type FiguresJson } from './figures.js';
import { emplace } from './series.js';

interface BucketJson {
  readonly peakRunning: number;
  readonly figures: readonly (readonly [seriesId: string, figures: FiguresJson])[];
}

interface Content {
  peakRunning: number;
  readonly figures: Map<string, Figures>;
}

/**
 * The figures of one span of event time, by series id. Most of the thousand buckets of a partition lie untouched for hours: at rest a
 * bucket is nothing but its JSON, a tenth of the size, and comes back to life when it is read or added to.
 */
export class Bucket {
  changed = true;
  private content: Content | undefined = { peakRunning: 0, figures: new Map() };
  /** Its JSON, unless something was added since that was written. */
  private written: string | undefined;
  private writtenHash = '';

  /** A bucket at rest. `hash` is that of the text. */
  static atRest(text: string, hash: string): Bucket {
    const bucket = new Bucket();
    Object.assign(bucket, { changed: false, content: undefined, written: text, writtenHash: hash });
    return bucket;
  }

  /** Equal hashes, equal content. Only a bucket that was made by `atRest`, and not added to since, has one. */
  get hash(): string {
    return this.writtenHash;
  }

  /** Greatest fleet-wide number of running requests seen in it. */
  get peakRunning(): number {
    return this.open().peakRunning;
  }

  get figures(): ReadonlyMap<string, Figures> {
    return this.open().figures;
  }

  /** The figures of one series, to be added to. */
  of(seriesId: string): Figures {
    return emplace(this.change().figures, seriesId, () => new Figures());
  }

  seePeak(running: number): void {
    if (running > this.peakRunning) this.change().peakRunning = running;
  }

  merge(other: Bucket): void {
    this.seePeak(other.peakRunning);
    for (const [id, figures] of other.figures) this.of(id).merge(figures);
  }

  /** Comes back to life ahead of need. */
  wake(): void {
    this.open();
  }

  /** Gives its memory back, if its text has been asked for since the last change. */
  rest(): void {
    if (this.written !== undefined) this.content = undefined;
  }

  /** Its JSON: equal content, equal text. */
  text(): string {
    return (this.written ??= JSON.stringify(jsonOf(this.open())));
  }

  private change(): Content {
    const content = this.open();
    this.changed = true;
    this.written = undefined;
    this.writtenHash = '';
    return content;
  }

  private open(): Content {
    return (this.content ??= contentOf(this.written));
  }
}

function jsonOf({ peakRunning, figures }: Content): BucketJson {
  const sorted = [...figures].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { peakRunning, figures: sorted.map(([id, one]) => [id, one.toJSON()] as const) };
}

/** Text that no bucket wrote gives nothing: whoever reads a bucket can do nothing about it. */
function contentOf(text: string | undefined): Content {
  try {
    const { peakRunning, figures } = JSON.parse(text ?? '') as BucketJson;
    return { peakRunning, figures: new Map(figures.map(([id, json]) => [id, Figures.fromJSON(json)])) };
  } catch {
    return { peakRunning: 0, figures: new Map() };
  }
}
