/** Whether a server that died is started again. */
import type { Clock } from '../../core/base/clock';

/** More crashes than this within {@link RESTART_WINDOW_MS} mean that another start would not help. */
export const MAX_RESTARTS = 4;

/** Milliseconds. */
export const RESTART_WINDOW_MS = 3 * 60_000;

export class RestartPolicy {
  readonly #clock: Clock;
  #crashes: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes one crash and says whether to start again. */
  crashed(): 'restart' | 'give up' {
    const now = this.#clock.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < RESTART_WINDOW_MS), now];
    return this.#crashes.length > MAX_RESTARTS ? 'give up' : 'restart';
  }

  /** The user asked for a new start. */
  reset(): void {
    this.#crashes = [];
  }
}
