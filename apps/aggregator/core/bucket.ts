import { Figures, type FiguresJson } from './figures.js';
import { emplace } from './series.js';

type LineJson = readonly [seriesId: string, figures: FiguresJson];

interface Content {
  peakRunning: number;
  readonly figures: Map<string, Figures>;
}

/**
 * The figures of one span of event time, by series id. Most of the thousand buckets of a partition lie untouched for hours: at rest a
 * bucket is nothing but its text, a tenth of the size, and comes back to life when it is read or added to.
 */
export class Bucket {
  private content: Content | undefined = { peakRunning: 0, figures: new Map() };
  /** Its text, unless something was added since that was written. */
  private written: string | undefined;
  private currentStamp: object | undefined;

  /** A bucket at rest, from what `text` gave. */
  static atRest(text: string): Bucket {
    const bucket = new Bucket();
    Object.assign(bucket, { content: undefined, written: text });
    return bucket;
  }

  /** Shares nothing with it but what cannot change; at rest as it is. */
  clone(): Bucket {
    if (!this.content) return Bucket.atRest(this.text());
    const { peakRunning, figures } = this.content;
    const copy = new Bucket();
    copy.content = { peakRunning, figures: new Map(Array.from(figures, ([id, its]) => [id, its.clone()])) };
    copy.written = this.written;
    return copy;
  }

  /** Another object after each change: as long as it is the same, nothing was added. */
  get stamp(): object {
    return (this.currentStamp ??= {});
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

  /** Gives its memory back. Writes its text for that, unless that was done since the last change. */
  rest(): void {
    this.text();
    this.content = undefined;
  }

  /** As lines of JSON: the peak, then one for each series in the order of the ids. Equal content, equal lines. */
  lines(): Iterable<string> {
    return this.written === undefined ? linesOf(this.open()) : this.written.split('\n');
  }

  text(): string {
    return (this.written ??= [...linesOf(this.open())].join('\n'));
  }

  private change(): Content {
    const content = this.open();
    this.written = undefined;
    this.currentStamp = undefined;
    return content;
  }

  private open(): Content {
    return (this.content ??= contentOf(this.written));
  }
}

function* linesOf({ peakRunning, figures }: Content): Generator<string> {
  yield JSON.stringify(peakRunning);
  for (const id of [...figures.keys()].toSorted()) {
    const line: LineJson = [id, figures.get(id)!.toJSON()];
    yield JSON.stringify(line);
  }
}

/** Text that no bucket wrote gives nothing: whoever reads a bucket can do nothing about it. */
function contentOf(text: string | undefined): Content {
  try {
    const [peak = '', ...lines] = text?.split('\n') ?? [];
    const figures = lines.map((line) => JSON.parse(line) as LineJson);
    return { peakRunning: JSON.parse(peak) as number, figures: new Map(figures.map(([id, json]) => [id, Figures.fromJSON(json)])) };
  } catch {
    return { peakRunning: 0, figures: new Map() };
  }
}
