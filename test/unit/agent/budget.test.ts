import { expect, test } from 'vitest';
import { createBudget } from '../../../src/agent/budget.ts';

test('what is not used is saved, up to a limit', () => {
  const budget = createBudget(1, 0);
  const sampler = budget.join();
  const empty = (): number => {
    let taken = 0;
    budget.pay(budget.left);
    // one that never ends would let the test hang
    while (taken < 2_000 && budget.takeSavings(sampler, 1)) taken++;
    budget.pay(budget.left);
    return taken;
  };
  expect(empty()).toBeCloseTo(1_000, 6);
  // 10 ms a second: the first 10 s fill the bucket, the next 50 s are saved
  budget.refill(60_000);
  expect(empty()).toBeCloseTo(500, 6);
  budget.refill(600_000);
  expect(empty()).toBeCloseTo(1_000, 6);
});

test('what upkeep alone owes is forgotten beyond a bucket, so that looks are taken soon after it', () => {
  const budget = createBudget(1, 0);
  for (let i = 0; i < 10_000; i++) budget.payUpkeep(1);
  budget.refill(20_000);
  expect(budget.left).toBeGreaterThan(0);
});

test('a sampler gets what the other one does not want', () => {
  const claims = (first: number, second: number): readonly number[] => {
    const budget = createBudget(1, 0);
    const samplers = [budget.join(), budget.join()] as const;
    budget.claim(samplers[0], first);
    budget.claim(samplers[1], second);
    return [budget.claim(samplers[0], first), budget.claim(samplers[1], second)];
  };
  expect(claims(1, 1)).toEqual([0.005, 0.005]);
  expect(claims(1, 0)).toEqual([0.01, 0.005]);
  expect(claims(0.002, 1)).toEqual([0.005, 0.008]);
});

test('savings are for what takes little of the time, together with what the other one looks at', () => {
  const isHelped = (own: number, other: number): boolean => {
    const budget = createBudget(1, 0);
    const samplers = [budget.join(), budget.join()] as const;
    budget.claim(samplers[0], own);
    budget.claim(samplers[1], other);
    return budget.takeSavings(samplers[0], 1);
  };
  expect(isHelped(0.02, 0)).toBe(true);
  expect(isHelped(0.026, 0)).toBe(false);
  expect(isHelped(0.012, 0.012)).toBe(true);
  expect(isHelped(0.02, 0.02)).toBe(false);
  // it has half of the budget and gets no more
  expect(isHelped(0.015, 0.5)).toBe(true);
  expect(isHelped(0.021, 0.5)).toBe(false);
});
