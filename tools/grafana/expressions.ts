/** The width of a rate that Grafana fits to the resolution and to the pace of scrapes. */
const WINDOW = '[$__rate_interval]';

/** Growth per second, summed; `by` lists labels that stay. */
export function perSecond(selector: string, ...by: readonly string[]): string {
  return `sum${grouping(by)}(rate(${selector}${WINDOW}))`;
}

/** The current values, summed; `by` lists labels that stay. */
export function total(selector: string, ...by: readonly string[]): string {
  return `sum${grouping(by)}(${selector})`;
}

/** A quantile of a histogram's values; `name` without `_bucket`, `labels` without braces. */
export function quantile(q: number, name: string, labels = '', ...by: readonly string[]): string {
  return `histogram_quantile(${q}, ${perSecond(`${name}_bucket{${labels}}`, 'le', ...by)})`;
}

/** How many values fell into each bucket, for a heatmap. */
export function spread(name: string, labels: string): string {
  return `sum by (le) (increase(${name}_bucket{${labels}}${WINDOW}))`;
}

/** The mean of a histogram's values. */
export function mean(name: string, labels: string, ...by: readonly string[]): string {
  return `${perSecond(`${name}_sum{${labels}}`, ...by)} / ${perSecond(`${name}_count{${labels}}`, ...by)}`;
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')}) `;
}
