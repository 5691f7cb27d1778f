import { describe, expect, test } from 'vitest';
import { createBudget } from '../../../src/agent/budget.ts';
import { createSampler } from '../../../src/agent/sampler.ts';
import type { Sampler } from '../../../src/agent/sampler.ts';

function samplerOf(percent: number, fill: () => number = () => 0): Sampler {
  return createSampler(createBudget(percent, 0), 1, 0, fill);
}

/** Lets `count` creations pass evenly over `ms`, each look costing `costMs`; returns what the samples stand for. */
function run(sampler: Sampler, from: number, count: number, ms: number, costMs: number | (() => number)): { estimate: number; looks: number } {
  let estimate = 0;
  let looks = 0;
  for (let i = 0; i < count; i++) {
    if (--sampler.skip > 0) continue;
    const now = from + (ms * i) / count;
    estimate += sampler.weight;
    looks++;
    sampler.paid(now, now + (typeof costMs === 'number' ? costMs : costMs()));
  }
  return { estimate, looks };
}

describe('sampler', () => {
  test('looks at everything while that is affordable', () => {
    const sampler = samplerOf(1);
    expect(run(sampler, 0, 10_000, 10_000, 0.005)).toEqual({ estimate: 10_000, looks: 10_000 });
    expect(sampler.sampled).toBe(false);
  });

  test('under load it spends the budget, and its samples stand for all that was created', () => {
    const sampler = samplerOf(1);
    // 200,000 creations a second for 20 s at 5 us a look: looking at all would take all the time there is
    const { estimate, looks } = run(sampler, 0, 4_000_000, 20_000, 0.005);
    const budgetMs = 20_000 * 0.01 + 100;
    expect(looks * 0.005).toBeLessThan(2 * budgetMs);
    expect(Math.abs(estimate - 4_000_000) / 4_000_000).toBeLessThan(0.05);
    expect(sampler.sampled).toBe(true);
  });

  test('a burst of a million creations is told within a sixth, at little more than what the bucket holds', () => {
    // half a second, in which looks at all would take ten times as long; rare ones find nothing in the processor's caches
    const bursts = Array.from({ length: 40 }, (_, i) => {
      const sampler = createSampler(createBudget(1, 0), 0.2, 0, () => 0);
      const look = (): number => (0.005 + i * 0.00005) * Math.min(4, 1 + sampler.weight / 200);
      const { estimate } = run(sampler, 0, 1_000_000, 500, look);
      return { estimate, spentMs: sampler.spentMs };
    });
    const deviation = Math.sqrt(bursts.reduce((sum, { estimate }) => sum + (estimate / 1_000_000 - 1) ** 2, 0) / bursts.length);
    expect(2 * deviation).toBeLessThan(1 / 6);
    for (const { spentMs } of bursts) expect(spentMs).toBeLessThan(100 + 30);
  });

  test('what lies a little beyond the budget is looked at as a whole until the savings are used up', () => {
    const sampler = samplerOf(1);
    // 2 % of the time: 100 ms in the bucket and 1,000 ms saved last for 110 s
    expect(run(sampler, 0, 400_000, 100_000, 0.005).looks).toBe(400_000);
    expect(sampler.sampled).toBe(false);
    run(sampler, 100_000, 80_000, 20_000, 0.005);
    expect(sampler.sampled).toBe(true);
    // from then on the budget is kept: 1 % of 100 s are 200,000 looks of 5 us
    const { looks, estimate } = run(sampler, 120_000, 400_000, 100_000, 0.005);
    expect(looks).toBeLessThan(220_000);
    expect(Math.abs(estimate - 400_000) / 400_000).toBeLessThan(0.02);
  });

  test('a load far beyond the budget uses up no savings', () => {
    const budget = createBudget(1, 0);
    const sampler = createSampler(budget, 1, 0, () => 0);
    run(sampler, 0, 400_000, 2_000, 0.005);
    expect(budget.takeSavings(budget.join(), 1_000)).toBe(true);
  });

  test('one that is a little beyond the budget is exact beside one that is far beyond it, which does not live on the savings', () => {
    const budget = createBudget(1, 0);
    const modest = createSampler(budget, 0.2, 0, () => 0);
    const greedy = createSampler(budget, 0.2, 0, () => 0);
    const looks = { modest: 0, greedy: 0 };
    // 1.5 % of the time, and all of it
    for (let now = 0; now < 50_000; now += 10) {
      looks.modest += run(modest, now, 30, 10, 0.005).looks;
      looks.greedy += run(greedy, now, 2_000, 10, 0.005).looks;
    }
    expect(looks.modest).toBe(150_000);
    expect(modest.sampled).toBe(false);
    // what the bucket held, half of the budget, and some 40 ms until its weight has grown: the savings are the modest one's
    expect(looks.greedy * 0.005).toBeLessThan(100 + 50_000 * 0.01 * 0.5 + 40);
  });

  test('where hooks do not tell of everything, no savings are used up', () => {
    const budget = createBudget(1, 0);
    const sampler = createSampler(budget, 1, 0, () => 0, () => false);
    run(sampler, 0, 120_000, 30_000, 0.005);
    expect(sampler.sampled).toBe(true);
    expect(budget.takeSavings(budget.join(), 1_000)).toBe(true);
  });

  test('looks at everything again once the load is gone', () => {
    const sampler = samplerOf(1);
    run(sampler, 0, 2_000_000, 10_000, 0.005);
    expect(sampler.weight).toBeGreaterThan(1);
    for (let now = 10_000; now < 60_000; now += 1000) sampler.tick(now);
    expect(sampler.weight).toBe(1);
    expect(run(sampler, 60_000, 100, 1000, 0.005).looks).toBe(100);
  });

  test('one slow look does not thin the sample out', () => {
    const sampler = samplerOf(1);
    sampler.paid(0, 500);
    expect(sampler.weight).toBeLessThanOrEqual(2);
  });

  test('a clock that stands still does no harm', () => {
    const budget = createBudget(1, 0);
    const sampler = createSampler(budget, 1, 0, () => 0);
    budget.pay(2_000);
    for (let i = 0; i < 100; i++) sampler.paid(-1, 0);
    expect(sampler.weight).toBeGreaterThan(1);
    const { estimate } = run(sampler, 0, 1_000_000, 10_000, 0.005);
    expect(sampler.weight).toBeGreaterThan(1);
    expect(estimate).toBeGreaterThan(900_000);
  });

  test('looks get what upkeep leaves of the budget, at once', () => {
    const budget = createBudget(1, 0);
    const sampler = createSampler(budget, 0.2, 0, () => 0);
    budget.pay(budget.left);
    let looks = 0;
    // looks at all would take half of the time; hooks and polls take 0.4 % of it
    for (let now = 0; now < 4_000; now += 10) {
      budget.payUpkeep(0.04);
      ({ looks } = run(sampler, now, 1_000, 10, 0.005));
    }
    const before = sampler.spentMs;
    for (let now = 4_000; now < 14_000; now += 10) {
      budget.payUpkeep(0.04);
      run(sampler, now, 1_000, 10, 0.005);
    }
    expect(looks).toBeGreaterThan(0);
    // 0.6 % of ten seconds
    expect(sampler.spentMs - before).toBeGreaterThan(0.8 * 60);
    expect(sampler.spentMs - before).toBeLessThan(1.3 * 60);
  });

  test('samplers share what there is', () => {
    const budget = createBudget(1, 0);
    const first = createSampler(budget, 0.5, 0, () => 0);
    const second = createSampler(budget, 0.5, 0, () => 0);
    // 100 ms at the start, 10 ms a second: what one leaves, the other may use, and some 10 ms until its weight has grown
    expect(run(first, 0, 25_000, 1000, 0.003).looks).toBe(25_000);
    expect(run(second, 1000, 25_000, 1000, 0.003).looks * 0.003).toBeLessThan(35 + 15);
  });

  test('the fuller the table, the thinner the samples', () => {
    let fill = 0;
    const sampler = samplerOf(100, () => fill);
    const weights = [0, 0.4, 0.5, 0.75, 0.9, 0.99].map((next, i) => {
      fill = next;
      sampler.tick(1000 * (i + 1));
      return sampler.weight;
    });
    expect(weights).toEqual([1, 1, 2, 4, 16, 128]);
  });

  test('what the samples stand for has no bias, however often the weight changes, and the error that is told is the real one', () => {
    const fills = [0.5, 0.9, 0.75, 0.95, 0.5, 0.9];
    const creations = 400;
    let squares = 0;
    let told = 0;
    let total = 0;
    const rounds = 2_000;
    let step = 0;
    const sampler = samplerOf(100, () => fills[step % fills.length] ?? 0);
    for (let round = 0; round < rounds; round++) {
      let estimate = 0;
      for (let i = 0; i < creations; i++) {
        // a poll makes the weight another in the middle of a stretch that is passed over
        if (i % 40 === 0) sampler.tick(++step * 200);
        if (--sampler.skip > 0) continue;
        estimate += sampler.weight;
        told += sampler.weight * (sampler.weight - 1);
        sampler.paid(step * 200, step * 200);
      }
      total += estimate;
      squares += (estimate - creations) ** 2;
    }
    // five standard deviations of the mean of all rounds
    expect(Math.abs(total / rounds - creations)).toBeLessThan(5 * Math.sqrt(told / rounds / rounds));
    // the variance that is told is the one that there is
    expect(squares / told).toBeGreaterThan(0.85);
    expect(squares / told).toBeLessThan(1.15);
  });
});
