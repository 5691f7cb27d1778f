/** The JSON of `asyncscope ps --json`. Stable: documented in docs/ps-format.md, which a test compares with it. */
import type { SessionModel } from '../core/model/sessionModel';
import type { GcFigures, HeapFigures, LoopFigures, Origin, Overhead, Since, Site, StackFrame, TargetInfo, TaskKind } from '../core/model/task';

export const PS_FORMAT_VERSION = 1;

export interface PsPicture {
  readonly formatVersion: typeof PS_FORMAT_VERSION;
  readonly target: TargetInfo;
  /** When the picture was taken, by the target's clock: ISO 8601 in UTC. */
  readonly at: string;
  readonly observedMs: number;
  readonly uptimeMs: number;
  readonly overhead: Overhead;
  readonly dropped: number;
  readonly lostPolls: number;
  readonly heap: HeapFigures;
  readonly loop: LoopFigures;
  readonly gc: GcFigures;
  readonly activeResources: Readonly<Record<string, number>>;
  readonly totals: Readonly<Record<TaskKind, number>>;
  readonly before: { readonly totals: Readonly<Record<TaskKind, number>>; readonly notFollowed: number };
  readonly origins: Readonly<Record<Origin, number>>;
  readonly sites: readonly PsSite[];
}

export interface PsSite {
  readonly id: string;
  readonly kind: TaskKind;
  readonly since: Since;
  readonly origin: Origin;
  readonly file: string | null;
  readonly line: number;
  readonly column: number;
  readonly function: string | null;
  readonly count: number;
  readonly exact: boolean;
  readonly error: number;
  readonly oldestMs: number;
  readonly ratePerSec: number;
  readonly endedPerSec: number;
  readonly started: number;
  readonly abandoned: number;
  readonly stack: readonly StackFrame[];
}

/** The last poll's picture; undefined before the first. All sites with live tasks, whatever their origin. */
export function pictureOf(model: SessionModel, target: TargetInfo, sites: readonly Site[], budgetPercent: number): PsPicture | undefined {
  const { process } = model;
  const overhead = model.overhead(budgetPercent);
  if (!process || !overhead) return undefined;
  return {
    formatVersion: PS_FORMAT_VERSION,
    target: { pid: target.pid, node: target.node, url: target.url, title: target.title, cwd: target.cwd },
    at: isoTime(model.wallMs),
    observedMs: round(model.observedMs),
    uptimeMs: round(process.uptimeMs),
    overhead: { ...overhead, percent: round(overhead.percent), pollMs: round(overhead.pollMs) },
    dropped: model.dropped,
    lostPolls: model.lostPolls,
    heap: process.heap,
    loop: process.loop,
    gc: process.gc,
    activeResources: process.activeResources,
    totals: model.totals,
    before: { totals: model.before, notFollowed: model.beforeNotFollowed },
    origins: model.origins,
    sites: sites.filter((site) => site.count > 0).map(toPsSite),
  };
}

/** One line of JSON. */
export function toJsonLine(picture: PsPicture): string {
  return `${escapeForTerminal(JSON.stringify(picture))}\n`;
}

/** Escapes in JSON whatever a terminal would act on, which `JSON.stringify` does for a part of it only. */
export function escapeForTerminal(json: string): string {
  return json.replace(/[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (each) => {
    return `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function toPsSite(site: Site): PsSite {
  return {
    id: site.id,
    kind: site.kind,
    since: site.since,
    origin: site.origin,
    file: site.file,
    line: site.line,
    column: site.column,
    function: site.function,
    count: site.count,
    exact: site.exact,
    error: round(site.error),
    oldestMs: round(site.oldestMs),
    ratePerSec: round(site.ratePerSec),
    endedPerSec: round(site.endedPerSec),
    started: site.started,
    abandoned: site.abandoned,
    stack: site.stack,
  };
}

/** The last moment that a date can hold, in milliseconds since the epoch. */
const DATE_LIMIT_MS = 8.64e15;

function isoTime(ms: number): string {
  return new Date(Math.max(-DATE_LIMIT_MS, Math.min(DATE_LIMIT_MS, ms))).toISOString();
}

/** Three decimals are more than any of these figures is good for. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
