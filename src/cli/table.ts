/** The picture for people. Everything that comes from the target is stripped of what a terminal would act on. */
import { formatCost, formatCounting } from '../core/format/overhead';
import { siteFunction } from '../core/format/functionName';
import { isAbsolute, relative } from 'node:path';
import { FROM_BEFORE, formatAge, formatEstimate, formatGrowth, formatOldest } from '../core/format/figures';
import { lossTexts } from '../core/format/losses';
import { estimatePromiseCountMs } from '../core/model/snapshotCost';
import { counted, formatBytes, formatCount, formatDuration, formatMilliseconds } from '../core/format/quantity';
import { formatKindCount, formatTaskCount, kindNoun } from '../core/format/taskKind';
import { displayName, stripControls } from '../core/format/text';
import { kindsPresent } from '../core/model/sessionModel';
import type { SessionModel } from '../core/model/sessionModel';
import { STILL_THRESHOLD_MS } from '../core/model/task';
import type { Site, TargetInfo } from '../core/model/task';
import { clipEnd, clipStart, displayWidth, pad } from './terminalText';

export interface TableOptions {
  /** Terminal columns; Infinity when it is not a terminal. */
  readonly columns: number;
  /** Lines that fit; Infinity when there is no need to fit. */
  readonly rows: number;
  readonly color: boolean;
  /** Sites of dependencies and of Node too. */
  readonly all: boolean;
  /** Paths below it are shown relative to it. */
  readonly cwd: string;
  /** What was filtered by, as text; undefined when nothing was. */
  readonly filter?: string | undefined;
  /** How many sites there are without the filter. */
  readonly unfiltered?: number;
  /** Sites that are not listed because `.asyncscope.json` hides them. */
  readonly hidden?: readonly Site[];
}

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cell: (site: Site) => string;
}

const FIGURES: readonly Column[] = [
  { title: 'COUNT', align: 'right', cell: (site) => formatEstimate(site) },
  { title: 'KIND', align: 'left', cell: (site) => kindNoun(site.kind, site.count) },
  { title: 'OLDEST', align: 'right', cell: formatOldest },
  { title: 'GROWTH', align: 'right', cell: (site) => formatGrowth(site) },
];
/** A process that had been running for longer than this may have had promises before the attach. Milliseconds. */
const LATE_ATTACH_MS = 2_000;
const NAME_TITLE = 'FUNCTION';
const NAME_COLUMNS_LIMIT = 32;
const GAP = '  ';

/** Lines, each ending with a newline. `sites` are in the order in which they are to be shown. */
export function renderTable(model: SessionModel, target: TargetInfo, sites: readonly Site[], options: TableOptions): string {
  const paint = painter(options.color);
  const live = sites.filter((site) => site.count > 0);
  const listed = options.all ? live : live.filter((site) => site.origin === 'app');
  const head = [paint.bold(fit(titleLine(target), options)), fit(tasksLine(model), options), fit(processLine(model), options)];
  const notes = notesOf(model, listed, options);
  const body = listed.length === 0 ? [] : rowsOf(listed, options, paint);
  const room = Math.max(2, options.rows - head.length - notes.length - 3);
  const cut = body.length - room;
  const shown = cut > 0 ? [...body.slice(0, room - 1), paint.dim(`… ${formatCount(cut + 1)} more`)] : body;
  return [...head, ...(shown.length > 0 ? ['', ...shown] : []), ...(notes.length > 0 ? ['', ...notes.map((note) => fit(note, options))] : [])]
    .map((line) => `${line}\n`)
    .join('');
}

function titleLine(target: TargetInfo): string {
  const title = clipStart(displayName(target.title), 60);
  return [title, `pid ${target.pid}`, `Node ${displayName(target.node)}`, displayName(target.url)].join(GAP);
}

function tasksLine(model: SessionModel): string {
  const { totals, origins, before } = model;
  const exact = model.overhead(0)?.mode !== 'sampled';
  const kinds = kindsPresent(totals).map((kind) => formatKindCount(kind, totals[kind], exact));
  const old = Object.values(before).reduce((sum, count) => sum + count, 0);
  return formatTaskCount(origins.app, exact) + (kinds.length > 1 ? ` (${kinds.join(', ')})` : '') + (old > 0 ? `, ${formatCount(old)} of them ${FROM_BEFORE}` : '');
}

function processLine(model: SessionModel): string {
  const { process } = model;
  const overhead = model.overhead(0);
  const parts: string[] = [];
  if (process) {
    parts.push(`heap ${formatBytes(process.heap.used)} of ${formatBytes(process.heap.limit)}`);
    parts.push(`loop p99 ${formatMilliseconds(process.loop.delayP99Ms)}`);
    parts.push(`GC ${process.gc.estimated ? '~' : ''}${formatCount(process.gc.count)} in ${formatMilliseconds(process.gc.totalMs)}`);
  }
  const watching: string[] = [];
  const cost = overhead === undefined ? null : formatCost(overhead);
  if (cost !== null) watching.push(`watching costs ${cost}`);
  if (overhead !== undefined && overhead.counting !== 'exact') watching.push(formatCounting(overhead));
  if (watching.length > 0) parts.push(watching.join(', '));
  return parts.join(' · ');
}

function notesOf(model: SessionModel, listed: readonly Site[], options: TableOptions): string[] {
  const { origins, beforeNotFollowed, beforePromises } = model;
  const notes: string[] = [];
  const { filter, unfiltered = 0, hidden = [] } = options;
  if (filter !== undefined) notes.push(stripControls(`Filter: ${filter}. ${formatCount(listed.length)} of ${counted(unfiltered, 'site')}.`));
  if (listed.length === 0 && filter === undefined && hidden.length === 0) {
    notes.push('No live tasks. "asyncscope ps -- node app.js" sees everything from the first line on.');
  }
  const folded = [
    origins.dependency > 0 ? `${formatCount(origins.dependency)} of dependencies` : '',
    origins.node > 0 ? `${formatCount(origins.node)} of Node itself` : '',
  ].filter((part) => part !== '');
  if (!options.all && folded.length > 0) notes.push(`Not listed: ${folded.join(', ')}. Use --all to see them.`);
  if (beforePromises === undefined && model.uptimeAtAttachMs >= LATE_ATTACH_MS) {
    const pause = formatDuration(estimatePromiseCountMs(model.process?.heap.used ?? 0));
    notes.push(`Promises ${FROM_BEFORE} are not counted. --before-promises does, and stops the process for about ${pause}.`);
  }
  if (beforePromises !== undefined && beforePromises.more > 0) notes.push(`${formatCount(beforePromises.more)} more promises ${FROM_BEFORE}: too many to be followed.`);
  if (beforeNotFollowed > 0) notes.push(`${formatCount(beforeNotFollowed)} more timers, handles and requests ${FROM_BEFORE}: too many to be listed.`);
  if (hidden.length > 0) {
    const tasks = formatTaskCount(hidden.reduce((sum, site) => sum + site.count, 0), hidden.every((site) => site.exact));
    notes.push(`Hidden by .asyncscope.json: ${counted(hidden.length, 'site')} with ${tasks}. Use --no-config to see them.`);
  }
  if (listed.some((site) => !site.exact)) notes.push('~ is an estimate: so many tasks are started that only a sample is looked at.');
  const { stillMs = 0 } = model.process?.loop ?? {};
  if (stillMs >= STILL_THRESHOLD_MS) notes.push(`The event loop stands still for ${formatAge(stillMs)}: a debugger holds it, or one callback does.`);
  for (const text of lossTexts(model.losses)) notes.push(`WARNING: ${text}.`);
  return notes;
}

function rowsOf(sites: readonly Site[], options: TableOptions, paint: Painter): string[] {
  const figures = sites.map((site) => FIGURES.map((column) => column.cell(site)));
  const widths = FIGURES.map((column, index) => Math.max(column.title.length, ...figures.map((row) => displayWidth(row[index] ?? ''))));
  const room = options.columns - widths.reduce((sum, width) => sum + width + GAP.length, 0) - GAP.length;
  const names = sites.map(nameOf);
  const longest = Math.max(NAME_TITLE.length, ...names.map(displayWidth));
  // Where a line is short of room, name and position share it: two parts to three.
  const nameWidth = Math.max(NAME_TITLE.length, Math.min(longest, NAME_COLUMNS_LIMIT, Math.floor(room * 0.4)));
  const line = (cells: readonly string[], name: string, location: string): string => {
    const padded = FIGURES.map((column, index) => pad(cells[index] ?? '', widths[index] ?? 0, column.align));
    const texts = [...padded, pad(clipEnd(name, nameWidth), nameWidth, 'left'), clipStart(location, Math.max(1, room - nameWidth))];
    return clipEnd(texts.join(GAP).trimEnd(), options.columns);
  };
  return [
    paint.dim(line(FIGURES.map((column) => column.title), NAME_TITLE, 'LOCATION')),
    ...sites.map((site, index) => {
      const text = line(figures[index] ?? [], names[index] ?? '', locationOf(site, options.cwd));
      return site.origin === 'app' ? text : paint.dim(text);
    }),
  ];
}

function nameOf(site: Site): string {
  return stripControls(siteFunction(site));
}

function locationOf(site: Site, cwd: string): string {
  if (site.file === null) return `(no position)${beforeText(site)}`;
  const near = isAbsolute(site.file) ? relative(cwd, site.file) : site.file;
  const file = near.startsWith('..') || isAbsolute(near) ? site.file : near;
  return stripControls(`${file}:${site.line}:${site.column}`) + beforeText(site);
}

function beforeText({ since }: Site): string {
  return since === 'before' ? ` (${FROM_BEFORE})` : '';
}

function fit(line: string, options: TableOptions): string {
  return clipEnd(line, options.columns);
}

interface Painter {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

function painter(color: boolean): Painter {
  const sgr = (code: number) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: sgr(1), dim: sgr(2) };
}
