import type { Family } from './families.js';
import type { ExpositionFormat } from './formats.js';
import { write } from './write.js';

export function written(families: Iterable<Family>, format: ExpositionFormat): string {
  return [...write(families, format)].join('');
}

export function withoutExemplars(family: Family): Family {
  if (family.edges === undefined) return { ...family, samples: [...family.samples].map(({ labels, value }) => ({ labels, value })) };
  return { ...family, samples: [...family.samples].map(({ labels, cells, sum }) => ({ labels, cells, sum })) };
}
