/**
 * The rows of "Live Tasks" as plain values: built whole from the sessions at every drawing, then compared with the last
 * ones, so that only what changed is drawn again. Pure.
 */
import { assertNever } from '../../core/base/assertNever';
import { formatAge } from '../../core/format/figures';
import { lossTexts } from '../../core/format/losses';
import { counted, formatCount, formatDuration } from '../../core/format/quantity';
import { estimatePromiseCountMs } from '../../core/model/snapshotCost';
import { formatTaskCount } from '../../core/format/taskKind';
import { STILL_THRESHOLD_MS } from '../../core/model/task';
import { originOfScript } from '../../core/model/origin';
import type { StackFrame, TaskList } from '../../core/model/task';
import type { Filter } from '../../core/view/filter';
import { asksForInternals, EMPTY_FILTER, isNew, matchesFilter } from '../../core/view/filter';
import type { AgedSite, Grouping } from '../../core/view/grouping';
import { groupSites, totalsOf } from '../../core/view/grouping';
import type { HiddenSites, HideRule } from '../../core/view/hiddenSites';
import { packageOfSite } from '../../core/view/package';
import type { RevealSiteArguments, SiteRow } from '../../protocol/lsp';
import type { InternalsPlacement, RowContext, SiteOrder } from '../contributions';
import { ROW_CONTEXTS } from '../contributions';
import type { Session } from '../sessions/sessionStore';
import { displayName, isLive, siteAge } from '../sessions/sessionStore';
import type { RowIcon } from './rowIcon';
import type { Figure } from './siteText';
import {
  activeResourceFigures,
  compareText,
  frameDescription,
  frameLabel,
  groupDescription,
  groupLabel,
  groupSpoken,
  heatOf,
  hiddenDescription,
  processDescription,
  processFigures,
  siteDescription,
  siteLabel,
  sitePosition,
  siteSpoken,
  taskDescription,
  taskLabel,
} from './siteText';

/** A process that had been running for longer than this may have had promises before the attach. Milliseconds. */
const LATE_ATTACH_MS = 2_000;
/** A count later than this after the attach has something of its own time in it. Milliseconds. */
const LATE_COUNT_MS = 1_000;

/**
 * Sites, or groups of them, that stand directly below one row. The rest is folded into rows of as many ("501 to 1,000"):
 * VS Code fetches all rows below an open one whenever a row among them comes or goes, so a longer list would cost as
 * much every second as it is long.
 */
export const PAGE_SIZE = 500;

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
  /** Rows of a stack: which frame of it, the innermost being 0. */
  readonly frame: { readonly index: number; readonly position: StackFrame } | undefined;
  readonly children: readonly TreeRow[];
  /**
   * Rows that hold sites: the ids of all of them, built or not. Below such a row there are no children until it is open.
   * @see TreeOptions.open
   */
  readonly members: (() => readonly string[]) | undefined;
}

export interface TreeOptions {
  readonly order: SiteOrder;
  readonly internals: InternalsPlacement;
  readonly grouping?: Grouping;
  /** What is listed of all sites that are not hidden. */
  readonly filter?: Filter;
  /** Only sites with more live tasks than at the baseline. */
  readonly onlyNew?: boolean;
  readonly hidden?: HiddenSites;
  /** By {@link siteKey}: of the sites that are open. */
  readonly stacks?: ReadonlyMap<string, readonly StackFrame[]>;
  /** {@link TreePicture.places} of the picture before: sites that hardly differ keep their places among themselves. */
  readonly places?: ReadonlyMap<string, number>;
  /** Ids of the rows with members whose children are built; all of them when it is missing. */
  readonly open?: ReadonlySet<string>;
}

/** The rows, and how many sites they are of how many. */
export interface TreePicture {
  readonly rows: readonly TreeRow[];
  /** Sites with live tasks that are listed, in all sessions. */
  readonly shown: number;
  /** Sites with live tasks that would be listed without filter: all that are not hidden. */
  readonly total: number;
  readonly hidden: number;
  /** In what order sites and groups stand in their lists, by row id, built or not. */
  readonly places: ReadonlyMap<string, number>;
}

/** What one drawing works with. */
interface Drawing extends TreeOptions {
  readonly cache: RowCache;
  readonly placed: Map<string, number>;
}

/**
 * Rows of sites from the last drawing, so that a site that did not change is not described again. Ten thousand of them
 * are drawn every second.
 */
export class RowCache {
  #last = new Map<string, CachedRow>();
  #next = new Map<string, CachedRow>();

  row(id: string, face: Omit<CachedRow, 'row'>, make: () => TreeRow): TreeRow {
    const known = this.#last.get(id);
    const entry = known !== undefined && sameThing(known, face) ? known : { ...face, row: make() };
    this.#next.set(id, entry);
    return entry.row;
  }

  /** A drawing is done: what was not in it is forgotten. */
  turn(): void {
    this.#last = this.#next;
    this.#next = new Map();
  }
}

interface CachedRow {
  readonly row: TreeRow;
  readonly site: SiteRow;
  /** As text: a row grows older in steps. */
  readonly age: string;
  readonly tasks: TaskList | undefined;
  readonly stack: readonly StackFrame[] | undefined;
  readonly rule: HideRule | undefined;
}

function sameThing(a: Omit<CachedRow, 'row'>, b: Omit<CachedRow, 'row'>): boolean {
  return a.site === b.site && a.age === b.age && a.tasks === b.tasks && a.stack === b.stack && a.rule === b.rule;
}

type LiveSite = AgedSite<SiteRow>;

/**
 * Sites are put in order by steps of this factor in count or growth, and keep their places within a step. Otherwise rows
 * of like size would change places every second, under the pointer of whoever wants to click one.
 */
const ALIKE_FACTOR = 1.1;

export function buildTree(sessions: readonly Session[], options: TreeOptions, cache: RowCache = new RowCache()): TreePicture {
  const drawing: Drawing = { ...options, cache, placed: new Map() };
  const pictures = sessions.map((session) => sessionPicture(session, drawing));
  cache.turn();
  const sum = (figure: (picture: SessionPicture) => number): number => pictures.reduce((all, picture) => all + figure(picture), 0);
  return { rows: pictures.map(({ row }) => row), shown: sum(({ shown }) => shown), total: sum(({ total }) => total), hidden: sum(({ hidden }) => hidden), places: drawing.placed };
}

/** A site among all sessions. */
export function siteKey({ sessionId, siteId }: RevealSiteArguments): string {
  return `${sessionId}/${siteId}`;
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

/** A row that is not open and that a site stands below. */
export function closedAbove(rows: readonly TreeRow[], site: RevealSiteArguments): TreeRow | undefined {
  for (const row of rows) {
    if (row.sessionId !== site.sessionId) continue;
    if (row.members !== undefined && row.children.length === 0 && row.members().includes(site.siteId)) return row;
    const below = closedAbove(row.children, site);
    if (below !== undefined) return below;
  }
  return undefined;
}

export function isSite(row: TreeRow): boolean {
  return row.context === ROW_CONTEXTS.site || row.context === ROW_CONTEXTS.siteWithoutFile || row.context === ROW_CONTEXTS.siteHidden;
}

/** What has to be drawn again: the ids of rows (each with all below it), or everything. */
export type TreeChange = { readonly type: 'all' } | { readonly type: 'rows'; readonly ids: readonly string[] };

export function diffTree(before: readonly TreeRow[], after: readonly TreeRow[]): TreeChange {
  if (!sameIds(before, after)) return { type: 'all' };
  const changes: Changes = { faces: [], families: [] };
  collectChanges(before, after, changes);
  const families = changes.families.length > 1 ? familiesWithMoves(before, after, changes.families) : changes.families.map(({ id }) => id);
  return families === 'all' ? { type: 'all' } : { type: 'rows', ids: [...families, ...changes.faces] };
}

interface Changes {
  /** Ids of rows that look different, with the same rows below them. */
  readonly faces: string[];
  /** Rows with other rows below them. */
  readonly families: TreeRow[];
}

function collectChanges(before: readonly TreeRow[], after: readonly TreeRow[], changes: Changes): void {
  after.forEach((row, index) => {
    const old = before[index];
    if (old === undefined || old === row) return;
    if (!sameIds(old.children, row.children)) {
      changes.families.push(row);
      collectNested(old.children, row.children, changes);
    } else if (!sameFace(old, row)) changes.faces.push(row.id);
    else collectChanges(old.children, row.children, changes);
  });
}

/** Below a row that is drawn again anyway only moves matter: the rows that have other rows below them. */
function collectNested(before: readonly TreeRow[], after: readonly TreeRow[], changes: Changes): void {
  const known = new Map(before.map((row) => [row.id, row]));
  for (const row of after) {
    const old = known.get(row.id);
    if (old === undefined || old === row || row.children.length === 0) continue;
    if (!sameIds(old.children, row.children)) changes.families.push(row);
    collectNested(old.children, row.children, changes);
  }
}

/**
 * VS Code refuses a row that it still has under another parent. So where a row has moved from one to another, what both
 * stand below is drawn again as a whole.
 */
function familiesWithMoves(before: readonly TreeRow[], after: readonly TreeRow[], families: readonly TreeRow[]): readonly string[] | 'all' {
  const [parentsBefore, parentsAfter] = [parentsOf(before), parentsOf(after)];
  const ids = new Set<string>();
  for (const family of families) {
    ids.add(family.id);
    for (const { id } of family.children) {
      const from = parentsBefore.get(id);
      if (from === undefined || from === family.id) continue;
      const above = new Set(chainOf(from, parentsBefore));
      const common = chainOf(family.id, parentsAfter).find((each) => above.has(each));
      if (common === undefined) return 'all';
      ids.add(common);
    }
  }
  return [...ids].filter((id) => !chainOf(id, parentsAfter).slice(1).some((each) => ids.has(each)));
}

function parentsOf(rows: readonly TreeRow[], parents = new Map<string, string>()): Map<string, string> {
  for (const row of rows) {
    for (const child of row.children) parents.set(child.id, row.id);
    if (row.children.length > 0) parentsOf(row.children, parents);
  }
  return parents;
}

/** A row and all that it stands below, from the bottom up. */
function chainOf(id: string, parents: ReadonlyMap<string, string>): readonly string[] {
  const chain: string[] = [];
  for (let each: string | undefined = id; each !== undefined; each = parents.get(each)) chain.push(each);
  return chain;
}

function sameIds(a: readonly TreeRow[], b: readonly TreeRow[]): boolean {
  return a === b || (a.length === b.length && a.every((row, index) => row.id === b[index]?.id));
}

function sameFace(a: TreeRow, b: TreeRow): boolean {
  return (
    a.label === b.label &&
    a.description === b.description &&
    a.context === b.context &&
    a.expansion === b.expansion &&
    a.tooltip === b.tooltip &&
    sameIcon(a.icon, b.icon)
  );
}

function sameIcon(a: RowIcon | undefined, b: RowIcon | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  if (a.type === 'mark') return b.type === 'mark' && a.kind === b.kind && a.heat === b.heat;
  return b.type === 'theme' && a.id === b.id && a.color === b.color;
}

/** How the items of a list are put in order. Plain functions rather than an object for each: there are ten thousand. */
interface Ordering<T> {
  /** Of the item's row. */
  readonly id: (item: T) => string;
  readonly count: (item: T) => number;
  readonly ageMs: (item: T) => number;
  readonly sinceBaseline: (item: T) => number;
  /** Decides between those that are new and equal. */
  readonly name: (item: T) => string;
}

/** Largest first. What falls on the same step keeps its place; what is new is put among it by its count and name. */
function inOrder<T>(items: readonly T[], { order, places, placed }: Drawing, by: Ordering<T>): readonly T[] {
  const figureOf = sortFigure(order, by);
  const decorated = items.map((item) => {
    const id = by.id(item);
    return { item, id, figure: figureOf(item), place: places?.get(id) };
  });
  decorated.sort((a, b) => {
    if (a.figure !== b.figure) return b.figure - a.figure;
    if (a.place !== undefined && b.place !== undefined) return a.place - b.place;
    return by.count(b.item) - by.count(a.item) || compareText(by.name(a.item), by.name(b.item)) || compareText(a.id, b.id);
  });
  return decorated.map(({ item, id }) => {
    placed.set(id, placed.size);
    return item;
  });
}

function sortFigure<T>(order: SiteOrder, by: Ordering<T>): (item: T) => number {
  switch (order) {
    case 'count':
      return (item) => step(by.count(item));
    case 'age':
      // All grow older alike, so ages never make rows change places.
      return by.ageMs;
    case 'growth':
      return (item) => step(by.sinceBaseline(item));
    default:
      return assertNever(order);
  }
}

/** Which of the steps of {@link ALIKE_FACTOR} a figure falls on, its sign kept. Small whole numbers have one each. */
function step(figure: number): number {
  return Math.sign(figure) * Math.ceil(Math.log(1 + Math.abs(figure)) / Math.log(ALIKE_FACTOR));
}

interface SessionPicture extends Pick<TreePicture, 'shown' | 'total' | 'hidden'> {
  readonly row: TreeRow;
}

function sessionPicture(session: Session, drawing: Drawing): SessionPicture {
  const status = sessionStatus(session);
  const name = displayName(session);
  const facts = [
    // The one thing that one has to know when there is no process.
    session.status === 'waiting' ? status.text : '',
    // What was attached to by address is known by it.
    name === session.name ? '' : session.name.startsWith('pid:') ? (session.target?.url ?? '') : session.name,
    session.target === undefined ? '' : `pid ${String(session.target.pid)}`,
    session.target?.node ?? '',
    session.status === 'waiting' ? '' : status.text,
  ].filter((part) => part !== '');
  const { children, ...figures } = sessionChildren(session, drawing);
  const row: TreeRow = {
    ...blank(session, `session/${session.id}`),
    label: name,
    description: facts.join(' · '),
    icon: status.icon,
    context: status.context,
    spoken: [name, ...facts].join(', '),
    tooltip: session.target === undefined ? name : `${session.target.title}\n${session.target.url}\n${session.target.cwd}`,
    expansion: 'expanded',
    children,
  };
  return { row, ...figures };
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
      if (session.stoppedByDebugger) return { text: 'stopped by the debugger', icon: theme('debug-pause', 'charts.yellow'), context: ROW_CONTEXTS.sessionRunning };
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

/** That the process does not run at the moment, though it answers; undefined when it does run. */
function stopText({ stoppedByDebugger, process }: Session): string | undefined {
  if (stoppedByDebugger) return 'Stopped by the debugger. Ages grow on; nothing starts or ends.';
  const { stillMs = 0 } = process?.loop ?? {};
  if (stillMs < STILL_THRESHOLD_MS) return undefined;
  return `The event loop stands still for ${formatAge(stillMs)}: a debugger holds it, or one callback does`;
}

type SessionChildren = Omit<SessionPicture, 'row'> & { readonly children: readonly TreeRow[] };

function sessionChildren(session: Session, drawing: Drawing): SessionChildren {
  const nothing = { shown: 0, total: 0, hidden: 0 };
  if (session.status === 'attaching') return { ...nothing, children: [] };
  if (session.status === 'ended') {
    return { ...nothing, children: [note(session, 'end', session.end?.message ?? 'The session ended.', theme('info'))] };
  }
  if (session.status === 'waiting') return { ...nothing, children: [note(session, 'wait', session.wait?.message ?? 'Waiting for the process.', theme('info'))] };
  const rows: TreeRow[] = [];
  if (session.status === 'unresponsive') {
    rows.push(note(session, 'unresponsive', 'The target does not answer: its event loop is blocked, or it is stopped. The figures are the last known.', theme('warning', 'list.warningForeground')));
  }
  const stop = stopText(session);
  if (stop !== undefined) rows.push(note(session, 'still', stop, theme('debug-pause', 'charts.yellow')));
  lossTexts(session.losses).forEach((text, index) => rows.push(note(session, `loss${index}`, text, theme('warning', 'list.warningForeground'))));
  if (session.before.notFollowed > 0) {
    rows.push(note(session, 'before', `${formatCount(session.before.notFollowed)} more timers, handles and requests from before the attach: too many to be listed`, theme('info')));
  }
  rows.push(...promiseNotes(session));
  if (session.process !== undefined) rows.push(processRow(session));

  const { filter = EMPTY_FILTER, onlyNew = false, internals } = drawing;
  const { live, hidden } = liveSites(session, drawing.hidden);
  const matching = filter.length === 0 && !onlyNew ? live : live.filter(({ site, ageMs }) => (!onlyNew || isNew(site)) && matchesFilter(filter, site, ageMs));
  const inline = internals === 'inline' || asksForInternals(filter);
  const isApp = ({ site }: LiveSite): boolean => site.origin === 'app';
  const listed = inline ? matching : matching.filter(isApp);
  const folded = inline ? [] : matching.filter((each) => !isApp(each));

  if (listed.length === 0 && isLive(session)) {
    if (live.some(isApp) || (inline && live.length > 0)) {
      rows.push({
        ...note(session, 'noMatch', onlyNew && filter.length === 0 ? 'Nothing new since the baseline' : 'No site matches the filter', theme('filter')),
        context: ROW_CONTEXTS.noMatch,
        tooltip: 'Click to show all sites again',
      });
    } else rows.push(note(session, 'none', 'No live tasks of your own code right now', theme('check')));
  }
  rows.push(...listRows(session, listed, drawing, 'sites'));
  if (folded.length > 0) rows.push(internalsRow(session, folded, drawing));
  if (hidden.length > 0) rows.push(hiddenRow(session, hidden, drawing));
  return { children: rows, shown: matching.length, total: live.length, hidden: hidden.length };
}

interface HiddenSite extends LiveSite {
  readonly rule: HideRule;
}

/** The sites with live tasks, those apart that are hidden. */
function liveSites(session: Session, hiddenSites: HiddenSites | undefined): { readonly live: readonly LiveSite[]; readonly hidden: readonly HiddenSite[] } {
  const rules = hiddenSites?.among(session.id, session.sites.values());
  const live: LiveSite[] = [];
  const hidden: HiddenSite[] = [];
  for (const site of session.sites.values()) {
    if (site.count === 0) continue;
    const rule = rules?.get(site.id);
    const ageMs = siteAge(session, site);
    if (rule === undefined) live.push({ site, ageMs });
    else hidden.push({ site, ageMs, rule });
  }
  return { live, hidden };
}

type Section = 'sites' | 'internals';

/** What stands below a row that holds sites: nothing until it is open, since nobody sees it. */
function holding(drawing: Drawing, id: string, sites: readonly LiveSite[], children: () => readonly TreeRow[]): Pick<TreeRow, 'expansion' | 'children' | 'members'> {
  return {
    expansion: 'collapsed',
    children: drawing.open === undefined || drawing.open.has(id) ? children() : [],
    members: () => sites.map(({ site }) => site.id),
  };
}

function listRows(session: Session, sites: readonly LiveSite[], drawing: Drawing, section: Section): readonly TreeRow[] {
  const { grouping = 'site' } = drawing;
  if (grouping === 'site') return siteRows(session, sites, drawing, section);
  const groups = groupSites(sites, grouping).map((group) => ({ ...group, id: `group/${session.id}/${section}/${grouping}/${group.key.value ?? ''}` }));
  const sorted = inOrder(groups, drawing, {
    id: ({ id }) => id,
    count: ({ totals }) => totals.count,
    ageMs: ({ totals }) => totals.oldestMs,
    sinceBaseline: ({ totals }) => totals.sinceBaseline,
    name: ({ key }) => key.value ?? '',
  });
  return paged(session, sorted, drawing, section, ({ sites: members }) => members, ({ id, key, sites: members, totals }) => {
    const label = groupLabel(key);
    return {
      ...blank(session, id),
      label,
      description: groupDescription(totals),
      icon: key.grouping === 'kind' ? { type: 'mark', kind: key.value, heat: heatOf(totals.count) } : theme(key.grouping === 'package' ? 'package' : 'file-code'),
      context: ROW_CONTEXTS.group,
      spoken: groupSpoken(label, totals),
      tooltip: key.value ?? label,
      ...holding(drawing, id, members, () => siteRows(session, members, drawing, id)),
    };
  });
}

/** @param list names the list that they stand in. */
function siteRows(session: Session, sites: readonly LiveSite[], drawing: Drawing, list: string): readonly TreeRow[] {
  const sorted = inOrder(sites, drawing, orderingOf(({ site }) => siteRowId(session, site)));
  return paged(session, sorted, drawing, list, (live) => [live], (live) => siteRow(session, live, drawing, undefined));
}

function orderingOf(id: (live: LiveSite) => string): Ordering<LiveSite> {
  return {
    id,
    count: ({ site }) => site.count,
    ageMs: ({ ageMs }) => ageMs,
    sinceBaseline: ({ site }) => site.sinceBaseline,
    name: ({ site }) => sitePosition(site),
  };
}

/** The rows of a list: the first {@link PAGE_SIZE} as they are, the others folded into pages. */
function paged<T>(session: Session, items: readonly T[], drawing: Drawing, list: string, sitesOf: (item: T) => readonly LiveSite[], rowOf: (item: T) => TreeRow): readonly TreeRow[] {
  const result = items.slice(0, PAGE_SIZE).map(rowOf);
  for (let from = PAGE_SIZE; from < items.length; from += PAGE_SIZE) {
    const page = items.slice(from, from + PAGE_SIZE);
    const sites = page.flatMap(sitesOf);
    const totals = totalsOf(sites);
    const id = `page/${session.id}/${list}/${String(from)}`;
    const label = `${formatCount(from + 1)} to ${formatCount(from + page.length)}`;
    result.push({
      ...blank(session, id),
      label,
      description: groupDescription(totals),
      icon: theme('ellipsis'),
      context: ROW_CONTEXTS.page,
      spoken: groupSpoken(`Rows ${label}`, totals),
      tooltip: `Rows ${label} of ${formatCount(items.length)}. A filter makes the list shorter.`,
      ...holding(drawing, id, sites, () => page.map(rowOf)),
    });
  }
  return result;
}

function internalsRow(session: Session, sites: readonly LiveSite[], drawing: Drawing): TreeRow {
  const { count, exact } = totalsOf(sites);
  const id = `internals/${session.id}`;
  return {
    ...blank(session, id),
    label: `Dependencies and Node (${formatCount(count, exact)})`,
    description: '',
    icon: theme('library'),
    context: ROW_CONTEXTS.internals,
    spoken: `Dependencies and Node, ${formatTaskCount(count, exact)}`,
    tooltip: 'Tasks that packages in node_modules and Node itself started, without a frame of your own code',
    ...holding(drawing, id, sites, () => listRows(session, sites, drawing, 'internals')),
  };
}

function hiddenRow(session: Session, sites: readonly HiddenSite[], drawing: Drawing): TreeRow {
  const { count, exact } = totalsOf(sites);
  const id = `hidden/${session.id}`;
  const label = `${formatCount(sites.length)} hidden ${sites.length === 1 ? 'site' : 'sites'}`;
  const rows = (): readonly TreeRow[] => {
    const rules = new Map(sites.map(({ site, rule }) => [site.id, rule]));
    const sorted = inOrder(sites, drawing, orderingOf(({ site }) => hiddenRowId(session, site)));
    return paged(session, sorted, drawing, 'hidden', (live) => [live], (live) => siteRow(session, live, drawing, rules.get(live.site.id)));
  };
  return {
    ...blank(session, id),
    label,
    description: formatTaskCount(count, exact),
    icon: theme('eye-closed'),
    context: ROW_CONTEXTS.hidden,
    spoken: `${label}, ${formatTaskCount(count, exact)}`,
    tooltip: 'Hidden by .asyncscope.json. They are counted in all totals.',
    ...holding(drawing, id, sites, rows),
  };
}

function hiddenRowId(session: Session, site: SiteRow): string {
  return `hidden/${siteRowId(session, site)}`;
}

function siteRowId(session: Session, site: SiteRow): string {
  return `site/${session.id}/${site.id}`;
}

function siteRow(session: Session, { site, ageMs }: LiveSite, { stacks, cache }: Drawing, rule: HideRule | undefined): TreeRow {
  const tasks = session.tasks.get(site.id);
  const stack = stacks?.get(siteKey({ sessionId: session.id, siteId: site.id }));
  const id = rule === undefined ? siteRowId(session, site) : hiddenRowId(session, site);
  return cache.row(id, { site, age: formatAge(ageMs), tasks, stack, rule }, () => newSiteRow(session, { ...site, oldestMs: ageMs }, id, tasks, stack, rule));
}

function newSiteRow(session: Session, site: SiteRow, id: string, list: TaskList | undefined, stack: readonly StackFrame[] | undefined, rule: HideRule | undefined): TreeRow {
    const below = stack === undefined || stack.length === 0 ? [] : [stackRow(session, site, stack, id)];
  below.push(...(list?.tasks ?? []).map((task): TreeRow => {
    const label = taskLabel(task);
    const description = taskDescription(task);
    return {
      ...blank(session, `task/${id}/${String(task.id)}`),
      label,
      description,
      context: ROW_CONTEXTS.task,
      spoken: `${task.kind}, age ${label}, ${description}`,
      tooltip: description,
      siteId: site.id,
    };
  }));
  if (list !== undefined && list.more > 0) {
    below.push({ ...note(session, `more/${id}`, `${formatCount(list.more, site.exact)} more`, theme('ellipsis')), siteId: site.id });
  }
  return {
    ...blank(session, id),
    label: siteLabel(site),
    description: rule === undefined ? siteDescription(site) : hiddenDescription(site, rule.entry.reason),
    icon: { type: 'mark', kind: site.kind, heat: heatOf(site.count) },
    context: rule !== undefined ? ROW_CONTEXTS.siteHidden : hasSource(site) ? ROW_CONTEXTS.site : ROW_CONTEXTS.siteWithoutFile,
    spoken: `${siteSpoken(site)}${rule === undefined ? '' : `, hidden${rule.entry.reason === '' ? '' : `: ${rule.entry.reason}`}`}`,
    expansion: 'collapsed',
    siteId: site.id,
    children: below,
  };
}

/** The position can be opened. */
function hasSource({ file, line }: Pick<StackFrame, 'file' | 'line'>): boolean {
  return file !== null && line > 0 && !file.startsWith('node:');
}

/** @param siteRow id of the row that it stands below. */
function stackRow(session: Session, site: SiteRow, stack: readonly StackFrame[], siteRow: string): TreeRow {
  const frames = stack.map((position, index): TreeRow => {
    const label = frameLabel(position);
    const description = frameDescription(position);
    return {
      ...blank(session, `frame/${siteRow}/${String(index)}`),
      label,
      description,
      icon: theme('debug-stackframe'),
      context: hasSource(position) ? ROW_CONTEXTS.frame : ROW_CONTEXTS.frameWithoutFile,
      spoken: `Frame ${String(index + 1)} of ${String(stack.length)}, ${label}${description === '' ? '' : `, ${description.replace(/:(\d+)$/, ' line $1')}`}`,
      tooltip: position.file === null ? label : `${position.file}${position.line > 0 ? `:${String(position.line)}:${String(position.column)}` : ''}`,
      siteId: site.id,
      frame: { index, position },
    };
  });
  const description = framesText(stack.length);
  const label = site.since === 'before' ? 'Will call' : 'Started from';
  return {
    ...blank(session, `stack/${siteRow}`),
    label,
    description,
    icon: theme('layers'),
    context: ROW_CONTEXTS.stack,
    spoken: `${label}, ${description}`,
    tooltip: site.since === 'before' ? 'What they will call; where they were started is not known' : 'The stack of one of its tasks, innermost frame first',
    expansion: 'collapsed',
    siteId: site.id,
    children: foldInternals(session, site, frames, siteRow),
  };
}

/** Runs of frames of packages and of Node shorter than this stand open: a row that says "1 frame" would tell less. */
const FOLDED_FRAMES = 2;

/** The frames with those of packages and of Node folded into a row for each run of them. */
function foldInternals(session: Session, site: SiteRow, frames: readonly TreeRow[], siteRow: string): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  for (let from = 0; from < frames.length; ) {
    let to = from;
    while (to < frames.length && isInternal(frames[to])) to++;
    const run = frames.slice(from, to);
    if (run.length >= FOLDED_FRAMES) {
      const names = [...new Set(run.map(({ frame }) => ownerOf(frame?.position)))].join(', ');
      const label = framesText(run.length);
      rows.push({
        ...blank(session, `frames/${siteRow}/${String(from)}`),
        label,
        description: names,
        icon: theme('library'),
        context: ROW_CONTEXTS.frames,
        spoken: `${label} of ${names}`,
        tooltip: `${label} of ${names}`,
        expansion: 'collapsed',
        siteId: site.id,
        children: run,
      });
      from = to;
    } else {
      rows.push(...frames.slice(from, Math.max(to, from + 1)));
      from = Math.max(to, from + 1);
    }
  }
  return rows;
}

/** All frames of a stack's row, from the innermost on, also those that are folded away. */
export function framesOf(stack: TreeRow): readonly TreeRow[] {
  return stack.children.flatMap((row) => (row.context === ROW_CONTEXTS.frames ? row.children : [row]));
}

function isInternal(row: TreeRow | undefined): boolean {
  const file = row?.frame?.position.file;
  return file === null || (file !== undefined && originOfScript(file) !== 'app');
}

function ownerOf(position: StackFrame | undefined): string {
  const file = position?.file ?? null;
  return file === null ? 'Node' : packageOfSite({ file, origin: originOfScript(file) })?.replace(/^node$/, 'Node') ?? '';
}

function framesText(count: number): string {
  return counted(count, 'frame');
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

/** What is to be known of the count of promises from before the attach. */
function promiseNotes(session: Session): readonly TreeRow[] {
  const { promises, canCountPromises, uptimeMs } = session.before;
  if (promises === undefined) {
    if (uptimeMs < LATE_ATTACH_MS || session.process === undefined) return [];
    if (!canCountPromises) return [note(session, 'uncountable', 'Promises from before the attach cannot be told from the others any more: attach again before there is load', theme('info'))];
    // one digit: the row must not change with every poll
    const pause = formatDuration(Number(estimatePromiseCountMs(session.process.heap.used).toPrecision(1)));
    const label = 'Count promises from before the attach';
    const description = `stops it for about ${pause}`;
    const spoken = `${label}: it stops the process for about ${pause}`;
    return [{ ...note(session, 'uncounted', label, theme('search')), description, spoken, tooltip: spoken, context: ROW_CONTEXTS.uncounted }];
  }
  const notes: TreeRow[] = [];
  if (promises.more > 0) {
    notes.push(note(session, 'promises-more', `${formatCount(promises.more)} more promises from before the attach: too many to be followed`, theme('info')));
  }
  if (promises.afterMs >= LATE_COUNT_MS) {
    const text = `Promises from before the attach were counted ${formatDuration(promises.afterMs)} after it: what then() made in between is among them`;
    notes.push(note(session, 'promises-late', text, theme('info')));
  }
  return notes;
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
    frame: undefined,
    children: [],
    members: undefined,
  };
}

function theme(id: string, color?: string): RowIcon {
  return color === undefined ? { type: 'theme', id } : { type: 'theme', id, color };
}
