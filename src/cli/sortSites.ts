import { assertNever } from '../core/base/assertNever';
import type { Site } from '../core/model/task';
import type { SortOrder } from './arguments';

/** Largest first; sites that are equal stand in the order of their positions, so that rows stay where they are. */
export function sortSites(sites: Iterable<Site>, order: SortOrder): Site[] {
  const key = keyOf(order);
  return [...sites].sort(
    (a, b) => key(b) - key(a) || b.count - a.count || compare(a.file ?? '', b.file ?? '') || a.line - b.line || a.column - b.column,
  );
}

function keyOf(order: SortOrder): (site: Site) => number {
  switch (order) {
    case 'count':
      return (site) => site.count;
    case 'age':
      return (site) => site.oldestMs;
    case 'growth':
      return (site) => site.ratePerSec - site.endedPerSec;
    default:
      return assertNever(order);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
