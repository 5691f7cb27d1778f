import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TASK_KINDS } from '../../../../src/core/model/task';
import type { AgedSite, GroupedSite } from '../../../../src/core/view/grouping';
import { groupSites } from '../../../../src/core/view/grouping';

const site = (part: Partial<GroupedSite>, ageMs = 1000): AgedSite => ({
  site: { kind: 'promise', origin: 'app', file: '/srv/a.ts', count: 2, exact: true, error: 0, bunched: false, sinceBaseline: 1, ...part },
  ageMs,
});

describe('groups of sites', () => {
  const sites = [
    site({ count: 5 }),
    site({ kind: 'handle', origin: 'dependency', file: '/srv/node_modules/pg/x.js', exact: false, error: 3 }, 9000),
    site({ kind: 'handle', origin: 'dependency', file: '/srv/node_modules/pg/y.js', sinceBaseline: -4, exact: false, error: 4 }),
    site({ origin: 'node', file: null }),
  ];

  it('are made by kind, file or package, the first first', () => {
    expect(groupSites(sites, 'kind').map(({ key }) => key.value)).toEqual(['promise', 'handle']);
    expect(groupSites(sites, 'file').map(({ key }) => key.value)).toEqual(['/srv/a.ts', '/srv/node_modules/pg/x.js', '/srv/node_modules/pg/y.js', null]);
    expect(groupSites(sites, 'package').map(({ key }) => key.value)).toEqual([null, 'pg', 'node']);
  });

  it('carry totals that say how exact they are', () => {
    expect(groupSites(sites, 'package')[1]?.totals).toEqual({ sites: 2, count: 4, exact: false, error: 5, oldestMs: 9000, sinceBaseline: -3 });
  });

  it('have errors that add up where all were counted in the same moments, class by class', () => {
    const all = [
      site({ exact: false, error: 3, bunched: true }),
      site({ exact: false, error: 4, bunched: true }),
      site({ kind: 'timeout', exact: false, error: 20, bunched: true }),
      site({ kind: 'handle', exact: false, error: 4, bunched: true }),
      site({ exact: false, error: 60 }),
    ];
    expect(groupSites(all, 'file')[0]?.totals.error).toBe(Math.sqrt(7 ** 2 + 24 ** 2 + 60 ** 2));
  });

  it('lose and double nothing', () => {
    const arbitrary = fc.array(
      fc.record({ kind: fc.constantFrom(...TASK_KINDS), origin: fc.constantFrom('app' as const, 'dependency' as const, 'node' as const), file: fc.option(fc.string()), count: fc.nat() }).map((part) => site(part)),
    );
    fc.assert(
      fc.property(arbitrary, fc.constantFrom('kind' as const, 'file' as const, 'package' as const), (all, grouping) => {
        const groups = groupSites(all, grouping);
        expect(new Set(groups.flatMap(({ sites: each }) => each)).size).toBe(all.length);
        expect(groups.reduce((sum, { totals }) => sum + totals.count, 0)).toBe(all.reduce((sum, each) => sum + each.site.count, 0));
      }),
    );
  });
});
