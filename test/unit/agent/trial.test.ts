import { describe, expect, test } from 'vitest';
import type { CallCost } from '../../../src/agent/hookPrice.ts';
import { createTrial } from '../../../src/agent/trial.ts';
import type { Cost } from '../../../src/agent/trial.ts';

const SEEDS = Array.from({ length: 300 }, (_, i) => (i + 1) * 7_919);
const NOTHING = { cpu: 0, events: 0, calls: 0, looksMs: 0 };

/** The same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

/** What a slot takes for calls of hooks and looks, one call an event. Milliseconds. */
const CALL_MS = 12e-3;
const LOOKS_MS = 0.3;

interface Found {
  readonly cost: Cost;
  readonly call: CallCost | null;
  /** Percent of the processor time. */
  readonly truth: number;
}

/** Hooks are on in one slot of eight; an event takes 100 us on average without them. */
function measure(seed: number): Found {
  const random = generator(seed);
  const trial = createTrial();
  let [cpu, events, calls, looksMs] = [0, 0, 0, 0];
  let [bare, ours] = [0, 0];
  for (let i = 0; i < 1_500; i++) {
    const on = random() < 1 / 8;
    trial.begin({ slot: i, on }, { cpu, events, calls, looksMs });
    // a load that comes and goes, of requests that are not alike
    const made = Math.round(20 + 60 * random() * (1 + Math.sin(i / 50)));
    events += made;
    const own = made * (80 + 40 * random());
    bare += own;
    cpu += own;
    if (on) {
      calls += made;
      looksMs += LOOKS_MS;
      const taken = 1_000 * (made * CALL_MS + LOOKS_MS);
      ours += taken;
      cpu += taken;
    }
    trial.end({ slot: i }, { cpu, events, calls, looksMs });
  }
  const result = trial.result();
  if (result === null) throw new Error('nothing is known');
  return { ...result, truth: (100 * ours) / bare };
}

describe('the comparison of slots', () => {
  test('finds what hooks cost, in the interval that it tells, in some 95 % of runs', () => {
    let held = 0;
    for (const seed of SEEDS) {
      const { cost, truth } = measure(seed);
      if (Math.abs(cost.percent - truth) <= cost.error) held++;
      expect(cost.error).toBeLessThan(1);
    }
    expect(held / SEEDS.length).toBeGreaterThan(0.88);
  });

  test('tells what a call costs, apart from what looks took', () => {
    let held = 0;
    for (const seed of SEEDS) {
      const { call } = measure(seed);
      if (call === null) throw new Error('no call');
      if (Math.abs(call.ms - CALL_MS) <= call.error) held++;
      expect(call.error).toBeLessThan(CALL_MS / 2);
    }
    expect(held / SEEDS.length).toBeGreaterThan(0.88);
  });

  test('tells no price where nothing was called', () => {
    const trial = createTrial();
    for (let slot = 0; slot < 100; slot++) {
      trial.begin({ slot, on: slot % 2 === 0 }, { ...NOTHING, cpu: slot * 1_000, events: slot * 10 });
      trial.end({ slot }, { ...NOTHING, cpu: slot * 1_000 + 1_000, events: slot * 10 + 10 });
    }
    expect(trial.result()).toMatchObject({ call: null });
  });

  test('says nothing while it knows too little, or where nothing comes', () => {
    const trial = createTrial();
    expect(trial.result()).toBeNull();
    for (let i = 0; i < 100; i++) {
      trial.begin({ slot: i, on: i % 2 === 0 }, { ...NOTHING, cpu: i * 1_000 });
      trial.end({ slot: i }, { ...NOTHING, cpu: i * 1_000 + 1_000 });
    }
    expect(trial.result()).toBeNull();
  });

  /** Slots on and off in turn, on ones twice as dear. @param end which slot it is, and whether it is on, when our timer comes again */
  function compareSlots(end: (slot: number) => { readonly slot: number; readonly on: boolean }): number | undefined {
    const trial = createTrial();
    let [cpu, events] = [0, 0];
    for (let slot = 0; slot < 100; slot++) {
      const on = slot % 2 === 0;
      trial.begin({ slot, on }, { ...NOTHING, cpu, events });
      cpu += on ? 2_000 : 1_000;
      events += 10;
      trial.end(end(slot), { ...NOTHING, cpu, events });
    }
    return trial.result()?.cost.percent;
  }

  test('takes a slot for what it was at its beginning: dear ones are switched off half-way', () => {
    expect(compareSlots((slot) => ({ slot, on: false }))).toBeCloseTo(50);
  });

  test('leaves out slots in which a poll has begun another', () => {
    expect(compareSlots((slot) => ({ slot: slot + 1, on: true }))).toBeUndefined();
  });

  test('a time without slots is none', () => {
    const trial = createTrial();
    const run = (from: number): void => {
      for (let slot = 0; slot < 100; slot++) {
        trial.begin({ slot, on: slot % 2 === 0 }, { ...NOTHING, cpu: from + slot * 1_000, events: from + slot * 10 });
        trial.end({ slot }, { ...NOTHING, cpu: from + slot * 1_000 + 1_000, events: from + slot * 10 + 10 });
      }
    };
    run(0);
    run(1e9);
    expect(trial.result()?.cost.percent).toBeCloseTo(0);
  });
});
