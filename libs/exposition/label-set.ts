/** Names must be valid ones; values may be any text. */
export type Labels = Readonly<Record<string, string>>;

/** The labels of one series with their text. Make it once, and keep it as long as the series lives. */
export class LabelSet {
  /** `a="b",c="d"`, escaped and well-formed; nothing where there are no labels. */
  readonly text: string;

  constructor(readonly labels: Labels) {
    this.text = labelText(labels);
  }
}

/** For series without labels. */
export const NO_LABELS = new LabelSet({});

export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

function escapeLabel(value: string): string {
  return value
    .toWellFormed()
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', '\\n');
}
