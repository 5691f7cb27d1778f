/** A site as it stands in JSON, in the terminal and on the clipboard. Documented in docs/ps-format.md. Pure. */
import type { Origin, Since, Site, StackFrame, TaskKind } from '../model/task';

export interface SiteJson {
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
  /** Reason of the entry in `.asyncscope.json` that hides it; null when none does. */
  readonly hidden: string | null;
  readonly stack: readonly StackFrame[];
}

export function toSiteJson(site: Site, hidden: string | null = null): SiteJson {
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
    hidden,
    stack: site.stack,
  };
}

/** Three decimals are more than any of these figures is good for. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
