/** When a timer is due, in words. */
import { formatDuration } from './quantity';

/** Later than this is late: timers fire on whole milliseconds, and the loop has other things to do. Milliseconds. */
export const OVERDUE_MS = 20;

/**
 * `due in 4 min`, `next now`, `overdue by 2 s (loop blocked)`.
 * @param dueInMs negative when it is late
 */
export function dueText(dueInMs: number, repeats: boolean): string {
  if (dueInMs < -OVERDUE_MS) return `overdue by ${formatDuration(-dueInMs)} (loop blocked)`;
  const word = repeats ? 'next' : 'due';
  return dueInMs <= OVERDUE_MS ? `${word} now` : `${word} in ${formatDuration(dueInMs)}`;
}
