/** What the sites of one line say together. */
import { TASK_KINDS } from '../../core/model/task';
import type { Site } from '../../core/model/task';
import { formatGrowth, formatOldest, formatSiteCount } from '../../core/format/figures';
import { errorOfSum } from '../../core/view/grouping';
import type { DocumentSite } from '../lineSites';

/** The figures of one kind on one line. */
export type KindFigures = Pick<Site, 'kind' | 'since' | 'count' | 'exact' | 'error' | 'bunched' | 'oldestMs' | 'ratePerSec' | 'endedPerSec'>;

/** Sums the sites of each kind, those from before the attach apart, the kind with the most tasks first. */
export function kindsOf(sites: readonly DocumentSite[]): readonly KindFigures[] {
  const kinds = new Map<string, KindFigures>();
  for (const { site } of sites) {
    const key = `${site.kind} ${site.since}`;
    const sum = kinds.get(key);
    kinds.set(key, sum ? add(sum, site) : site);
  }
  return [...kinds.values()].sort(
    (a, b) => b.count - a.count || TASK_KINDS.indexOf(a.kind) - TASK_KINDS.indexOf(b.kind),
  );
}

/** `12 promises, 3 timeouts · oldest 41 s · +3/s`; `0 promises` when nothing is alive. */
export function lensTitle(sites: readonly DocumentSite[]): string {
  const kinds = kindsOf(sites);
  const live = kinds.filter((kind) => kind.count > 0);
  if (live.length === 0) return kinds[0] ? formatSiteCount({ ...kinds[0], exact: true }) : '';
  const oldest = live.reduce((a, b) => (a.oldestMs >= b.oldestMs ? a : b));
  return [live.map(formatSiteCount).join(', '), `oldest ${formatOldest(oldest)}`, growth(kinds)].filter(Boolean).join(' · ');
}

/** `12 promises, 3 timeouts · +3/s`: what stands at the end of the line and may change with every poll. */
export function markText(sites: readonly DocumentSite[]): string {
  const live = kindsOf(sites.filter(({ site }) => site.count > 0));
  return [live.map(formatSiteCount).join(', '), growth(live)].filter(Boolean).join(' · ');
}

/** The site with the most tasks: the one that a click on the line leads to. */
export function leadingSite(sites: readonly DocumentSite[]): DocumentSite | undefined {
  return sites.reduce<DocumentSite | undefined>((best, each) => (best && best.site.count >= each.site.count ? best : each), undefined);
}

function growth(kinds: readonly KindFigures[]): string {
  const sum = (figure: (kind: KindFigures) => number): number => kinds.reduce((total, kind) => total + figure(kind), 0);
  return formatGrowth({ ratePerSec: sum((kind) => kind.ratePerSec), endedPerSec: sum((kind) => kind.endedPerSec) });
}

function add(a: KindFigures, b: KindFigures): KindFigures {
  return {
    kind: a.kind,
    since: a.since,
    count: a.count + b.count,
    exact: a.exact && b.exact,
    error: errorOfSum([a, b]),
    bunched: a.bunched || b.bunched,
    oldestMs: Math.max(a.oldestMs, b.oldestMs),
    ratePerSec: a.ratePerSec + b.ratePerSec,
    endedPerSec: a.endedPerSec + b.endedPerSec,
  };
}
