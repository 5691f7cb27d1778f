/**
 * How long a heap snapshot stops the target. Taking one walks every object and writes every edge while nothing else
 * runs, so people are asked before a long one.
 */

/**
 * Measured pauses on Node 24, a busy 2-core machine: heap in bytes, pause in milliseconds. The pause grows faster than
 * the heap (a power of about 2 between the first two), so it is interpolated between logarithms.
 */
const MEASURED: readonly (readonly [heapBytes: number, pauseMs: number])[] = [
  [62e6, 1_200],
  [213e6, 17_000],
  [810e6, 95_000],
];

/** A pause that is expected to be longer than this is asked about first. Milliseconds. */
export const SNAPSHOT_PAUSE_TO_CONFIRM_MS = 3_000;

/** The shortest pause ever measured: 57 thousand nodes. Milliseconds. */
const SHORTEST_PAUSE_MS = 130;

/**
 * The expected pause in milliseconds for a heap of `heapUsed` bytes: a straight line through the measured points in
 * log-log space, its first and last pieces extended outwards. Good to a factor of about 2: it depends on the machine.
 */
export function estimateSnapshotPauseMs(heapUsed: number): number {
  if (!(heapUsed > 0)) return SHORTEST_PAUSE_MS;
  const last = MEASURED.length - 1;
  let upper = 1;
  while (upper < last && heapUsed > (MEASURED[upper]?.[0] ?? Infinity)) upper++;
  const [heapA, pauseA] = point(upper - 1);
  const [heapB, pauseB] = point(upper);
  const slope = Math.log(pauseB / pauseA) / Math.log(heapB / heapA);
  return Math.max(SHORTEST_PAUSE_MS, pauseA * Math.pow(heapUsed / heapA, slope));
}

function point(index: number): readonly [number, number] {
  const measured = MEASURED[index];
  if (measured === undefined) throw new RangeError(`no measured point ${String(index)}`);
  return measured;
}

/**
 * How long counting the promises from before the attach stops the target, in milliseconds: V8 collects garbage, then walks the
 * heap. Measured on a busy two-core machine with Node 20 to 26: 0.1 s at 10 MB, 0.6 s at 60 MB, 2.2 s at 215 MB of processor
 * time, up to three times that on the clock. Good to a factor of about 3.
 */
export function estimatePromiseCountMs(heapUsed: number): number {
  return Math.max(SHORTEST_COUNT_MS, (heapUsed / MEGABYTE) * COUNT_MS_PER_MEGABYTE);
}

/**
 * Up to this many bytes of heap in use, promises from before the attach are counted without being asked for, just after the
 * attach.
 */
export const AUTOMATIC_COUNT_LIMIT = 16 * 1024 * 1024;

const MEGABYTE = 1024 * 1024;
const COUNT_MS_PER_MEGABYTE = 15;
const SHORTEST_COUNT_MS = 100;
