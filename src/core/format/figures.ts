/** What the figures of a site say in words, for lines that must stay calm: lens, hover and terminal. */
import type { Site } from '../model/task';
import { formatCount, formatDuration } from './quantity';
import { kindNoun } from './taskKind';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * An age in milliseconds as `< 1 s`, `41 s`, `3 min`, `2 h 5 min`: coarser than `formatDuration`, so that a text with an
 * old task in it does not change every second.
 */
export function formatAge(ms: number): string {
  if (!(ms >= SECOND)) return '< 1 s';
  if (ms >= MINUTE && ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  return formatDuration(ms);
}

/** How old the oldest task of a site is; `> 41 s` where its beginning was not seen and only a lower bound is known. */
export function formatOldest({ since, oldestMs }: Pick<Site, 'since' | 'oldestMs'>): string {
  return since === 'before' ? `> ${formatAge(oldestMs)}`.replace('> < ', '< ') : formatAge(oldestMs);
}

/** What tells tasks whose beginning was not seen from others, wherever they stand. */
export const FROM_BEFORE = 'from before the attach';

/**
 * A count that may be an estimate: `1,234`, or `~1,200` when it is not exact. An estimate is rounded to the decimal
 * place of its error, because the digits below it say nothing.
 */
export function formatEstimate({ count, exact, error }: Pick<Site, 'count' | 'exact' | 'error'>): string {
  const rounded = roundToError(count, { exact, error });
  // Rounding must not make tasks vanish that are alive.
  return formatCount(rounded === 0 ? count : rounded, exact);
}

/** A figure of a site, rounded as its count is, so that the two do not contradict each other. */
export function roundToError(figure: number, { exact, error }: Pick<Site, 'exact' | 'error'>): number {
  const place = !exact && error >= 1 ? 10 ** Math.floor(Math.log10(error)) : 1;
  return Math.round(figure / place) * place;
}

/** Estimate and noun: `12 promises`, `1 timeout`, `~1,200 promises`, `3 timeouts from before the attach`. */
export function formatSiteCount(site: Pick<Site, 'kind' | 'since' | 'count' | 'exact' | 'error'>): string {
  return `${formatEstimate(site)} ${kindNoun(site.kind, site.count)}${site.since === 'before' ? ` ${FROM_BEFORE}` : ''}`;
}

/** Per second: `0/s`, `0.3/s`, `12/s`, `1,200/s`. */
export function formatRate(perSecond: number): string {
  const magnitude = Math.abs(perSecond) < 9.95 ? Math.abs(perSecond).toFixed(1).replace(/\.0$/, '') : formatCount(Math.abs(perSecond));
  return `${perSecond < 0 && magnitude !== '0' ? '−' : ''}${magnitude}/s`;
}

/** What a site gains or loses per second: `+3/s`, `−0.5/s`; empty when it is steady. */
export function formatGrowth({ ratePerSec, endedPerSec }: Pick<Site, 'ratePerSec' | 'endedPerSec'>): string {
  const rate = formatRate(ratePerSec - endedPerSec);
  if (rate === '0/s') return '';
  return rate.startsWith('−') ? rate : `+${rate}`;
}
