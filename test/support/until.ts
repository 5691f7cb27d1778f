import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves once `condition` holds; looks every few milliseconds.
 * @throws {Error} when it does not hold within `limitMs`, or what the condition throws
 */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${limitMs / 1000} s: ${condition.toString()}`);
    await sleep(10);
  }
}
