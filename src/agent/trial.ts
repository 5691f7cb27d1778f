/**
 * What watching costs, measured: the processor time that the program takes for an event of its loop, in slots with our hooks on and
 * in slots with them off. Which slot is which is drawn at random, so nothing else can be the reason of a difference. What looks took of
 * it is known by the clock; the rest is the price of calling the hooks.
 */

import type { Duty } from './duty';
import type { CallCost } from './hookPrice';

/** Of what was measured, so much counts at the next poll: what is half a minute old counts half. */
const KEPT = 0.977;
/** Fewer slots of either kind, or events in them, tell nothing. */
const LEAST_SLOTS = 20;
const LEAST_EVENTS = 200;
const Z95 = 1.96;
const US_PER_MS = 1_000;

export interface Cost {
  /** Of the program's processor time. */
  readonly percent: number;
  /** Half width of the 95 % interval of `percent`. */
  readonly error: number;
}

/** Of the process, since it began, and of the hooks that are compared. */
export interface Usage {
  /** Processor time in microseconds. */
  readonly cpu: number;
  /** Events of the loop. */
  readonly events: number;
  readonly calls: number;
  /** What looks took, by the agent's clock. Milliseconds. */
  readonly looksMs: number;
}

export interface Comparison {
  readonly cost: Cost;
  /** Null where nothing was called. */
  readonly call: CallCost | null;
}

export interface Trial {
  /** Our timer has begun a slot. */
  begin(duty: Pick<Duty, 'slot' | 'on'>, usage: Usage): void;
  /**
   * Our timer has come again. What is compared is how a slot began, and what it took: hooks may be switched off in the middle of a dear
   * one. Where a poll has begun another slot meanwhile, neither is whole.
   */
  end(duty: Pick<Duty, 'slot'>, usage: Usage): void;
  /** To be called at every poll: what is old fades. Null while too little is known. */
  result(): Comparison | null;
}

interface Sums {
  slots: number;
  cost: number;
  events: number;
  calls: number;
  looksMs: number;
  costs2: number;
  events2: number;
  both: number;
}

export function createTrial(): Trial {
  const sums: readonly [off: Sums, on: Sums] = [noSums(), noSums()];
  let begun = -1;
  let wasOn = false;
  let before: Usage = { cpu: 0, events: 0, calls: 0, looksMs: 0 };
  return {
    begin({ slot, on }, usage) {
      begun = slot;
      wasOn = on;
      before = usage;
    },
    end({ slot }, usage) {
      if (slot === begun) take(sums[wasOn ? 1 : 0], before, usage);
      begun = -1;
    },
    result() {
      const [off, on] = sums;
      const known = isEnough(off) && isEnough(on);
      const price = on.cost / on.events;
      const bare = off.cost / off.events;
      const share = (100 * on.slots) / (on.slots + off.slots);
      const ratio = price / bare;
      const error = Z95 * ratio * sqrt(relativeVariance(on, price) + relativeVariance(off, bare));
      // what it would have taken with the hooks off
      const bareMs = (bare * on.events) / US_PER_MS;
      const call = on.calls > 0 ? { ms: ((ratio - 1) * bareMs - on.looksMs) / on.calls, error: (error * bareMs) / on.calls } : null;
      fade(off);
      fade(on);
      return known && error < Infinity ? { cost: { percent: share * (ratio - 1), error: share * error }, call } : null;
    },
  };
}

function noSums(): Sums {
  return { slots: 0, cost: 0, events: 0, calls: 0, looksMs: 0, costs2: 0, events2: 0, both: 0 };
}

function take(sums: Sums, before: Usage, after: Usage): void {
  const cost = after.cpu - before.cpu;
  const events = after.events - before.events;
  sums.slots++;
  sums.cost += cost;
  sums.events += events;
  sums.calls += after.calls - before.calls;
  sums.looksMs += after.looksMs - before.looksMs;
  sums.costs2 += cost * cost;
  sums.events2 += events * events;
  sums.both += cost * events;
}

function fade(sums: Sums): void {
  sums.slots *= KEPT;
  sums.cost *= KEPT;
  sums.events *= KEPT;
  sums.calls *= KEPT;
  sums.looksMs *= KEPT;
  sums.costs2 *= KEPT;
  sums.events2 *= KEPT;
  sums.both *= KEPT;
}

function isEnough({ slots, events, cost }: Sums): boolean {
  return slots >= LEAST_SLOTS && events >= LEAST_EVENTS && cost > 0;
}

/** Of a ratio of two sums, by its square (W. G. Cochran, Sampling Techniques, 1977, section 6.4). */
function relativeVariance({ cost, costs2, events2, both }: Sums, price: number): number {
  const residuals = costs2 - 2 * price * both + price * price * events2;
  return residuals > 0 ? residuals / (cost * cost) : 0;
}

const { sqrt } = Math;
