import { FINE_MS, MAX_AHEAD_MS } from './buckets.js';
import type { PartitionState } from './partition-state.js';
import { canonicalParts } from './state-parts.js';

/** One number, or whatever else, that two states do not have in common. */
export interface Difference {
  /** Which part, and where in it. */
  readonly place: string;
  readonly published: string;
  readonly folded: string;
}

const NONE = 'nothing';
const OF_EXEMPLARS = /^series\/[^.]+\.exemplars\b/;

/** Everything in which two states differ, but for the exemplars: a writer of an older version leaves them out. */
export function differencesOf(published: PartitionState, folded: PartitionState): readonly Difference[] {
  return compareParts(partsOf(published), partsOf(folded));
}

/**
 * The same for a state that was folded from where the log begins now, `fromMs` by its clock, because older records are gone: compares the
 * buckets of time that nothing older can have reached.
 */
export function laterDifferences(published: PartitionState, folded: PartitionState, fromMs: number): readonly Difference[] {
  const isLater = (name: string): boolean => {
    const [kind, start] = name.split('/');
    return kind === 'fine' && Number(start) >= fromMs + MAX_AHEAD_MS + FINE_MS;
  };
  const later = (state: PartitionState) => new Map([...partsOf(state)].filter(([name]) => isLater(name)));
  return compareParts(later(published), later(folded));
}

type Parts = ReadonlyMap<string, readonly string[]>;

function partsOf(state: PartitionState): Parts {
  return new Map(canonicalParts(state));
}

function compareParts(published: Parts, folded: Parts): readonly Difference[] {
  const names = new Set([...published.keys(), ...folded.keys()]);
  return [...names].flatMap((name) => {
    const [one, other] = [published.get(name), folded.get(name)];
    if (one?.join('\n') === other?.join('\n')) return [];
    return [...deepDifferences(name, valueOf(one), valueOf(other))].filter(({ place }) => !OF_EXEMPLARS.test(place));
  });
}

/** A part as one value: its first line, and the others by what they are about. */
function valueOf(lines: readonly string[] | undefined): unknown {
  if (!lines) return undefined;
  const [first = 'null', ...rest] = lines;
  if (rest.length === 0) return JSON.parse(first);
  const about = rest.map((line) => JSON.parse(line) as readonly [string, ...unknown[]]);
  return { itself: JSON.parse(first) as unknown, ...Object.fromEntries(about.map(([id, ...values]) => [id, values])) };
}

function* deepDifferences(place: string, one: unknown, other: unknown): Generator<Difference> {
  if (isTree(one) && isTree(other)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
      yield* deepDifferences(`${place}.${key}`, one[key], other[key]);
  } else if (one !== other) {
    yield { place, published: textOf(one), folded: textOf(other) };
  }
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return value === undefined ? NONE : JSON.stringify(value);
}
