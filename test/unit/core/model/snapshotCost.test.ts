import { describe, expect, it } from 'vitest';
import { estimateSnapshotPauseMs } from '../../../../src/core/model/snapshotCost';

describe('estimateSnapshotPauseMs', () => {
  it.each([
    [62e6, 1_200],
    [213e6, 17_000],
    [810e6, 95_000],
  ])('meets the measured point of %d bytes', (heap, pause) => {
    expect(estimateSnapshotPauseMs(heap)).toBeCloseTo(pause, 6);
  });

  it('rises with the heap, within and beyond the measured range', () => {
    const pauses = [1e6, 30e6, 62e6, 100e6, 213e6, 400e6, 810e6, 4e9].map(estimateSnapshotPauseMs);
    expect([...pauses].sort((a, b) => a - b)).toEqual(pauses);
    expect(new Set(pauses).size).toBe(pauses.length);
  });

  it('never promises less than the shortest pause seen', () => {
    for (const heap of [0, -1, Number.NaN, 1]) expect(estimateSnapshotPauseMs(heap)).toBeGreaterThanOrEqual(130);
  });
});
