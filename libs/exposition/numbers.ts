/** A sample's value: whole numbers plain, others as short as they can be read back. */
export function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** A bucket's bound, as Python's and Go's clients print it and queries match it: `0.1`, `1.0`, `1e+06`, `+Inf`. */
export function boundText(bound: number): string {
  if (!Number.isFinite(bound)) return valueText(bound);
  const size = Math.abs(bound);
  if (size >= 1e6 || (size < 1e-4 && size > 0)) return bound.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
