import { describe, expect, test } from 'vitest';
import type { CallCost } from '../../../src/agent/hookPrice.ts';
import { createTrial } from '../../../src/agent/trial.ts';
import type { Cost } from '../../../src/agent/trial.ts';

const SEEDS = Array.from({ length: 300 }, (_, i) => (i + 1) * 7_919);
const NOTHING = { busyMs: 0, events: 0, calls: 0, ownMs: 0 };
/** Half of the slots are on. */
const slotWeight = 2;

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
  /** Percent of the time that the loop is busy. */
  readonly truth: number;
}

/** Hooks are on in one slot of eight; an event takes 0.1 ms on average without them. */
function measure(seed: number): Found {
  const random = generator(seed);
  const trial = createTrial(0);
  let [busyMs, events, calls, ownMs] = [0, 0, 0, 0];
  let [bare, ours] = [0, 0];
  for (let i = 0; i < 1_500; i++) {
    const on = random() < 1 / 8;
    trial.begin({ slot: i, on, slotWeight: 8 }, { busyMs, events, calls, ownMs });
    // a load that comes and goes, of requests that are not alike
    const made = Math.round(20 + 60 * random() * (1 + Math.sin(i / 50)));
    events += made;
    const own = made * (0.08 + 0.04 * random());
    bare += own;
    busyMs += own;
    if (on) {
      calls += made;
      ownMs += LOOKS_MS;
      const taken = made * CALL_MS + LOOKS_MS;
      ours += taken;
      busyMs += taken;
    }
    trial.end({ slot: i }, { busyMs, events, calls, ownMs });
  }
  const result = trial.result(0);
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

  test('is not deceived by a program that is dearer, and calls less, while hooks are on more often', () => {
    const random = generator(1);
    const trial = createTrial(0);
    let [busyMs, events, calls] = [0, 0, 0];
    // calls that cost nothing: 10 events a slot of 1 ms each while one slot of four is on, 100 of 0.1 ms while one of sixteen is
    for (let i = 0; i < 6_000; i++) {
      const phase = i % 3_000 < 1_500 ? { slotWeight: 4, made: 10, each: 500 } : { slotWeight: 16, made: 100, each: 200 };
      const on = random() < 1 / phase.slotWeight;
      trial.begin({ slot: i, on, slotWeight: phase.slotWeight }, { ...NOTHING, busyMs, events, calls });
      busyMs += 10 * (0.9 + 0.2 * random());
      events += phase.made;
      if (on) calls += phase.made * phase.each;
      trial.end({ slot: i }, { ...NOTHING, busyMs, events, calls });
    }
    const call = trial.result(0)?.call;
    if (call === null || call === undefined) throw new Error('no call');
    expect(Math.abs(call.ms)).toBeLessThan(1.5 * call.error);
    // without the weights it is some 600 ns, with an error of a fifth of that
    expect(Math.abs(call.ms)).toBeLessThan(200e-6);
  });

  test('forgets by time, however often it is asked', () => {
    const known = (pollMs: number): boolean => {
      const trial = createTrial(0);
      for (let slot = 0; slot < 400; slot++) {
        trial.begin({ slot, on: slot % 2 === 0, slotWeight }, { ...NOTHING, busyMs: slot, events: slot * 10 });
        trial.end({ slot }, { ...NOTHING, busyMs: slot + 1, events: slot * 10 + 10 });
      }
      for (let now = 0; now < 60_000; now += pollMs) trial.result(now);
      return trial.result(60_000) !== null;
    };
    // a quarter of 200 is left, which is enough
    expect([known(100), known(1_000), known(5_000)]).toEqual([true, true, true]);
  });

  test('tells no price where nothing was called', () => {
    const trial = createTrial(0);
    for (let slot = 0; slot < 100; slot++) {
      trial.begin({ slot, on: slot % 2 === 0, slotWeight }, { ...NOTHING, busyMs: slot, events: slot * 10 });
      trial.end({ slot }, { ...NOTHING, busyMs: slot + 1, events: slot * 10 + 10 });
    }
    expect(trial.result(0)).toMatchObject({ call: null });
  });

  test('says nothing while it knows too little, or where nothing comes', () => {
    const trial = createTrial(0);
    expect(trial.result(0)).toBeNull();
    for (let i = 0; i < 100; i++) {
      trial.begin({ slot: i, on: i % 2 === 0, slotWeight }, { ...NOTHING, busyMs: i });
      trial.end({ slot: i }, { ...NOTHING, busyMs: i + 1 });
    }
    expect(trial.result(0)).toBeNull();
  });

  /** Slots on and off in turn, on ones twice as dear. @param end which slot it is, and whether it is on, when our timer comes again */
  function compareSlots(end: (slot: number) => { readonly slot: number; readonly on: boolean }): number | undefined {
    const trial = createTrial(0);
    let [busyMs, events] = [0, 0];
    for (let slot = 0; slot < 100; slot++) {
      const on = slot % 2 === 0;
      trial.begin({ slot, on, slotWeight }, { ...NOTHING, busyMs, events });
      busyMs += on ? 2 : 1;
      events += 10;
      trial.end(end(slot), { ...NOTHING, busyMs, events });
    }
    return trial.result(0)?.cost.percent;
  }

  test('takes a slot for what it was at its beginning: dear ones are switched off half-way', () => {
    expect(compareSlots((slot) => ({ slot, on: false }))).toBeCloseTo(50);
  });

  test('leaves out slots in which a poll has begun another', () => {
    expect(compareSlots((slot) => ({ slot: slot + 1, on: true }))).toBeUndefined();
  });

  test('a time without slots is none', () => {
    const trial = createTrial(0);
    const run = (from: number): void => {
      for (let slot = 0; slot < 100; slot++) {
        trial.begin({ slot, on: slot % 2 === 0, slotWeight }, { ...NOTHING, busyMs: from + slot, events: from + slot * 10 });
        trial.end({ slot }, { ...NOTHING, busyMs: from + slot + 1, events: from + slot * 10 + 10 });
      }
    };
    run(0);
    run(1e9);
    expect(trial.result(0)?.cost.percent).toBeCloseTo(0);
  });
});
