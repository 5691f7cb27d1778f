/** What watching costs and what is done to keep it low, in words. */
import type { Overhead } from '../model/task';
import { formatCount, formatPercent } from './quantity';

/** `0.8 %`, and where it was measured `0.8 % (measured 0.7 % ± 0.3 %)`; null where it is not known yet. */
export function formatCost({ percent, measured }: Overhead): string | null {
  if (percent === null) return null;
  return formatPercent(percent) + (measured === null ? '' : ` (measured ${formatSigned(measured.percent)} ± ${formatPercent(measured.error)})`);
}

/** `exact`, `exact again` after something was sampled, or the step with how thin the samples are. */
export function formatCounting(overhead: Overhead): string {
  const { counting, mode, promiseWeight, resourceWeight, memoryLimited } = overhead;
  if (counting === 'exact') return mode === 'exact' ? 'exact' : 'exact again, counts from before are estimates';
  const weight = `1 in ${formatCount(Math.max(promiseWeight, resourceWeight))}`;
  return `${counting} (${weight}${memoryLimited ? ', memory limit' : ''})`;
}

/** What each step means, in a sentence for people. */
export function explainCounting({ counting }: Overhead): string {
  switch (counting) {
    case 'exact':
      return 'Every creation is looked at.';
    case 'sampled stacks':
      return 'Every creation is seen, a random share of them is looked at.';
    case 'sampled counts':
      return 'A random share of all creations is looked at, and which of those have ended is read at each poll.';
    case 'duty-cycled':
      return 'Hooks are on in some moments only, drawn at random: a single burst in between may pass unseen.';
  }
}

function formatSigned(percent: number): string {
  return percent < 0 ? `-${formatPercent(-percent)}` : formatPercent(percent);
}
