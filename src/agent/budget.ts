/**
 * What watching may cost: a bucket of milliseconds that fills with a share of the elapsed time. Looks pay what they took, hooks and polls
 * what such calls are known to take. What the full bucket has no room for is saved: it keeps a program exact that is a little beyond
 * its budget, or was when its code and ours ran for the first time.
 */

/**
 * The bucket's size, and what it holds at the start, in milliseconds. One look costs 3 to 6 us once it is compiled and ten
 * times that before: a burst of some 15,000 creations is still exact. More would be felt at the attach: while the bucket is
 * being emptied a busy service does little else.
 */
export const BURST_MS = 100;
/**
 * What may be saved, and what there is of it at the start, in milliseconds. Where looking at everything takes 2 % of the time
 * and the budget is 1 %, that lasts for 100 s.
 */
const SAVINGS_MS = 1_000;
/**
 * Savings are for programs of which looks take no more than this share of the time while they are spent. With half a percent for calls of hooks,
 * slots and polls that is 3 % in all: more would be felt.
 */
const MODEST_SHARE = 0.025;
/** What hooks and polls take is reconsidered this often, and so far back, in milliseconds: there is a poll a second. */
const WINDOW_MS = 100;
const UPKEEP_MEMORY_MS = 3_000;

const { max, min } = Math;

/** The bucket, shared by all samplers of an agent. */
export interface Budget {
  /** Milliseconds that may be spent now; negative when too much was. */
  readonly left: number;
  /** Share of the time that may be spent in the long run, 0 to 1. */
  readonly share: number;
  refill(now: number): void;
  /** Pays for looks. */
  pay(ms: number): void;
  /** Pays for what there is no choice about: polls, and calls of hooks. */
  payUpkeep(ms: number): void;
  /** One more sampler is to live on it. Returns its number. */
  join(): number;
  /**
   * What a sampler may take of the time, 0 to 1: its half of what upkeep leaves, and what the other one does not want of its half.
   * @param wanted what looking at everything would take
   */
  claim(sampler: number, wanted: number): number;
  /**
   * Pays `ms` that were spent out of what was saved, so that the bucket has them again. False when there is not as much, and where it would
   * take too much of the time to look at everything that this sampler is for, beside what the others look at.
   */
  takeSavings(sampler: number, ms: number): boolean;
}

/** @param percent 100 is no limit: everything is looked at, whatever it costs */
export function createBudget(percent: number, now: number): Budget {
  const share = percent / 100;
  const burst = percent < 100 ? BURST_MS : Infinity;
  let left = burst;
  let savings = SAVINGS_MS;
  let last = now;
  /** As a share of the time, how much time that was seen in, and what has come since. */
  let upkeep = 0;
  let seenMs = 0;
  let upkeepMs = 0;
  let upkeepSince = now;
  const claims: number[] = [];
  return {
    share,
    get left() {
      return left;
    },
    refill(at) {
      left += (at - last) * share;
      if (left > burst) {
        savings += left - burst;
        if (savings > SAVINGS_MS) savings = SAVINGS_MS;
        left = burst;
      }
      last = at;
      const time = at - upkeepSince;
      if (time < WINDOW_MS) return;
      upkeep += (upkeepMs / time - upkeep) * (time / (time + seenMs));
      seenMs = min(seenMs + time, UPKEEP_MEMORY_MS);
      upkeepMs = 0;
      upkeepSince = at;
    },
    pay(ms) {
      left -= ms;
    },
    payUpkeep(ms) {
      left -= ms;
      // where upkeep alone is beyond the budget, what is owed must not grow for as long as that lasts
      if (left < -burst) left = -burst;
      upkeepMs += ms;
    },
    join() {
      const own = claims.length;
      claims[own] = 0;
      return own;
    },
    claim(sampler, wanted) {
      claims[sampler] = wanted;
      const free = max(share - upkeep, 0);
      let others = 0;
      for (let i = 0; i < claims.length; i++) if (i !== sampler) others += claims[i] as number;
      return max(free / claims.length, free - others);
    },
    takeSavings(sampler, ms) {
      let whole = 0;
      for (let i = 0; i < claims.length; i++) {
        const claim = claims[i] as number;
        // one that is beyond all bounds has its part of the budget, and no savings
        whole += i === sampler || claim < MODEST_SHARE ? claim : share / claims.length;
      }
      if (savings < ms || whole >= MODEST_SHARE) return false;
      savings -= ms;
      left += ms;
      return true;
    },
  };
}
