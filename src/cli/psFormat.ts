/** The JSON of `asyncscope ps --json`. Stable: documented in docs/ps-format.md, which a test compares with it. */
import type { SessionModel } from '../core/model/sessionModel';
import type { GcFigures, HeapFigures, LoopFigures, Losses, Origin, Overhead, PromiseCount, Site, TargetInfo, TaskKind } from '../core/model/task';
import type { SiteJson } from '../core/view/siteJson';
import { round, toSiteJson } from '../core/view/siteJson';

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
  readonly restarts: number;
  readonly stacks: Losses['stacks'];
  readonly beforeMissed: boolean;
  readonly heap: HeapFigures;
  readonly loop: LoopFigures;
  readonly gc: GcFigures;
  readonly activeResources: Readonly<Record<string, number>>;
  readonly totals: Readonly<Record<TaskKind, number>>;
  readonly before: {
    readonly totals: Readonly<Record<TaskKind, number>>;
    readonly notFollowed: number;
    readonly promises: PromiseCount | null;
  };
  readonly origins: Readonly<Record<Origin, number>>;
  /** What `sites` was filtered by; null when it is not. */
  readonly filter: string | null;
  readonly sites: readonly SiteJson[];
}

/**
 * The last poll's picture; undefined before the first. All sites with live tasks, whatever their origin.
 * @param sites in order, those left out that the filter leaves out
 * @param hidden reasons, by site
 */
export function pictureOf(
  model: SessionModel,
  target: TargetInfo,
  sites: readonly Site[],
  budgetPercent: number,
  filter: string | null = null,
  hidden: ReadonlyMap<string, string> = new Map(),
): PsPicture | undefined {
  const { process } = model;
  const overhead = model.overhead(budgetPercent);
  if (!process || !overhead) return undefined;
  const { measured } = overhead;
  return {
    formatVersion: PS_FORMAT_VERSION,
    target: { pid: target.pid, node: target.node, url: target.url, title: target.title, cwd: target.cwd },
    at: isoTime(model.wallMs),
    observedMs: round(model.observedMs),
    uptimeMs: round(process.uptimeMs),
    overhead: { ...overhead, percent: overhead.percent === null ? null : round(overhead.percent), measured: measured && { percent: round(measured.percent), error: round(measured.error) }, pollMs: round(overhead.pollMs) },
    dropped: model.dropped,
    lostPolls: model.lostPolls,
    restarts: model.restarts,
    stacks: model.stacks,
    beforeMissed: model.losses.beforeMissed,
    heap: process.heap,
    loop: process.loop,
    gc: process.gc,
    activeResources: process.activeResources,
    totals: model.totals,
    before: { totals: model.before, notFollowed: model.beforeNotFollowed, promises: promiseCount(model) },
    origins: model.origins,
    filter,
    sites: sites.filter((site) => site.count > 0).map((site) => toSiteJson(site, hidden.get(site.id) ?? null)),
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

function promiseCount({ beforePromises }: SessionModel): PromiseCount | null {
  return beforePromises ? { afterMs: round(beforePromises.afterMs), more: beforePromises.more } : null;
}

/** The last moment that a date can hold, in milliseconds since the epoch. */
const DATE_LIMIT_MS = 8.64e15;

function isoTime(ms: number): string {
  return new Date(Math.max(-DATE_LIMIT_MS, Math.min(DATE_LIMIT_MS, ms))).toISOString();
}
