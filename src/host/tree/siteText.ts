/** What a site, a task and a process look like in words. Pure. */
import { explainCounting, formatCost, formatCounting } from '../../core/format/overhead';
import { displayName, stripControls } from '../../core/format/text';
import { frameFunction, siteFunction } from '../../core/format/functionName';
import { assertNever } from '../../core/base/assertNever';
import { FROM_BEFORE, formatAge, formatEstimate, formatOldest, formatRate, formatSiteCount, roundToError } from '../../core/format/figures';
import { shortPath, shortPosition } from '../../core/format/position';
import { counted, formatBytes, formatCount, formatDuration, formatMilliseconds, formatPercent, formatShare, formatSigned } from '../../core/format/quantity';
import { resourceNoun } from '../../core/format/resourceNoun';
import { formatKindCount, formatTaskCount, kindNoun } from '../../core/format/taskKind';
import type { Overhead, ProcessFigures, Site, StackFrame, Task, TaskKind } from '../../core/model/task';
import type { GroupKey, GroupTotals } from '../../core/view/grouping';
import type { SiteRow } from '../../protocol/lsp';

/** The function or callback that runs. V8 has no name for an arrow function in a call, nor for a module's own code. */
export function siteLabel(site: SiteRow): string {
  return siteFunction(site);
}

/** `orders.ts:42`; `routes/index.ts:42` where the file's own name says nothing; empty for builtins without a position. */
export function sitePosition(site: Pick<SiteRow, 'file' | 'line'>): string {
  return site.file === null ? '' : shortPosition({ file: site.file, line: site.line });
}

/**
 * `12  +3  41 s  orders.ts:42`: live tasks, change since the baseline, age of the oldest, position. A narrow side bar
 * cuts off the end, so what matters most comes first.
 */
export function siteDescription(site: SiteRow): string {
  const change = roundToError(site.sinceBaseline, site);
  return [
    formatEstimate(site),
    change === 0 ? '' : formatSigned(change),
    // Coarse, so that a row with an old task is not drawn again every second.
    site.count > 0 ? formatOldest(site) : '',
    sitePosition(site),
    site.since === 'before' ? FROM_BEFORE : '',
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** `12  the pool keeps ten  pool.ts:42`: of what is hidden, the reason matters most. */
export function hiddenDescription(site: SiteRow, reason: string): string {
  return [formatEstimate(site), displayName(reason), sitePosition(site)].filter((part) => part !== '').join('  ');
}

/** The same for a screen reader, in words. */
export function siteSpoken(site: SiteRow): string {
  const parts = [`${siteLabel(site)}, ${site.exact ? '' : 'about '}${formatKindCount(site.kind, site.count)}`];
  const position = sitePosition(site);
  if (position !== '') parts.push(`at ${position.replace(/:(\d+)$/, ' line $1')}`);
  if (site.sinceBaseline !== 0) parts.push(sinceBaselineSpoken(site.sinceBaseline));
  if (site.count > 0) parts.push(`oldest ${site.since === 'before' ? 'more than ' : ''}${formatAge(site.oldestMs)}`);
  if (site.since === 'before') parts.push(FROM_BEFORE);
  return parts.join(', ');
}

export function groupLabel(key: GroupKey): string {
  switch (key.grouping) {
    case 'kind':
      return capitalized(kindNoun(key.value, 2));
    case 'file':
      return key.value === null ? '(no file)' : shortPath(key.value);
    case 'package':
      return key.value === null ? 'Your own code' : key.value === 'node' ? 'Node' : key.value;
    default:
      return assertNever(key);
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `12  +3  41 s  4 sites`: like a site, with how many there are. */
export function groupDescription(totals: GroupTotals): string {
  const change = roundToError(totals.sinceBaseline, totals);
  return [formatEstimate(totals), change === 0 ? '' : formatSigned(change), formatAge(totals.oldestMs), sitesText(totals)].filter((part) => part !== '').join('  ');
}

export function groupSpoken(label: string, totals: GroupTotals): string {
  const parts = [label, `${totals.exact ? '' : 'about '}${formatTaskCount(totals.count)} of ${sitesText(totals)}`];
  if (totals.sinceBaseline !== 0) parts.push(sinceBaselineSpoken(totals.sinceBaseline));
  parts.push(`oldest ${formatAge(totals.oldestMs)}`);
  return parts.join(', ');
}

function sitesText({ sites }: GroupTotals): string {
  return counted(sites, 'site');
}

function sinceBaselineSpoken(change: number): string {
  return `${formatCount(Math.abs(change))} ${change > 0 ? 'more' : 'fewer'} than at the baseline`;
}

export function frameLabel(frame: StackFrame): string {
  return frameFunction(frame);
}

/** `orders.ts:42`; empty for builtins. */
export function frameDescription(frame: StackFrame): string {
  return sitePosition(frame);
}

/** Text that shows literally in Markdown: every character with a meaning there loses it. */
export function escapeMarkdown(text: string): string {
  return stripControls(text.replace(/\s+/g, ' '))
    .replace(/[\\`*_{}[\]()#+\-.!|~$>@:/]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;');
}

/** A tooltip in Markdown; all that came from the target is escaped. With a stack when the site has been fetched whole. */
export function siteTooltip(site: SiteRow | Site): string {
  const lines = [`**${escapeMarkdown(siteLabel(site))}**`];
  if (site.file !== null) lines.push(escapeMarkdown(site.line > 0 ? `${site.file}:${String(site.line)}:${String(site.column)}` : site.file));
  lines.push(
    [
      `${formatSiteCount(site)}${site.exact || site.error === 0 ? '' : ` ±${formatCount(site.error)}`}`,
      site.count > 0 ? `oldest ${site.since === 'before' ? '> ' : ''}${formatDuration(site.oldestMs)}` : 'none alive',
      `${formatSigned(site.sinceBaseline)} since the baseline`,
    ].join(' · '),
  );
  if (site.since === 'before') lines.push(`${formatRate(site.endedPerSec)} ended · they began before the attach: where is not known, this is the function that they will call`);
  else lines.push(`${formatRate(site.ratePerSec)} started, ${formatRate(site.endedPerSec)} ended · ${formatCount(site.started, site.exact)} started since the attach`);
  if (site.abandoned > 0) {
    lines.push(`${formatCount(site.abandoned, site.exact)} ${kindNoun(site.kind, site.abandoned)} collected while pending: nothing could settle them any more`);
  }
  if (!site.exact) lines.push(site.since === 'before' ? 'An estimate: there were too many to look up each.' : 'An estimate: so many are started that only a sample is looked at.');
  if ('stack' in site && site.since === 'attach' && site.stack.length > 0) {
    lines.push(['Started from', ...site.stack.map((frame) => `- ${stackFrame(frame)}`)].join('\n'));
  }
  return lines.join('\n\n');
}

function stackFrame(frame: StackFrame): string {
  const name = escapeMarkdown(frameFunction(frame));
  if (frame.file === null) return name;
  return `${name} — ${escapeMarkdown(frame.line > 0 ? `${frame.file}:${String(frame.line)}:${String(frame.column)}` : frame.file)}`;
}

/** Plain text for the clipboard, with the whole path. */
export function siteAsText(site: SiteRow | Site): string {
  const at = site.file === null ? '' : ` at ${stripControls(site.file)}${site.line > 0 ? `:${String(site.line)}:${String(site.column)}` : ''}`;
  const figures = [
    formatSiteCount(site),
    site.count > 0 ? `oldest ${formatDuration(site.oldestMs)}` : undefined,
    `${formatSigned(site.sinceBaseline)} since the baseline`,
  ].filter((part) => part !== undefined);
  const stack = 'stack' in site ? site.stack.map((frame) => `    at ${frameFunction(frame)}${frame.file === null ? '' : ` (${stripControls(frame.file)}:${String(frame.line)}:${String(frame.column)})`}`) : [];
  return [`${siteLabel(site)}${at}`, figures.join(', '), ...stack].join('\n');
}

/** The age stands as a task's label. */
export function taskLabel(task: Task): string {
  return `${task.weight > 1 ? `~${formatCount(task.weight)} × ` : ''}${formatDuration(task.ageMs)}`;
}

export function taskDescription(task: Task): string {
  const parts: string[] = [];
  if (task.type !== undefined && (task.kind === 'handle' || task.kind === 'request')) parts.push(resourceNoun(task.type));
  if (task.localAddress !== undefined) parts.push(task.localAddress);
  if (task.remoteAddress !== undefined) parts.push(`→ ${task.remoteAddress}`);
  if (task.path !== undefined) parts.push(task.path);
  if (task.pid !== undefined) parts.push(`pid ${String(task.pid)}`);
  if (task.state !== '') parts.push(task.state);
  return parts.join(' · ');
}

export function processDescription(process: ProcessFigures): string {
  return `${formatBytes(process.heap.used)} of ${formatBytes(process.heap.limit)} · loop ${formatMilliseconds(process.loop.delayP50Ms)}`;
}

export interface Figure {
  /** Unique among the figures of a process. */
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly hint: string;
}

export function processFigures(process: ProcessFigures, overhead: Overhead | undefined): readonly Figure[] {
  const { heap, loop, gc } = process;
  const figures: Figure[] = [
    {
      id: 'heap',
      label: 'Heap',
      value: `${formatBytes(heap.used)} used of ${formatBytes(heap.limit)} (${formatShare(heap.limit > 0 ? heap.used / heap.limit : 0)})`,
      hint: `V8 heap: ${formatBytes(heap.used)} in use, ${formatBytes(heap.total)} reserved; the process dies at ${formatBytes(heap.limit)}`,
    },
    { id: 'rss', label: 'Resident memory', value: formatBytes(heap.rss), hint: 'Everything the process has in memory (RSS)' },
    { id: 'external', label: 'External', value: formatBytes(heap.external), hint: 'Memory of C++ objects that JavaScript objects own, array buffers included' },
    { id: 'arrayBuffers', label: 'Array buffers', value: formatBytes(heap.arrayBuffers), hint: 'Memory of ArrayBuffer, SharedArrayBuffer and Buffer' },
    {
      id: 'delay',
      label: 'Event loop delay',
      value: `p50 ${formatMilliseconds(loop.delayP50Ms)} · p99 ${formatMilliseconds(loop.delayP99Ms)} · max ${formatMilliseconds(loop.delayMaxMs)}`,
      hint: 'How much later than planned the event loop came round, since the last poll',
    },
    { id: 'utilization', label: 'Event loop utilization', value: formatShare(loop.utilization), hint: 'Share of the time in which the event loop was busy, since the last poll' },
    {
      id: 'gc',
      label: 'Garbage collections',
      value: `${gc.estimated ? '~' : ''}${formatCount(gc.count)} · ${formatMilliseconds(gc.totalMs)}`,
      hint: `Since the attach: how many, and the time they took together${gc.estimated ? ', estimated from moments in which they were counted' : ''}`,
    },
    { id: 'uptime', label: 'Uptime', value: formatDuration(process.uptimeMs), hint: 'Since the process started' },
  ];
  if (overhead !== undefined) {
    const { percent, budgetPercent } = overhead;
    figures.push({
      id: 'overhead',
      label: 'Cost of watching',
      value: `${percent === null ? 'not known yet' : `${formatPercent(percent)} of ${formatPercent(budgetPercent)}`} · ${formatCounting(overhead)}`,
      hint: `Asyncscope's own share of the target's time, ${formatCost(overhead) ?? 'which is not known yet'}, of what it may take; the last poll took ${formatMilliseconds(overhead.pollMs)}. ${explainCounting(overhead)}`,
    });
  }
  return figures;
}

/** How Node names a type of active resource, with how many of them keep the process alive. */
export function activeResourceFigures(process: ProcessFigures): readonly Figure[] {
  return Object.entries(process.activeResources)
    .filter(([, count]) => count > 0)
    .sort(([nameA, a], [nameB, b]) => b - a || compareText(nameA, nameB))
    .map(([type, count]) => ({ id: type, label: type, value: formatCount(count), hint: `${formatCount(count)} of type ${type} keep the process alive` }));
}

/** By code units: the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The heat of a number of tasks, as on the line: 1 up to 9, 2 up to 99, 3 up to 999, 4 from 1,000 on. */
export function heatOf(count: number): 1 | 2 | 3 | 4 {
  if (count < 10) return 1;
  if (count < 100) return 2;
  return count < 1000 ? 3 : 4;
}

/** Which kind leads in a list of totals, for one line of words: `1,180 promises, 12 timeouts`. */
export function totalsText(totals: Readonly<Record<TaskKind, number>>, exact: boolean): string {
  return (Object.entries(totals) as [TaskKind, number][])
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => formatKindCount(kind, count, exact))
    .join(', ');
}
