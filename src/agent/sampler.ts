/**
 * Decides which creations are looked at. While the program creates tasks slowly, all of them; beyond that a random
 * share, each standing for `weight` creations, so that looking costs a fixed share of the program's time.
 *
 * As long as the bucket of the budget is not empty the weights are 1. Once it is, a weight follows from what looking at everything would
 * cost and what the budget leaves for looks.
 */
import { BURST_MS } from './budget';
import type { Budget } from './budget';

/** Weights are reconsidered this often. Milliseconds. */
const WINDOW_MS = 100;
/** How far back a weight looks, in milliseconds: a window alone may hold two looks or none. */
const MEMORY_MS = 1_000;
/** Of what is in the bucket, in milliseconds: so much doubles the looks. */
const HALF_PRESSURE_MS = BURST_MS / 8;
/** Of what was spent beyond the bucket: so much halves them, and no more does. */
const DOUBLE_PRESSURE_MS = BURST_MS / 2;
/**
 * A weight that is too small by less than the one factor is left alone, and one that is too large by less than the other. Looks are dearer
 * the rarer they are, 6 us at 10,000 a second and 45 us at 30, as less of what they use is in the processor's caches: within wide bounds
 * few of them cost as much as many. So a weight must find down by small steps, or it stays as large as it was once.
 */
const NEARLY_ENOUGH = 1.25;
const NEARLY_SMALL = 1.05;
/**
 * A weight grows by no more than this at a time: once a window, or sooner when `OVERSPENT_MS` milliseconds were spent in it. So there
 * are some hundred samples of each weight on its way up, and of a burst that is over before the weight has settled a share is known
 * that says something: of a million creations within half a second, ± 10 to 40 %. That takes 10 to 20 ms beyond the budget, once.
 */
const GROWTH = 2;
const OVERSPENT_MS = 2;
/** Beyond this weight a sample says too little to be worth taking. */
const MAX_WEIGHT = 1 << 20;
/**
 * A look that took so many times what looks usually take was interrupted, by a garbage collection or by the system giving the
 * processor to somebody else: it is charged no more than this. On a busy machine samples would get thin for nothing otherwise.
 */
const INTERRUPTED = 4;
/** What a look usually takes, to begin with, in milliseconds: one that is not compiled yet. It follows the median, by steps. */
const USUAL_LOOK_MS = 0.03;
const USUAL_STEP = 1.03;
const USUAL_RANGE_MS = [0.001, 0.1] as const;

const { ceil, floor, log, max, min } = Math;

export interface Sampler {
  /** Creations left until the next one that is looked at. The hooks count it down themselves: this is the hot path. */
  skip: number;
  /** What the sample being taken stands for. */
  weight: number;
  /** A creation has been skipped since the start. */
  sampled: boolean;
  /** Milliseconds spent looking, since the start, on the agent's clock. */
  spentMs: number;
  /** Half of what may be spent in a burst is left: looks that no count depends on take nothing away from those that do. */
  readonly affluent: boolean;
  /** The table is so full that samples are thinner than the budget asks for. */
  readonly cramped: boolean;
  /** Pays for a look that took from `begin` to `end` (milliseconds) and draws the next skip. */
  paid(begin: number, end: number): void;
  /** Pays for a look at something that is no creation of a task: no sample was taken. */
  charge(begin: number, end: number): void;
  /** Lets time pass when nothing is created, so that a pause in the load makes counting exact again. */
  tick(now: number): void;
}

/**
 * @param part of the budget that this sampler may use in any case, 0 to 1; more where hooks, polls and the other one leave it
 * @param fill share of the task table that is in use, 0 to 1: the fuller it is, the thinner the samples, so that it never
 *   overflows
 * @param isAlwaysOn whether the hooks tell of every creation: where they do not, what is saved would make nothing exact. Is asked
 *   once there is nothing left of the budget
 */
export function createSampler(budget: Budget, part: number, now: number, fill: () => number, isAlwaysOn: () => boolean = () => true): Sampler {
  const share = budget.share * part;
  const overspending = max(OVERSPENT_MS, 2 * WINDOW_MS * share);
  const own = budget.join();
  let windowStart = now;
  let windowSpent = 0;
  let random = 0x9e3779b9;
  let cramped = false;
  /** What looking at everything would cost, as a share of the time, and how much time that was seen in, in milliseconds. */
  let wholeCost = 0;
  let seenMs = 0;
  let usual = USUAL_LOOK_MS;

  function draw(): void {
    if (sampler.weight === 1) {
      sampler.skip = 1;
      return;
    }
    // xorshift32: the program's own Math.random must keep its sequence
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    // Each creation is looked at with a chance of 1 / weight, whatever came before: so a new weight may begin at any moment
    // without those that were passed over being lost, and w (w - 1) is the variance of what a sample of weight w stands for.
    const chance = ((random >>> 0) + 0.5) / 0x1_0000_0000;
    sampler.skip = 1 + floor(log(chance) / log(1 - 1 / sampler.weight));
    sampler.sampled = true;
  }

  /** A table that is half full takes every second task, one that is three quarters full every fourth, and so on. */
  function leastWeight(): number {
    const used = fill();
    if (used < 0.5) return 1;
    let weight = 2;
    for (let left = 1 - used; left < 0.5 && weight < MAX_WEIGHT; left *= 2) weight *= 2;
    return weight;
  }

  /** The fuller the bucket, the more looks. */
  function pressure(left: number): number {
    return left < 0 ? min(2 ** (-left / DOUBLE_PRESSURE_MS), 2) : 2 ** (-left / HALF_PRESSURE_MS);
  }

  function reconsider(at: number): void {
    const span = at - windowStart;
    const overspent = budget.left < 0 && windowSpent > overspending;
    const before = sampler.weight;
    // a burst may fill the table in less than a window
    const least = leastWeight();
    if (span < WINDOW_MS && !overspent && least <= before) return;
    let weight = least;
    cramped = least > 1;
    // a clock may stand still between two looks
    const time = span < 1 ? 1 : span;
    const whole = (windowSpent * before) / time;
    wholeCost += (whole - wholeCost) * (time / (time + seenMs));
    seenMs = min(seenMs + time, MEMORY_MS);
    const allowed = max(share, budget.claim(own, wholeCost));
    // only what this one has spent: another one that is beyond all bounds must not live on it
    const helped = budget.left < 0 && isAlwaysOn() && budget.takeSavings(own, windowSpent);
    if ((budget.left < 0 && !helped) || before > 1) {
      const needed = helped ? 1 : ceil(((overspent && whole > wholeCost ? whole : wholeCost) / allowed) * pressure(budget.left));
      // a moment's burst must not make the sample useless for what follows
      const most = before * GROWTH;
      if (weight < needed) weight = needed < most ? needed : most;
      if (weight > MAX_WEIGHT) weight = MAX_WEIGHT;
      // a window in which nothing was looked at, by chance or because the hooks were off, is no reason to look at everything
      if (weight < before / 2) weight = ceil(before / 2);
      if (weight > least && weight < before * NEARLY_ENOUGH && weight > before / NEARLY_SMALL) weight = before;
    }
    windowStart = at;
    windowSpent = 0;
    if (weight === before) return;
    sampler.weight = weight;
    // a skip that was drawn under another weight would not stand for this one
    draw();
  }

  const sampler: Sampler = {
    skip: 1,
    weight: 1,
    sampled: false,
    spentMs: 0,
    get affluent() {
      return sampler.weight === 1 && budget.left > BURST_MS / 2;
    },
    get cramped() {
      return cramped;
    },
    charge(begin, end) {
      const took = end - begin;
      const most = INTERRUPTED * usual;
      const charged = took < most ? took : most;
      usual = took > usual ? usual * USUAL_STEP : usual / USUAL_STEP;
      if (usual < USUAL_RANGE_MS[0]) usual = USUAL_RANGE_MS[0];
      else if (usual > USUAL_RANGE_MS[1]) usual = USUAL_RANGE_MS[1];
      sampler.spentMs += charged;
      budget.refill(end);
      budget.pay(charged);
      windowSpent += charged;
    },
    paid(begin, end) {
      sampler.charge(begin, end);
      draw();
      reconsider(end);
    },
    tick(at) {
      budget.refill(at);
      reconsider(at);
    },
  };
  return sampler;
}
