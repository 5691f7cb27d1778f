import { describe, expect, test } from 'vitest';
import { createTrial } from '../../../src/agent/trial.ts';

/** The same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

/** @param dearer what an event costs with hooks on, against off; on in one slot of eight */
function measure(seed: number, dearer: number): { percent: number; error: number; truth: number } {
  const random = generator(seed);
  const trial = createTrial();
  let [cpu, events] = [0, 0];
  let slotsOn = 0;
  for (let i = 0; i < 1_500; i++) {
    const on = random() < 1 / 8;
    if (on) slotsOn++;
    trial.begin({ slot: i, on }, { cpu, events });
    // a load that comes and goes, of requests that are not alike
    const made = Math.round(20 + 60 * random() * (1 + Math.sin(i / 50)));
    events += made;
    cpu += made * (80 + 40 * random()) * (on ? dearer : 1);
    trial.end({ slot: i }, { cpu, events });
  }
  const result = trial.result();
  if (result === null) throw new Error('nothing is known');
  return { ...result, truth: (100 * (dearer - 1) * slotsOn) / 1_500 };
}

describe('the comparison of slots', () => {
  test('finds what hooks cost, in the interval that it tells, in some 95 % of runs', () => {
    let held = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const { percent, error, truth } = measure(seed * 7_919, 1.2);
      if (Math.abs(percent - truth) <= error) held++;
      expect(error).toBeLessThan(1);
    }
    expect(held / 300).toBeGreaterThan(0.88);
  });

  test('says nothing while it knows too little, or where nothing comes', () => {
    const trial = createTrial();
    expect(trial.result()).toBeNull();
    for (let i = 0; i < 100; i++) {
      trial.begin({ slot: i, on: i % 2 === 0 }, { cpu: i * 1_000, events: 0 });
      trial.end({ slot: i }, { cpu: i * 1_000 + 1_000, events: 0 });
    }
    expect(trial.result()).toBeNull();
  });

  /** Slots on and off in turn, on ones twice as dear. @param end which slot it is, and whether it is on, when our timer comes again */
  function compareSlots(end: (slot: number) => { readonly slot: number; readonly on: boolean }): number | undefined {
    const trial = createTrial();
    let [cpu, events] = [0, 0];
    for (let slot = 0; slot < 100; slot++) {
      const on = slot % 2 === 0;
      trial.begin({ slot, on }, { cpu, events });
      cpu += on ? 2_000 : 1_000;
      events += 10;
      trial.end(end(slot), { cpu, events });
    }
    return trial.result()?.percent;
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
        trial.begin({ slot, on: slot % 2 === 0 }, { cpu: from + slot * 1_000, events: from + slot * 10 });
        trial.end({ slot }, { cpu: from + slot * 1_000 + 1_000, events: from + slot * 10 + 10 });
      }
    };
    run(0);
    run(1e9);
    expect(trial.result()?.percent).toBeCloseTo(0);
  });
});
