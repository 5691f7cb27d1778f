/** Sites under one heading: by kind, file or package, each group with its totals. Pure. */
import { assertNever } from '../base/assertNever';
import type { Site, TaskKind } from '../model/task';
import { packageOfSite } from './package';

/** `site` is the plain list. */
export type Grouping = 'site' | 'kind' | 'file' | 'package';
export const GROUPINGS: readonly Grouping[] = ['site', 'kind', 'file', 'package'];

export type GroupedSite = Pick<Site, 'kind' | 'origin' | 'file' | 'count' | 'exact' | 'error' | 'bunched' | 'sinceBaseline'>;

/** A site, and the age of its oldest task as of now. */
export interface AgedSite<S extends GroupedSite = GroupedSite> {
  readonly site: S;
  readonly ageMs: number;
}

/** What the sites of a group come to. */
export interface GroupTotals {
  readonly sites: number;
  readonly count: number;
  readonly exact: boolean;
  /** Half width of the 95 % interval of `count`. */
  readonly error: number;
  readonly oldestMs: number;
  readonly sinceBaseline: number;
}

/** What a group is made by; `value` is null for sites without one, such as those of no file. */
export type GroupKey =
  | { readonly grouping: 'kind'; readonly value: TaskKind }
  | { readonly grouping: 'file' | 'package'; readonly value: string | null };

export interface SiteGroup<T> {
  readonly key: GroupKey;
  /** In the order in which they came. */
  readonly sites: readonly T[];
  readonly totals: GroupTotals;
}

/** The groups in the order in which their first sites came. */
export function groupSites<T extends AgedSite>(items: readonly T[], grouping: Exclude<Grouping, 'site'>): readonly SiteGroup<T>[] {
  const groups = new Map<string | null, { readonly key: GroupKey; readonly sites: T[] }>();
  for (const item of items) {
    const key = groupKey(item.site, grouping);
    const group = groups.get(key.value);
    if (group === undefined) groups.set(key.value, { key, sites: [item] });
    else group.sites.push(item);
  }
  return [...groups.values()].map(({ key, sites }) => ({ key, sites, totals: totalsOf(sites) }));
}

export function groupKey(site: GroupedSite, grouping: Exclude<Grouping, 'site'>): GroupKey {
  switch (grouping) {
    case 'kind':
      return { grouping, value: site.kind };
    case 'file':
      return { grouping, value: site.file };
    case 'package':
      return { grouping, value: packageOfSite(site) };
    default:
      return assertNever(grouping);
  }
}

export function totalsOf(items: readonly AgedSite[]): GroupTotals {
  let [count, oldestMs, sinceBaseline] = [0, 0, 0];
  let exact = true;
  for (const { site, ageMs } of items) {
    count += site.count;
    oldestMs = Math.max(oldestMs, ageMs);
    sinceBaseline += site.sinceBaseline;
    exact &&= site.exact;
  }
  return { sites: items.length, count, exact, error: errorOfSum(items.map(({ site }) => site)), oldestMs, sinceBaseline };
}

/** The error of the sum of the counts of sites. */
export function errorOfSum(sites: readonly Pick<Site, 'kind' | 'error' | 'bunched'>[]): number {
  let [independent, promises, resources] = [0, 0, 0];
  for (const { kind, error, bunched } of sites) {
    // Variances add, so errors do as the sides of a right angle; those that go the same way add themselves.
    if (!bunched) independent += error ** 2;
    else if (kind === 'promise') promises += error;
    else resources += error;
  }
  return Math.sqrt(independent + promises ** 2 + resources ** 2);
}
