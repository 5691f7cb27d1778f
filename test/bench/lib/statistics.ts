/** How figures of a noisy machine are made: noise only ever slows a window down, so the better half of the windows counts. */

/** @throws {RangeError} when there are no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('There is no median of nothing.');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** Median of the lower half: of costs. */
export function low(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return median(sorted.slice(0, Math.ceil(sorted.length / 2)));
}

/** The value that a share of all values does not exceed, 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}
