import type { MetricsDocument } from '#libs/contracts';

/** What tells series apart in the answers. */
export interface Labels {
  readonly model: string;
  readonly tenant: string;
}

export type End = 'successful' | 'failed' | 'cancelled' | 'lost';

/** The counts of one label set, by those who caused them or by those who tell of them. */
export type Line = Record<'total' | End | 'waiting' | 'running' | 'input' | 'output', number>;

/** What really happened, kept by who made it happen. */
export class Ledger {
  private readonly lines = new Map<string, { readonly labels: Labels; readonly line: Line }>();
  /** What is known of each line. */
  readonly columns: readonly (keyof Line)[];

  /** `tokens` false: nobody counted them. */
  constructor({ tokens = true } = {}) {
    const columns = Object.keys(newLine()) as (keyof Line)[];
    this.columns = tokens ? columns : columns.filter((name) => name !== 'input' && name !== 'output');
  }

  received(labels: Labels): void {
    this.lineOf(labels).total += 1;
  }

  ended(labels: Labels, end: End, input = 0, output = 0): void {
    const line = this.lineOf(labels);
    line[end] += 1;
    line.input += input;
    line.output += output;
  }

  get labels(): readonly Labels[] {
    return [...this.lines.values()].map(({ labels }) => labels);
  }

  get total(): number {
    return [...this.lines.values()].reduce((total, { line }) => total + line.total, 0);
  }

  lineOf(labels: Labels): Line {
    const key = JSON.stringify([labels.model, labels.tenant]);
    const found = this.lines.get(key) ?? { labels, line: newLine() };
    this.lines.set(key, found);
    return found.line;
  }

  /** Adds another ledger's lines to this one's. */
  add(other: Ledger): this {
    for (const { labels, line } of other.lines.values()) {
      const own = this.lineOf(labels);
      for (const name of Object.keys(line) as (keyof Line)[]) own[name] += line[name];
    }
    return this;
  }
}

/** What an answer says about its label set. */
export function lineOf({ requests, tokens }: MetricsDocument): Line {
  const { total, successful, failed, cancelled, lost, waiting, running } = requests;
  return { total, successful, failed, cancelled, lost, waiting, running, input: tokens.total_input, output: tokens.total_output };
}

function newLine(): Line {
  return { total: 0, successful: 0, failed: 0, cancelled: 0, lost: 0, waiting: 0, running: 0, input: 0, output: 0 };
}
