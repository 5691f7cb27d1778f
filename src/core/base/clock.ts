/** Time and timers, injected so that everything that waits can be tested without waiting. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; its zero means nothing. */
  now(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Calls `callback` once after `delayMs`. Returns a function that cancels it; calling that twice does no harm. */
  schedule(delayMs: number, callback: () => void): () => void;
}
