import { describe, expect, test } from 'vitest';
import { SLOT_MS, createDuty } from '../../../src/agent/duty.ts';
import type { Duty } from '../../../src/agent/duty.ts';
import { createBudget } from '../../../src/agent/budget.ts';
import { createTaskTable } from '../../../src/agent/taskTable.ts';

/** One call of a hook costs 10 ns, and 10 more for the end. */
const COST = { begin: 1e-5, end: 1e-5 };
const SEEDS = Array.from({ length: 40 }, (_, i) => (i + 1) * 0x9e3779b1);

interface Run {
  readonly duty: Duty;
  readonly switched: readonly (readonly [begins: boolean, ends: boolean])[];
  /**
   * Lets `rate` creations a millisecond pass for `ms`, polled every `pollMs`, with our timer held up where `blocked` says so. Returns what
   * those that were seen stand for.
   */
  readonly pass: (rate: number, ms: number, blocked?: (now: number) => boolean, pollMs?: number) => number;
}

function start(seed: number, percent = 1, canReadEnds = true, cost = () => COST, burstMs = 0): Run {
  const budget = createBudget(percent, 0);
  const switched: [boolean, boolean][] = [];
  const hooks = { set: (begins: boolean, ends: boolean): void => {
      switched.push([begins, ends]);
    } };
  const duty = createDuty({ hooks, cost, budget, part: 0.3, burstMs, canReadEnds, seed, now: 0 });
  let now = 0;
  return {
    duty,
    switched,
    pass(rate, ms, blocked = () => false, pollMs = 1_000) {
      let seen = 0;
      for (const end = now + ms; now < end; now++) {
        budget.refill(now);
        if (now % pollMs === 0) duty.review(now);
        if (now % SLOT_MS === 0 && !blocked(now)) duty.tick(now);
        // in steps, as a hook would
        for (let i = 0; i < 10; i++) {
          if (!duty.on) continue;
          seen += (rate / 10) * duty.slotWeight;
          duty.fuel -= rate / 10;
          if (duty.fuel <= 0) duty.spend(now);
        }
      }
      return seen;
    },
  };
}

describe('duty', () => {
  test('hooks are always on and tell everything while that is affordable', () => {
    const { duty, pass, switched } = start(1);
    // 100,000 a second: 0.2 % of the time
    expect(pass(100, 20_000)).toBeCloseTo(2_000_000, 0);
    expect(duty).toMatchObject({ level: 'all', on: true, slotWeight: 1, missed: false });
    expect(switched).toEqual([]);
  });

  test('tells how often the hook was called', () => {
    const { duty, pass } = start(1);
    pass(100, 1_005);
    expect(duty.calls()).toBeCloseTo(100_500, 0);
  });

  test('calls that come to cost more let the hooks do less, and those that cost less again let them do more', () => {
    let times = 1;
    const { duty, pass } = start(1, 1, true, () => ({ begin: times * COST.begin, end: times * COST.end }));
    pass(100, 20_000);
    expect(duty.level).toBe('all');
    const before = duty.spentMs;
    times = 5;
    pass(100, 60_000);
    expect(duty.level).toBe('slots');
    expect(duty.spentMs - before).toBeGreaterThan(60_000 * 0.002);
    times = 1;
    pass(50, 20_000);
    expect(duty.level).toBe('all');
  });

  test('beyond that, ends are no longer told, then the hooks are on in some slots of time; under less load it goes back', () => {
    const { duty, pass, switched } = start(1);
    pass(250, 30_000);
    expect(duty.level).toBe('begins');
    expect(switched).toEqual([[true, false]]);
    pass(10_000, 20_000);
    expect(duty.level).toBe('slots');
    pass(50, 20_000);
    expect(duty).toMatchObject({ level: 'all', on: true, slotWeight: 1, missed: true });
    expect(switched.at(-1)).toEqual([true, true]);
  });

  test('a burst does not turn the hooks off', () => {
    const { duty, pass } = start(1);
    // two million at once
    expect(pass(20_000, 100)).toBeCloseTo(2_000_000, 0);
    pass(100, 5_000);
    expect(duty).toMatchObject({ level: 'all', missed: false });
  });

  describe('where calls are dear', () => {
    const dear = { begin: 10 * COST.begin, end: 10 * COST.end };
    const startDear = (burstMs: number): Run => start(1, 1, true, () => dear, burstMs);

    test('a burst may cost more than there is in reserve', () => {
      const { duty, pass } = startDear(150);
      // 160 ms of calls, the reserve being 50
      expect(pass(1_600, 500)).toBeCloseTo(800_000, 0);
      expect(duty).toMatchObject({ level: 'all', missed: false });
      const without = startDear(0);
      without.pass(1_600, 500);
      expect(without.duty.level).toBe('slots');
    });

    test('a load that lasts may not', () => {
      const { duty, pass } = startDear(150);
      // 60 ms of calls a second
      pass(300, 2_000);
      expect(duty.level).toBe('slots');
      expect(duty.spentMs).toBeLessThan(100);
    });

    test('nor may it where polls are frequent', () => {
      for (const rate of [45, 300]) {
        const { duty, pass } = startDear(150);
        pass(rate, 20_000, undefined, 100);
        expect(duty.level).toBe('slots');
      }
    });

    test('bursts that come again and again may once', () => {
      const [once, never] = [150, 0].map((burstMs) => {
        const { duty, pass } = startDear(burstMs);
        for (let second = 0; second < 120; second += 2) {
          pass(1_600, 500);
          pass(1, 1_500);
        }
        return duty.spentMs;
      }) as [number, number];
      expect(once).toBeGreaterThan(never + 50);
      expect(once).toBeLessThan(never + 2 * 150);
    });
  });

  test('a budget that allows for it keeps the hooks on at any rate', () => {
    const { duty, pass } = start(1, 100);
    pass(15_000, 10_000);
    expect(duty.level).toBe('all');
  });

  test('where ends cannot be read the hooks are always on', () => {
    const { duty, pass } = start(1, 1, false);
    pass(15_000, 10_000);
    expect(duty).toMatchObject({ level: 'all', on: true });
  });

  test('slots cost what the budget allows', () => {
    for (const seed of SEEDS.slice(0, 10)) {
      const { duty, pass } = start(seed);
      pass(15_000, 60_000);
      // 0.3 % of a minute, and the reserve of 50 ms; twice that by chance
      expect(duty.spentMs).toBeLessThan(2 * (180 + 50));
    }
  });

  test.each([
    ['steadily', () => false, 3],
    ['where the program keeps our timer from running', (now: number) => now % 700 < 400, 3],
  ])('what is seen stands for what is made, %s', (_, blocked, deviations) => {
    const ratios = SEEDS.map((seed) => {
      const { pass } = start(seed);
      pass(5_000, 5_000);
      return pass(5_000, 30_000, blocked) / (5_000 * 30_000);
    });
    const mean = ratios.reduce((sum, each) => sum + each, 0) / ratios.length;
    const spread = Math.sqrt(ratios.reduce((sum, each) => sum + (each - mean) ** 2, 0) / ratios.length);
    expect(Math.abs(mean - 1)).toBeLessThan((deviations * spread) / Math.sqrt(ratios.length) + 0.01);
  });

  test('the variance that is told of what came in slots is the one that there is', () => {
    let told = 0;
    let squares = 0;
    const rounds = 4_000;
    let random = 1;
    const next = (): number => {
      random = (Math.imul(random ^ (random >>> 15), 1 | random) + 0x6d2b79f5) | 0;
      return ((random ^ (random >>> 14)) >>> 0) / 0x1_0000_0000;
    };
    const [slotWeight, inSlot] = [4, 3];
    // bunches of 8, 1 and 20 tasks, of which some end at once
    const bunches = [8, 1, 20];
    for (let round = 0; round < rounds; round++) {
      const table = createTaskTable();
      table.addSite();
      bunches.forEach((size, slot) => {
        if (next() >= 1 / slotWeight) return;
        for (let i = 0; i < size; i++) {
          if (next() >= 1 / inSlot) continue;
          const task = table.start(0, slotWeight * inSlot, 0, null, { slot, slotWeight });
          if (i % 4 === 3) table.end(task, false);
        }
      });
      const { live, variance } = table.figures(0);
      told += variance;
      squares += (live - (6 + 1 + 15)) ** 2;
    }
    expect(squares / told).toBeGreaterThan(0.85);
    expect(squares / told).toBeLessThan(1.15);
  });
});
