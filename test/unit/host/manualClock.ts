import type { Clock } from '../../../src/core/base/clock';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 0;
  #scheduled: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const entry = { at: this.#now + delayMs, callback };
    this.#scheduled.push(entry);
    return () => {
      this.#scheduled = this.#scheduled.filter((other) => other !== entry);
    };
  }

  /** Calls what is due, in order, including what that schedules. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#scheduled.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#scheduled = this.#scheduled.filter((entry) => entry !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** The same, letting promises settle in between. */
  async run(ms: number, step = 5): Promise<void> {
    for (let done = 0; done < ms; done += step) {
      this.advance(step);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  }
}
