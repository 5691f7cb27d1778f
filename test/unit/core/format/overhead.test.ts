import { expect, test } from 'vitest';
import { explainCounting, formatCost, formatCounting } from '../../../../src/core/format/overhead.ts';
import { COUNTING_STEPS } from '../../../../src/core/model/task.ts';
import type { Overhead } from '../../../../src/core/model/task.ts';

const OVERHEAD: Overhead = {
  percent: 0.8,
  measured: null,
  budgetPercent: 1,
  pollMs: 0.4,
  mode: 'exact',
  counting: 'exact',
  promiseWeight: 1,
  resourceWeight: 1,
  memoryBytes: 0,
  memoryLimited: false,
};

test('the cost is by the clock, and by comparison where there is one', () => {
  expect(formatCost(OVERHEAD)).toBe('0.8 %');
  expect(formatCost({ ...OVERHEAD, measured: { percent: 0.6, error: 0.3 } })).toBe('0.8 % (measured 0.6 % ± 0.3 %)');
  expect(formatCost({ ...OVERHEAD, measured: { percent: -0.2, error: 0.3 } })).toBe('0.8 % (measured -0.2 % ± 0.3 %)');
});

test('nothing is said of a cost that is not known yet', () => {
  expect(formatCost({ ...OVERHEAD, percent: null })).toBeNull();
});

test('the step says how thin the samples are', () => {
  expect(formatCounting(OVERHEAD)).toBe('exact');
  expect(formatCounting({ ...OVERHEAD, mode: 'sampled' })).toBe('exact again, counts from before are estimates');
  expect(formatCounting({ ...OVERHEAD, mode: 'sampled', counting: 'sampled stacks', promiseWeight: 64 })).toBe('sampled stacks (1 in 64)');
  expect(formatCounting({ ...OVERHEAD, mode: 'sampled', counting: 'duty-cycled', promiseWeight: 4096, resourceWeight: 8, memoryLimited: true })).toBe(
    'duty-cycled (1 in 4,096, memory limit)',
  );
});

test('every step is explained', () => {
  for (const counting of COUNTING_STEPS) expect(explainCounting({ ...OVERHEAD, counting })).toMatch(/\.$/);
});
