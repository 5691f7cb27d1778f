/**
 * The rows of "Live Tasks" as plain values: built whole from the sessions at every drawing, then compared with the last
 * ones, so that only what changed is drawn again. Pure.
 */
import { assertNever } from '../../core/base/assertNever';
import { formatCount } from '../../core/format/quantity';
import { formatTaskCount } from '../../core/format/taskKind';
import type { Heat, RevealSiteArguments, SiteRow } from '../../protocol/lsp';
import type { TaskKind } from '../../core/model/task';
import type { InternalsPlacement, RowContext, SiteOrder } from '../contributions';
import { ROW_CONTEXTS } from '../contributions';
import type { Session } from '../sessions/sessionStore';
import { currentSites, displayName, isLive } from '../sessions/sessionStore';
import type { Figure } from './siteText';
import {
  activeResourceFigures,
  compareText,
  heatOf,
  processDescription,
  processFigures,
  siteDescription,
  siteLabel,
  sitePosition,
  siteSpoken,
  taskDescription,
  taskLabel,
} from './siteText';

/** Sites listed below one row. Beyond it the rest is counted ("N more"): nobody reads on, and every row costs. */
export const SITE_ROW_LIMIT = 500;

/** A picture in front of a row: one of VS Code's own icons, or the mark of a kind as it stands in the gutter. */
export type RowIcon =
  | { readonly type: 'theme'; readonly id: string; readonly color?: string }
  | { readonly type: 'mark'; readonly kind: TaskKind; readonly heat: Heat };

export interface TreeRow {
  /** Unique in the tree, and the same for the same thing as long as it lives. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly icon: RowIcon | undefined;
  readonly context: RowContext;
  /** What a screen reader says. */
  readonly spoken: string;
  /** Plain text; rows of sites make theirs when it is asked for. */
  readonly tooltip: string | undefined;
  readonly expansion: 'none' | 'collapsed' | 'expanded';
  readonly sessionId: string;
  /** Rows of a site. */
  readonly siteId: string | undefined;
  readonly children: readonly TreeRow[];
}

export interface TreeOptions {
  readonly order: SiteOrder;
  readonly internals: InternalsPlacement;
  /** Ids of the rows that are drawn now, top down: sites that hardly differ keep their places among themselves. */
  readonly previous?: readonly string[];
}

/**
 * Sites are put in order by steps of this factor in count or growth, and keep their places within a step. Otherwise rows
 * of like size would change places every second, under the pointer of whoever wants to click one.
 */
const ALIKE_FACTOR = 1.1;

export function buildTree(sessions: readonly Session[], options: TreeOptions): readonly TreeRow[] {
  return sessions.map((session) => sessionRow(session, options));
}

/** The row that stands for a site, folded away or not. */
export function findSite(rows: readonly TreeRow[], { sessionId, siteId }: RevealSiteArguments): TreeRow | undefined {
  for (const row of rows) {
    if (row.sessionId !== sessionId) continue;
    if (row.siteId === siteId && isSite(row)) return row;
    const below = findSite(row.children, { sessionId, siteId });
    if (below !== undefined) return below;
  }
  return undefined;
}

export function isSite(row: TreeRow): boolean {
  return row.context === ROW_CONTEXTS.site || row.context === ROW_CONTEXTS.siteWithoutFile;
}

/** What has to be drawn again: the ids of rows (each with all below it), or everything. */
export type TreeChange = { readonly type: 'all' } | { readonly type: 'rows'; readonly ids: readonly string[] };

export function diffTree(before: readonly TreeRow[], after: readonly TreeRow[]): TreeChange {
  if (!sameIds(before, after)) return { type: 'all' };
  const ids: string[] = [];
  collectChanges(before, after, ids);
  return { type: 'rows', ids };
}

function collectChanges(before: readonly TreeRow[], after: readonly TreeRow[], ids: string[]): void {
  after.forEach((row, index) => {
    const old = before[index];
    if (old === undefined) return;
    if (!sameFace(old, row) || !sameIds(old.children, row.children)) ids.push(row.id);
    else collectChanges(old.children, row.children, ids);
  });
}

function sameIds(a: readonly TreeRow[], b: readonly TreeRow[]): boolean {
  return a.length === b.length && a.every((row, index) => row.id === b[index]?.id);
}

function sameFace(a: TreeRow, b: TreeRow): boolean {
  return (
    a.label === b.label &&
    a.description === b.description &&
    a.context === b.context &&
    a.expansion === b.expansion &&
    a.tooltip === b.tooltip &&
    JSON.stringify(a.icon) === JSON.stringify(b.icon)
  );
}

/** @param place the place of a site in what is drawn now; undefined when it is new. */
export function compareSites(order: SiteOrder, place: (site: SiteRow) => number | undefined = () => undefined): (a: SiteRow, b: SiteRow) => number {
  const figure = (site: SiteRow): number => {
    switch (order) {
      case 'count':
        return step(site.count);
      case 'age':
        // All grow older alike, so ages never make rows change places.
        return site.oldestMs;
      case 'growth':
        return step(site.sinceBaseline);
      default:
        return assertNever(order);
    }
  };
  return (a, b) => {
    const difference = figure(b) - figure(a);
    if (difference !== 0) return difference;
    const [placeA, placeB] = [place(a), place(b)];
    if (placeA !== undefined && placeB !== undefined) return placeA - placeB;
    return b.count - a.count || compareText(sitePosition(a), sitePosition(b)) || compareText(a.id, b.id);
  };
}

/** Which of the steps of {@link ALIKE_FACTOR} a figure falls on, its sign kept. Small whole numbers have one each. */
function step(figure: number): number {
  return Math.sign(figure) * Math.ceil(Math.log(1 + Math.abs(figure)) / Math.log(ALIKE_FACTOR));
}

function sessionRow(session: Session, options: TreeOptions): TreeRow {
  const status = sessionStatus(session);
  const name = displayName(session);
  const facts = [
    // What was attached to by address is known by it.
    name === session.name ? '' : session.name,
    session.target === undefined ? '' : `pid ${String(session.target.pid)}`,
    session.target?.node ?? '',
    status.text,
  ].filter((part) => part !== '');
  return {
    ...blank(session, `session/${session.id}`),
    label: name,
    description: facts.join(' · '),
    icon: status.icon,
    context: status.context,
    spoken: [name, ...facts].join(', '),
    tooltip: session.target === undefined ? name : `${session.target.title}\n${session.target.url}\n${session.target.cwd}`,
    expansion: 'expanded',
    children: sessionChildren(session, options),
  };
}

interface StatusFace {
  readonly text: string;
  readonly icon: RowIcon;
  readonly context: RowContext;
}

function sessionStatus(session: Session): StatusFace {
  switch (session.status) {
    case 'attaching':
      return { text: 'attaching…', icon: theme('loading~spin'), context: ROW_CONTEXTS.sessionAttaching };
    case 'waiting':
      return {
        text: session.wait?.for === 'first line' ? 'waits before its first line' : 'waiting for it to come back',
        icon: theme('sync~spin'),
        context: ROW_CONTEXTS.sessionWaiting,
      };
    case 'attached':
      return { text: '', icon: theme('server-process', 'charts.green'), context: ROW_CONTEXTS.sessionRunning };
    case 'paused':
      return { text: 'paused', icon: theme('debug-pause', 'charts.yellow'), context: ROW_CONTEXTS.sessionPaused };
    case 'unresponsive':
      return { text: 'not responding', icon: theme('warning', 'list.warningForeground'), context: ROW_CONTEXTS.sessionUnresponsive };
    case 'ended':
      return { text: session.end === undefined ? 'ended' : `ended: ${session.end.reason}`, icon: theme('circle-slash', 'disabledForeground'), context: ROW_CONTEXTS.sessionEnded };
    default:
      return assertNever(session.status);
  }
}

function sessionChildren(session: Session, options: TreeOptions): readonly TreeRow[] {
  if (session.status === 'attaching') return [];
  if (session.status === 'ended') {
    return [note(session, 'end', session.end?.message ?? 'The session ended.', theme('info'))];
  }
  if (session.status === 'waiting') return [note(session, 'wait', session.wait?.message ?? 'Waiting for the process.', theme('info'))];
  const rows: TreeRow[] = [];
  if (session.status === 'unresponsive') {
    rows.push(note(session, 'unresponsive', 'The target does not answer: its event loop is blocked, or it is stopped. The figures are the last known.', theme('warning', 'list.warningForeground')));
  }
  if (session.dropped > 0) {
    rows.push(note(session, 'dropped', `${formatTaskCount(session.dropped)} not counted: a limit was reached, so the figures are too low`, theme('warning', 'list.warningForeground')));
  }
  if (session.lostPolls > 0) {
    rows.push(note(session, 'lost', `${formatCount(session.lostPolls)} answers of the process were lost: sites may be missing`, theme('warning', 'list.warningForeground')));
  }
  if (session.agentRestarts > 0) {
    rows.push(note(session, 'blind', 'The process was out of reach for long: tasks from before that are not shown', theme('warning', 'list.warningForeground')));
  }
  if (session.before.notFollowed > 0) {
    rows.push(note(session, 'before', `${formatCount(session.before.notFollowed)} more timers from before the attach: too many to be listed`, theme('info')));
  }
  if (session.process !== undefined) rows.push(processRow(session));

  const live = currentSites(session).filter((site) => site.count > 0);
  const isApp = (site: SiteRow): boolean => site.origin === 'app';
  const listed = options.internals === 'inline' ? live : live.filter(isApp);
  const folded = options.internals === 'inline' ? [] : live.filter((site) => !isApp(site));

  if (listed.length === 0 && isLive(session)) {
    rows.push(note(session, 'none', 'No live tasks of your own code right now', theme('check')));
  }
  rows.push(...siteRows(session, listed, options, 'sites'));
  if (folded.length > 0) rows.push(internalsRow(session, folded, options));
  return rows;
}

function siteRows(session: Session, sites: readonly SiteRow[], { order, previous = [] }: TreeOptions, group: string): readonly TreeRow[] {
  const places = new Map(previous.map((id, index) => [id, index]));
  const sorted = [...sites].sort(compareSites(order, (site) => places.get(siteRowId(session, site))));
  const rows = sorted.slice(0, SITE_ROW_LIMIT).map((site) => siteRow(session, site));
  const more = sorted.slice(SITE_ROW_LIMIT);
  if (more.length > 0) {
    const tasks = more.reduce((sum, site) => sum + site.count, 0);
    rows.push(note(session, `${group}-more`, `${formatCount(more.length)} more sites with ${formatTaskCount(tasks)}`, theme('ellipsis')));
  }
  return rows;
}

function internalsRow(session: Session, sites: readonly SiteRow[], options: TreeOptions): TreeRow {
  const tasks = sites.reduce((sum, site) => sum + site.count, 0);
  const exact = sites.every((site) => site.exact);
  const label = `Dependencies and Node (${formatCount(tasks, exact)})`;
  return {
    ...blank(session, `internals/${session.id}`),
    label,
    description: '',
    icon: theme('library'),
    context: ROW_CONTEXTS.internals,
    spoken: `Dependencies and Node, ${formatTaskCount(tasks, exact)}`,
    tooltip: 'Tasks that packages in node_modules and Node itself started, without a frame of your own code',
    expansion: 'collapsed',
    children: siteRows(session, sites, options, 'internals'),
  };
}

function siteRowId(session: Session, site: SiteRow): string {
  return `site/${session.id}/${site.id}`;
}

function siteRow(session: Session, site: SiteRow): TreeRow {
  const list = session.tasks.get(site.id);
  const prefix = `task/${session.id}/${site.id}`;
  const tasks = (list?.tasks ?? []).map((task): TreeRow => {
    const label = taskLabel(task);
    const description = taskDescription(task);
    return {
      ...blank(session, `${prefix}/${String(task.id)}`),
      label,
      description,
      context: ROW_CONTEXTS.task,
      spoken: `${task.kind}, age ${label}, ${description}`,
      tooltip: description,
      siteId: site.id,
    };
  });
  if (list !== undefined && list.more > 0) {
    tasks.push({ ...note(session, `more/${site.id}`, `${formatCount(list.more, site.exact)} more`, theme('ellipsis')), siteId: site.id });
  }
  return {
    ...blank(session, siteRowId(session, site)),
    label: siteLabel(site),
    description: siteDescription(site),
    icon: { type: 'mark', kind: site.kind, heat: heatOf(site.count) },
    context: site.file !== null && site.line > 0 && !site.file.startsWith('node:') ? ROW_CONTEXTS.site : ROW_CONTEXTS.siteWithoutFile,
    spoken: siteSpoken(site),
    expansion: 'collapsed',
    siteId: site.id,
    children: tasks,
  };
}

function processRow(session: Session): TreeRow {
  const process = session.process;
  if (process === undefined) throw new TypeError('a process row needs figures');
  const resources = activeResourceFigures(process);
  const total = Object.values(process.activeResources).reduce((sum, count) => sum + count, 0);
  return {
    ...blank(session, `process/${session.id}`),
    label: 'Process',
    description: processDescription(process),
    icon: theme('dashboard'),
    context: ROW_CONTEXTS.process,
    spoken: `Process, heap ${processDescription(process)}`,
    expansion: 'collapsed',
    children: [
      ...processFigures(process, session.overhead).map((figure) => figureRow(session, 'figure', figure)),
      {
        ...blank(session, `resources/${session.id}`),
        label: 'Active resources',
        description: formatCount(total),
        context: ROW_CONTEXTS.figure,
        spoken: `Active resources, ${formatCount(total)}`,
        tooltip: 'What keeps the process alive, by the names that Node gives it',
        expansion: resources.length > 0 ? 'collapsed' : 'none',
        children: resources.map((figure) => figureRow(session, 'resource', figure)),
      },
    ],
  };
}

function figureRow(session: Session, group: string, figure: Figure): TreeRow {
  return {
    ...blank(session, `${group}/${session.id}/${figure.id}`),
    label: figure.label,
    description: figure.value,
    context: ROW_CONTEXTS.figure,
    spoken: `${figure.label}, ${figure.value}`,
    tooltip: figure.hint,
  };
}

function note(session: Session, id: string, text: string, icon: RowIcon): TreeRow {
  return { ...blank(session, `note/${session.id}/${id}`), label: text, icon, context: ROW_CONTEXTS.note, spoken: text, tooltip: text };
}

function blank(session: Session, id: string): TreeRow {
  return {
    id,
    label: '',
    description: '',
    icon: undefined,
    context: ROW_CONTEXTS.note,
    spoken: '',
    tooltip: undefined,
    expansion: 'none',
    sessionId: session.id,
    siteId: undefined,
    children: [],
  };
}

function theme(id: string, color?: string): RowIcon {
  return color === undefined ? { type: 'theme', id } : { type: 'theme', id, color };
}
