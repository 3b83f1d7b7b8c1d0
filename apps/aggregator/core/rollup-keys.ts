/** The two input topics, as they are called in the keys of rollup records. */
export const INPUTS = ['requests', 'gpus'] as const;
export type Input = (typeof INPUTS)[number];

/** The format of bases and deltas. Another one is ignored, and counted. */
export const FORMAT = 4;
export const HEAD = 'head';

/** A record of the rollup topic, without where it is written. */
export interface RollupPart {
  readonly name: string;
  /** UTF-8, or null if the part is gone. */
  readonly value: Uint8Array | null;
}

/** Whose record it is, and what it is. */
export interface RollupKey {
  readonly input: Input;
  readonly partition: number;
  /** Who wrote it: a process, and one of the times that it has owned the partition. Nobody else writes under the same name. */
  readonly writer: string;
  readonly name: string;
}

/** The key of a rollup record. The writer is in it so that a late one cannot erase what a newer one wrote. */
export function rollupKey({ input, partition, writer, name }: RollupKey): string {
  return `${input}-${partition}/${writer}/${name}`;
}

export function parseRollupKey(key: string): RollupKey | undefined {
  const match = /^(requests|gpus)-(\d{1,6})\/([^/]+)\/(.+)$/.exec(key);
  if (!match) return undefined;
  const [, input, partition, writer = '', name = ''] = match;
  return { input: input as Input, partition: Number(partition), writer, name };
}

export function deltaName(index: number): string {
  return `delta/${index}`;
}

export function isDelta(name: string): boolean {
  return name.startsWith('delta/');
}

/** A writer's name: `term` tells apart the times that the process has owned the partition. */
export function writerName(replica: string, term: number): string {
  return `${replica}.${term}`;
}

/** The process behind a writer's name. */
export function replicaOf(writer: string): string {
  const at = writer.lastIndexOf('.');
  return at < 0 ? writer : writer.slice(0, at);
}
