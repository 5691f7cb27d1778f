/**
 * What watching costs, measured: how long the program's loop is busy with an event, in slots with our hooks on and in slots with them off.
 * Which slot is which is drawn at random, so nothing else can be the reason of a difference. What looks took of it, and switching the
 * hooks on, is known by the clock; the rest is the price of calling them.
 *
 * A busy program has few slots that are on, a quiet one many: each counts by how many it stands for, or what is compared would be
 * phases of the program (the Horvitz-Thompson estimator).
 */

import type { Duty } from './duty';
import { Z95 } from './hookPrice';
import type { CallCost } from './hookPrice';

/** What was measured so long ago counts half. Milliseconds. */
const HALF_LIFE_MS = 30_000;
/** Fewer slots of either kind, or events in them, tell nothing. */
const LEAST_SLOTS = 20;
const LEAST_EVENTS = 200;

export interface Cost {
  /** Of the time that the program's loop is busy. */
  readonly percent: number;
  /** Half width of the 95 % interval of `percent`. */
  readonly error: number;
}

/** Of the process, since it began, and of the hooks that are compared. */
export interface Usage {
  /** For how long the loop was busy. Milliseconds. */
  readonly busyMs: number;
  /** Events of the loop. */
  readonly events: number;
  readonly calls: number;
  /** What looks and switching the hooks took, by the agent's clock. Milliseconds. */
  readonly ownMs: number;
}

export interface Comparison {
  readonly cost: Cost;
  /** Null where nothing was called. */
  readonly call: CallCost | null;
}

export interface Trial {
  /** Our timer has begun a slot. */
  begin(duty: Pick<Duty, 'slot' | 'on' | 'slotWeight'>, usage: Usage): void;
  /**
   * Our timer has come again. What is compared is how a slot began, and what it took: hooks may be switched off in the middle of a dear
   * one. Where a poll has begun another slot meanwhile, neither is whole.
   */
  end(duty: Pick<Duty, 'slot'>, usage: Usage): void;
  /** To be called at every poll: what is old fades. Null while too little is known. @param now on the agent's clock, milliseconds */
  result(now: number): Comparison | null;
}

/** All but `slots` count each slot by how many it stands for, products of two by the square of that. */
interface Sums {
  slots: number;
  cost: number;
  events: number;
  calls: number;
  ownMs: number;
  costs2: number;
  events2: number;
  both: number;
}

export function createTrial(start: number): Trial {
  const sums: readonly [off: Sums, on: Sums] = [noSums(), noSums()];
  let begun = -1;
  let wasOn = false;
  let weight = 0;
  let before: Usage = { busyMs: 0, events: 0, calls: 0, ownMs: 0 };
  let faded = start;
  return {
    begin({ slot, on, slotWeight }, usage) {
      // where all slots are on there is nothing to compare
      if (slotWeight < 2) return;
      begun = slot;
      wasOn = on;
      weight = on ? slotWeight : slotWeight / (slotWeight - 1);
      before = usage;
    },
    end({ slot }, usage) {
      if (slot === begun) take(sums[wasOn ? 1 : 0], weight, before, usage);
      begun = -1;
    },
    result(now) {
      const [off, on] = sums;
      const known = isEnough(off) && isEnough(on);
      const price = on.cost / on.events;
      const bare = off.cost / off.events;
      const share = (100 * on.slots) / (on.slots + off.slots);
      const ratio = price / bare;
      const error = Z95 * ratio * sqrt(relativeVariance(on, price) + relativeVariance(off, bare));
      // what it would have taken with the hooks off
      const bareMs = bare * on.events;
      const call = on.calls > 0 ? { ms: ((ratio - 1) * bareMs - on.ownMs) / on.calls, error: (error * bareMs) / on.calls } : null;
      const kept = 2 ** ((faded - now) / HALF_LIFE_MS);
      faded = now;
      fade(off, kept);
      fade(on, kept);
      return known && error < Infinity ? { cost: { percent: share * (ratio - 1), error: share * error }, call } : null;
    },
  };
}

function noSums(): Sums {
  return { slots: 0, cost: 0, events: 0, calls: 0, ownMs: 0, costs2: 0, events2: 0, both: 0 };
}

function take(sums: Sums, weight: number, before: Usage, after: Usage): void {
  const cost = weight * (after.busyMs - before.busyMs);
  const events = weight * (after.events - before.events);
  sums.slots++;
  sums.cost += cost;
  sums.events += events;
  sums.calls += weight * (after.calls - before.calls);
  sums.ownMs += weight * (after.ownMs - before.ownMs);
  sums.costs2 += cost * cost;
  sums.events2 += events * events;
  sums.both += cost * events;
}

function fade(sums: Sums, kept: number): void {
  sums.slots *= kept;
  sums.cost *= kept;
  sums.events *= kept;
  sums.calls *= kept;
  sums.ownMs *= kept;
  sums.costs2 *= kept;
  sums.events2 *= kept;
  sums.both *= kept;
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
