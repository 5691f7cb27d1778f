import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatMilliseconds, formatShare, formatSigned } from '../../../../src/core/format/quantity';
import { formatKindCount, formatTaskCount } from '../../../../src/core/format/taskKind';

describe('figures in words', () => {
  it.each([
    [0, true, '0'],
    [1204, true, '1,204'],
    [1204.4, false, '~1,204'],
    [999.5, true, '1,000'],
    [100_000, true, '100,000'],
    [1_234_567, true, '1,234,567'],
  ])('count %d (exact: %s) is %s', (count, exact, text) => {
    expect(formatCount(count, exact)).toBe(text);
  });

  it.each([
    [3, '+3'],
    [-1200, '−1,200'],
    [0.2, '±0'],
  ])('change %d is %s', (change, text) => {
    expect(formatSigned(change)).toBe(text);
  });

  it.each([
    [-5, '0 ms'],
    [340, '340 ms'],
    [41_900, '41 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
    [4 * 86_400_000 + 3 * 3_600_000, '4 d 3 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [12, '12 B'],
    [5 * 1024, '5 KB'],
    [50_541_363, '48.2 MB'],
    [512 * 1024 * 1024, '512 MB'],
    [1.4 * 1024 ** 3, '1.4 GB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('shows decimals only where they say something', () => {
    expect(formatMilliseconds(1.24)).toBe('1.2 ms');
    expect(formatMilliseconds(2)).toBe('2 ms');
    expect(formatMilliseconds(1204.4)).toBe('1,204 ms');
    expect(formatShare(0.004)).toBe('0.4 %');
    expect(formatShare(0.123)).toBe('12 %');
  });

  it('agrees nouns with their number', () => {
    expect(formatKindCount('promise', 1)).toBe('1 promise');
    expect(formatKindCount('timeout', 12)).toBe('12 timeouts');
    expect(formatKindCount('request', 1200, false)).toBe('~1,200 requests');
    expect(formatTaskCount(1)).toBe('1 task');
  });
});
