/**
 * Decides when hooks are on. V8 and Node call a hook for everything that is made, and that alone has a price, however little the
 * hook does: at a million calls a second it is a percent of the program's time. Beyond what the budget allows for it, first the
 * hook that tells of ends goes (ends are read at polls then), and where that does not suffice the hooks are off most of the time.
 *
 * Time is cut into slots by our own timer. Each slot is on with a chance of 1 / weight, whatever the program does and whatever came
 * before; what is made in it stands for `weight` as much. Only the timer and polls begin a slot, so one that the program keeps the
 * timer from ending is longer, on or off alike, and the estimate has no bias. A slot that costs several times what was to be
 * expected goes on with a chance of one half, for twice as long as before, and counts double from there: that bounds what it may
 * cost and is without bias, too.
 */
import type { Budget } from './budget';

/** How long a slot lasts where the program lets our timer run. Milliseconds. */
export const SLOT_MS = 10;
/** Calls of a hook between two looks at the clock: some 160 us. */
const FUEL = 8_192;
/**
 * So much may calls of the hooks cost beyond the budget, in milliseconds: 1.25 million promises. While hooks are off a single burst
 * may pass unseen, so a burst must not turn them off; only a load that lasts does.
 */
const RESERVE_MS = 50;
/** A load that is over sooner is a burst. Milliseconds. */
const LASTING_MS = 1_000;
/** Hooks that are always on are reconsidered this often. Milliseconds. */
const REVIEW_MS = 100;
/** Beyond so much above the budget the hooks do less, and below so much of it they do more again. */
const TOO_DEAR = 1.5;
const CHEAP = 0.6;
/** Reviews in a row that must have found it cheap: polls, one a second. */
const CALM_REVIEWS = 3;
/** The hooks are on for this share of the time at least. */
const MAX_SLOT_WEIGHT = 128;
/** A slot that goes on and on counts for no more than this; it stays on then. With a sample's own weight it fits 32 bits. */
const MAX_THINNED_WEIGHT = 1 << 11;
/** It is drawn anew whether a slot goes on each time that it has cost so many times what was to be expected. */
const LONG_SLOT = 4;
/** Less time than this with the hooks on tells nothing about the rate. Milliseconds. */
const LEAST_EVIDENCE_MS = 5;

/** How much the hooks do: tell of beginnings and ends, of beginnings only, or of beginnings in some slots of time. */
export type DutyLevel = 'all' | 'begins' | 'slots';

/** What one call of a hook costs, in milliseconds: V8's or Node's part included, which no clock of the agent's sees. */
export interface HookCost {
  readonly begin: number;
  readonly end: number;
}

export interface Hooks {
  /** Switches the hooks; may be called in the middle of one. Must not throw. */
  set(begins: boolean, ends: boolean): void;
}

export interface Duty {
  /** Calls left until {@link spend} is to be called. The hooks count it down themselves: this is the hot path. */
  fuel: number;
  readonly level: DutyLevel;
  /** Whether the hooks are on now. */
  readonly on: boolean;
  readonly slot: number;
  readonly slotWeight: number;
  /** A creation has been missed because the hooks were off. */
  readonly missed: boolean;
  /** Milliseconds that calls of the hooks have cost, by what one costs. */
  readonly spentMs: number;
  /** Calls of the hook for beginnings so far. */
  calls(): number;
  /** The fuel is used up. To be called in the hook, or outside. */
  spend(now: number): void;
  /** Our timer has come: the next slot begins. */
  tick(now: number): void;
  /** To be called at every poll. */
  review(now: number): void;
}

export interface DutyOptions {
  readonly hooks: Hooks;
  /** Asked for now and then, as it may change. */
  readonly cost: () => HookCost;
  readonly budget: Budget;
  /** Of the time that the budget allows, what calls of the hooks may take. 0 to 1. */
  readonly part: number;
  /** What calls may cost beyond the reserve, in milliseconds, as long as they have been too dear for less than a second. */
  readonly burstMs: number;
  /** Whether ends can be told without a hook: if not, hooks are always on. */
  readonly canReadEnds: boolean;
  /** Not 0, and another one for each. */
  readonly seed: number;
  /** On the agent's clock, milliseconds. */
  readonly now: number;
}

export function createDuty({ hooks, cost, budget, part, burstMs, canReadEnds, seed, now }: DutyOptions): Duty {
  const share = budget.share * part;
  let random = seed;
  let base = 1;
  /** Calls until the last settlement. */
  let allCalls = 0;
  /** Calls since the last review, and the time in it that the hooks were on. */
  let calls = 0;
  let onMs = 0;
  let onSince = now;
  let reviewed = now;
  /** The first review in a row that found it too dear. */
  let dearSince = Infinity;
  /** What calls have cost between the last two settlements, as a share of the time. */
  let lately = 0;
  let calm = 0;
  let reserve = RESERVE_MS;
  let settled = now;
  let slotCost = 0;
  let allowedInSlot = Infinity;
  let allowedNow = Infinity;

  function chance(oneIn: number): boolean {
    // xorshift32: the program's own Math.random must keep its sequence
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return ((random >>> 0) + 0.5) / 0x1_0000_0000 < 1 / oneIn;
  }

  function settle(at: number): void {
    const made = FUEL - duty.fuel;
    duty.fuel = FUEL;
    calls += made;
    allCalls += made;
    const { begin, end } = cost();
    const costs = made * (begin + (duty.level === 'all' ? end : 0));
    duty.spentMs += costs;
    budget.payUpkeep(costs);
    slotCost += costs;
    reserve += (at - settled) * share - costs;
    if (reserve > RESERVE_MS) reserve = RESERVE_MS;
    else if (reserve < -burstMs) reserve = -burstMs;
    if (at > settled) lately = costs / (at - settled);
    settled = at;
    if (duty.on) onMs += at - onSince;
    onSince = at;
  }

  function turn(next: boolean): void {
    if (next === duty.on) return;
    duty.on = next;
    if (!next) duty.missed = true;
    hooks.set(next, false);
  }

  function beginSlot(): void {
    duty.slot++;
    slotCost = 0;
    allowedNow = allowedInSlot;
    duty.slotWeight = base;
    turn(base === 1 || chance(base));
  }

  function enter(next: DutyLevel): void {
    if (next === duty.level) return;
    duty.level = next;
    calm = 0;
    if (next === 'slots') {
      beginSlot();
      hooks.set(duty.on, false);
    } else {
      base = duty.slotWeight = 1;
      duty.slot++;
      duty.on = true;
      hooks.set(true, next === 'all');
    }
  }

  function reconsider(at: number): void {
    if (onMs < LEAST_EVIDENCE_MS) return;
    const { begin, end } = cost();
    const begins = (calls * begin) / onMs;
    const all = (calls * (begin + end)) / onMs;
    allowedInSlot = LONG_SLOT * begins * SLOT_MS;
    const isTooDear = (duty.level === 'all' ? all : begins) > TOO_DEAR * share;
    if (!isTooDear) dearSince = Infinity;
    else if (dearSince === Infinity) dearSince = at;
    calls = 0;
    onMs = 0;
    reviewed = at;
    if (duty.level === 'slots') base = weightFor(begins);
    if (isTooDear && duty.level !== 'slots') {
      // not where nothing is called any more: it was a burst, and is over
      if (lately <= TOO_DEAR * share || reserve > (at - dearSince < LASTING_MS ? -burstMs : 0)) return;
      base = weightFor(begins);
      enter(duty.level === 'all' && begins <= share ? 'begins' : 'slots');
      return;
    }
    const better: DutyLevel = all < CHEAP * share ? 'all' : begins < CHEAP * share && duty.level === 'slots' ? 'begins' : duty.level;
    if (better === duty.level) calm = 0;
    else if (++calm >= CALM_REVIEWS) enter(better);
  }

  /** A power of two, so that slots of one weight are alike. */
  function weightFor(begins: number): number {
    let weight = 2;
    while (weight < MAX_SLOT_WEIGHT && begins / weight > share) weight *= 2;
    return weight;
  }

  const duty: { -readonly [K in keyof Duty]: Duty[K] } = {
    // read where a call could fail, so none of these is an accessor
    fuel: FUEL,
    level: 'all',
    on: true,
    slot: 0,
    slotWeight: 1,
    missed: false,
    spentMs: 0,
    calls: () => allCalls + FUEL - duty.fuel,
    spend(at) {
      settle(at);
      if (!canReadEnds) return;
      if (duty.level !== 'slots') {
        if (at - reviewed >= REVIEW_MS) reconsider(at);
      } else if (slotCost > allowedNow && duty.slotWeight < MAX_THINNED_WEIGHT) {
        slotCost = 0;
        if (chance(2)) {
          duty.slotWeight *= 2;
          allowedNow *= 2;
        } else turn(false);
      }
    },
    tick(at) {
      if (duty.level !== 'slots') return;
      settle(at);
      beginSlot();
    },
    review(at) {
      settle(at);
      if (!canReadEnds || at - reviewed < REVIEW_MS) return;
      reconsider(at);
      if (duty.level === 'slots') beginSlot();
    },
  };
  return duty;
}
