/**
 * Figures in words, the same everywhere: tree, end of line, lens, status bar and terminal. English, because the rest of
 * the interface is, so that `1,204` never stands beside `1.204`.
 */

/** `1204` as `1,204`; an estimate gets a `~` in front. */
export function formatCount(count: number, exact = true): string {
  return `${exact ? '' : '~'}${grouped(count)}`;
}

/** A change with its sign: `+3`, `−2`, `±0`. The minus is U+2212, as wide as the plus, so that columns stay still. */
export function formatSigned(change: number): string {
  const rounded = Math.round(change);
  if (rounded === 0) return '±0';
  return `${rounded > 0 ? '+' : '−'}${grouped(Math.abs(rounded))}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of milliseconds in its two largest units: `340 ms`, `41 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < SECOND) return `${String(Math.round(span))} ms`;
  if (span < MINUTE) return `${String(Math.floor(span / SECOND))} s`;
  if (span < HOUR) return twoUnits(span, MINUTE, 'min', SECOND, 's');
  if (span < DAY) return twoUnits(span, HOUR, 'h', MINUTE, 'min');
  return twoUnits(span, DAY, 'd', HOUR, 'h');
}

function twoUnits(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % large) / small);
  const head = `${String(Math.floor(span / large))} ${largeName}`;
  return rest === 0 ? head : `${head} ${String(rest)} ${smallName}`;
}

/** Milliseconds that may be a fraction: one decimal below 10 ms, none above. */
export function formatMilliseconds(ms: number): string {
  return `${ms < 9.95 ? trimmed(ms, 1) : grouped(ms)} ms`;
}

const KIBIBYTE = 1024;
const MEBIBYTE = KIBIBYTE * 1024;
const GIBIBYTE = MEBIBYTE * 1024;

/** Bytes in binary units under their everyday names, as Node and Chromium's tools write them: `48.2 MB`, `1.4 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < KIBIBYTE) return `${String(Math.round(bytes))} B`;
  if (bytes < MEBIBYTE) return `${trimmed(bytes / KIBIBYTE, 0)} KB`;
  if (bytes < GIBIBYTE) return `${bytes < 100 * MEBIBYTE ? trimmed(bytes / MEBIBYTE, 1) : trimmed(bytes / MEBIBYTE, 0)} MB`;
  return `${trimmed(bytes / GIBIBYTE, 1)} GB`;
}

/** Whole mebibytes without their unit, for `48/4144 MB`. */
export function formatMebibytes(bytes: number): string {
  return String(Math.round(bytes / MEBIBYTE));
}

/** A share of 0 to 1 in percent: `0.4 %`, `12 %`. */
export function formatShare(share: number): string {
  return formatPercent(share * 100);
}

/** A figure that is in percent already. */
export function formatPercent(percent: number): string {
  return `${percent < 9.95 ? trimmed(percent, 1) : trimmed(percent, 0)} %`;
}

/** Rounded, with commas between the thousands. Not by `Intl`, whose data takes 10 ms to load, in each process and thread that starts. */
function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/gu, ',');
}

function trimmed(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)));
}

/** `1 timer`, `2,000 timers`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
