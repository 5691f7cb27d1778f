/**
 * What a site started over the last {@link RATE_WINDOW_MS}, in bounded memory: cumulative figures at most once per
 * bucket, of which the newest one outside the window is kept as the base to compare with.
 */
import { RATE_WINDOW_MS } from './task';

/** Width of a bucket in milliseconds: two polls within one share it. Bounds a history to 22 entries. */
export const RATE_BUCKET_MS = 500;

/**
 * The shortest span that a rate is taken over, in milliseconds. Just after the attach a burst would else be scaled up to
 * a rate that nothing ever had.
 */
export const RATE_MIN_SPAN_MS = 1000;

interface Sample {
  at: number;
  started: number;
  live: number;
}

export interface Rates {
  readonly startedPerSec: number;
  readonly endedPerSec: number;
}

const IDLE: Rates = { startedPerSec: 0, endedPerSec: 0 };

export class RateHistory {
  readonly #samples: Sample[];

  /**
   * @param bornAt when the site had started nothing yet, on the clock of {@link push}.
   * @param live what was alive then.
   */
  constructor(bornAt: number, live = 0) {
    this.#samples = [{ at: bornAt, started: 0, live }];
  }

  /** Takes cumulative figures at time `at`, which never goes back. */
  push(at: number, started: number, live: number): void {
    const last = this.#samples[this.#samples.length - 1];
    const previous = this.#samples[this.#samples.length - 2];
    if (last && previous && at - previous.at < RATE_BUCKET_MS) {
      last.at = at;
      last.started = started;
      last.live = live;
    } else {
      this.#samples.push({ at, started, live });
    }
    this.#prune(at);
  }

  /** Begins anew with these figures: they changed for another reason than time. */
  rebase(at: number, started: number, live: number): void {
    this.#samples.splice(0, this.#samples.length, { at, started, live });
  }

  /**
   * @param now on the clock of {@link push}.
   * @param observedMs how long the target has been watched: before that nothing is known.
   */
  rates(now: number, observedMs: number): Rates {
    this.#prune(now);
    const base = this.#samples[0];
    const last = this.#samples[this.#samples.length - 1];
    if (!base || !last || base === last) return IDLE;
    const seconds = Math.max(RATE_MIN_SPAN_MS, Math.min(RATE_WINDOW_MS, observedMs)) / 1000;
    const started = Math.max(0, last.started - base.started);
    // Whatever is no longer alive has ended, settled or abandoned alike.
    const ended = Math.max(0, started - (last.live - base.live));
    return { startedPerSec: started / seconds, endedPerSec: ended / seconds };
  }

  /** Nothing happened within the window: the rates are 0 and stay so until the next push. */
  get idle(): boolean {
    return this.#samples.length <= 1;
  }

  #prune(now: number): void {
    const start = now - RATE_WINDOW_MS;
    let drop = 0;
    while (drop + 1 < this.#samples.length && (this.#samples[drop + 1]?.at ?? Infinity) <= start) drop++;
    if (drop > 0) this.#samples.splice(0, drop);
  }
}
