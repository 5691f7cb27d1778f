/** Figures as people read them. The output is English and independent of the machine's locale, so that it is stable. */
import { assertNever } from '../base/assertNever';
import type { Site, TaskKind } from '../model/task';

/** `1234567` as `1,234,567`. Fractions are rounded. */
export function formatCount(value: number): string {
  const digits = Math.abs(Math.round(value)).toFixed(0);
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return Math.round(value) < 0 ? `-${grouped}` : grouped;
}

/**
 * A count that may be an estimate: `1,234`, or `~1,200` when it is not exact. An estimate is rounded to the decimal
 * place of its error, because the digits below it say nothing.
 */
export function formatEstimate(figures: Pick<Site, 'count' | 'exact' | 'error'>): string {
  if (figures.exact) return formatCount(figures.count);
  const place = figures.error >= 1 ? 10 ** Math.floor(Math.log10(figures.error)) : 1;
  const rounded = Math.round(figures.count / place) * place;
  // Rounding must not make tasks vanish that are alive.
  return `~${formatCount(rounded === 0 && figures.count > 0 ? figures.count : rounded)}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An age in milliseconds as `< 1 s`, `41 s`, `3 min`, `2 h 5 min` or `3 d 4 h`: two units at most, rounded down. */
export function formatAge(ms: number): string {
  if (!(ms >= SECOND)) return '< 1 s';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return twoUnits(ms, HOUR, 'h', MINUTE, 'min');
  return twoUnits(ms, DAY, 'd', HOUR, 'h');
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  const head = `${formatCount(Math.floor(ms / large))} ${largeName}`;
  return rest === 0 ? head : `${head} ${rest} ${smallName}`;
}

/** A duration in milliseconds with the precision that its size deserves: `0.4 ms`, `12 ms`, `1.5 s`, then as an age. */
export function formatDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  return formatAge(ms);
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Bytes in steps of 1024: `512 B`, `1.5 KB`, `62 MB`, `1.3 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 would round to 1024 of its unit.
  while (value >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : formatCount(value)} ${BYTE_UNITS[unit]}`;
}

/** Per second: `0/s`, `0.3/s`, `12/s`, `1,200/s`. */
export function formatRate(perSecond: number): string {
  const rounded = Math.abs(perSecond) < 9.95 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond);
  if (rounded === 0) return '0/s';
  return Number.isInteger(rounded) ? `${formatCount(rounded)}/s` : `${rounded.toFixed(1)}/s`;
}

/** What a site gains or loses per second: `+3/s`, `-0.5/s`; empty when it is steady. */
export function formatGrowth(site: Pick<Site, 'ratePerSec' | 'endedPerSec'>): string {
  const rate = formatRate(site.ratePerSec - site.endedPerSec);
  if (rate === '0/s') return '';
  return rate.startsWith('-') ? rate : `+${rate}`;
}

/** A change of a count, with its sign: `+12`, `-3`; empty when there is none. */
export function formatChange(change: number): string {
  if (Math.round(change) === 0) return '';
  return change > 0 ? `+${formatCount(change)}` : formatCount(change);
}

/** `promise` or `promises`. */
export function kindNoun(kind: TaskKind, count: number): string {
  const one = Math.round(count) === 1;
  switch (kind) {
    case 'promise':
      return one ? 'promise' : 'promises';
    case 'timeout':
      return one ? 'timeout' : 'timeouts';
    case 'interval':
      return one ? 'interval' : 'intervals';
    case 'immediate':
      return one ? 'immediate' : 'immediates';
    case 'handle':
      return one ? 'handle' : 'handles';
    case 'request':
      return one ? 'request' : 'requests';
    default:
      return assertNever(kind);
  }
}

/** `12 promises`, `1 timeout`, `~1,200 promises`. */
export function formatKindCount(kind: TaskKind, figures: Pick<Site, 'count' | 'exact' | 'error'>): string {
  return `${formatEstimate(figures)} ${kindNoun(kind, figures.count)}`;
}
