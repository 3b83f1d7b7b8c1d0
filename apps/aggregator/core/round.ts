/** `value` to `digits` decimals; what is not a finite number is 0, since every number of the API is one. */
export function round(value: number | undefined, digits: number): number {
  if (value === undefined || !Number.isFinite(value)) return 0;
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
