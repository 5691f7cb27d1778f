import type { Clock } from '../../core/base/clock';

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `delayMs` of the clock. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}

/** Nothing answered in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * The result of `work`, or a rejection once `timeoutMs` have passed. The work itself goes on; its late result is
 * dropped and its late rejection is handled.
 * @throws {TimeoutError}
 */
export function withTimeout<T>(clock: Clock, timeoutMs: number, work: PromiseLike<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.schedule(timeoutMs, () => {
      reject(new TimeoutError(`no answer within ${String(timeoutMs)} ms`));
    });
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
