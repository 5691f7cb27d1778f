import { setTimeout as delay } from 'node:timers/promises';

const MAX_ATTEMPTS = 4;
const FIRST_BACKOFF_MS = 25;

/** Runs `work` until it succeeds, waiting twice as long after each failure. Throws its last error. */
export async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) {
        throw error;
      }
      await delay(FIRST_BACKOFF_MS * 2 ** (attempt - 1));
    }
  }
}
