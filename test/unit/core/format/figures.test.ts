import { expect, test } from 'vitest';
import { formatAge, formatEstimate, formatGrowth, formatRate, formatSiteCount } from '../../../../src/core/format/figures';

test.each([
  [0, '< 1 s'],
  [NaN, '< 1 s'],
  [999, '< 1 s'],
  [41_900, '41 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [239_000, '3 min'],
  [7_500_000, '2 h 5 min'],
  [7_200_000, '2 h'],
  [273_600_000, '3 d 4 h'],
])('an age of %d ms is %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});

test.each([
  [1234, true, 0, '1,234'],
  [1234, false, 0, '~1,234'],
  [1234, false, 7, '~1,234'],
  [1234, false, 35, '~1,230'],
  [1234, false, 160, '~1,200'],
  [3, false, 25, '~3'],
  [0, false, 0, '~0'],
])('a count of %d (exact %s, error %d) is %s', (count, exact, error, text) => {
  expect(formatEstimate({ count, exact, error })).toBe(text);
});

test.each([
  [0, '0/s'],
  [0.04, '0/s'],
  [0.25, '0.3/s'],
  [3, '3/s'],
  [9.96, '10/s'],
  [1234, '1,234/s'],
  [-2.5, '−2.5/s'],
])('a rate of %d is %s', (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});

test('growth is what remains of what starts', () => {
  expect(formatGrowth({ ratePerSec: 5, endedPerSec: 2 })).toBe('+3/s');
  expect(formatGrowth({ ratePerSec: 2, endedPerSec: 2.5 })).toBe('−0.5/s');
  expect(formatGrowth({ ratePerSec: 900, endedPerSec: 900.01 })).toBe('');
});

test('nouns agree', () => {
  expect(formatSiteCount({ kind: 'promise', since: 'attach', count: 1, exact: true, error: 0 })).toBe('1 promise');
  expect(formatSiteCount({ kind: 'timeout', since: 'attach', count: 0, exact: true, error: 0 })).toBe('0 timeouts');
  expect(formatSiteCount({ kind: 'request', since: 'attach', count: 1234, exact: false, error: 160 })).toBe('~1,200 requests');
});
