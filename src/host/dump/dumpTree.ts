/**
 * The rows of "Async Dump" as plain values. What stands below a row is made when it is unfolded: a dump can have ten thousand groups.
 * Pure.
 */
import { assertNever } from '../../core/base/assertNever';
import { chainText, factText, frameName, groupCount, isUsersChain, NO_CHAIN, taskCount, VERDICTS_AND_NONE, verdictText, waitsForText, worstVerdict } from '../../core/format/dumpText';
import { shortPosition } from '../../core/format/position';
import { counted, formatBytes, formatCount } from '../../core/format/quantity';
import { clip, displayName, stripControls } from '../../core/format/text';
import type { Dump, DumpFrame, DumpGroup, DumpListeners, DumpPosition, DumpResource, DumpStream, Verdict } from '../../core/model/dump';
import { canBeOpened, innermostLine, lineOf } from '../../core/model/dumpLine';
import type { DumpLocation, DumpScope, DumpUnavailable, DumpVariable, DumpVariables } from '../../protocol/lsp';
import type { DumpRowContext } from '../contributions';
import { COLORS, DUMP_ROW_CONTEXTS } from '../contributions';
import type { RowIcon } from '../tree/rowIcon';
import { filterGroups } from './dumpFilter';
import type { DumpGrouping } from './dumpGrouping';
import type { HeldDump } from './dumpStore';

/** Rows of one list that stand directly below their row; the rest is folded into rows of as many. */
export const DUMP_PAGE_SIZE = 200;

/** The same for the tasks of a group. */
export const TASK_PAGE_SIZE = 50;

/** UTF-16 units of a row's name that leave room for its count in a side bar of usual width; the tooltip has all of it. */
const NAME_ROOM = 44;

/** What has to be asked of the process to unfold a row. */
export type DumpQuery =
  | { readonly type: 'task'; readonly group: DumpGroup; readonly task: number }
  | { readonly type: 'scopes'; readonly group: DumpGroup; readonly task: number; readonly frame: number }
  | {
      readonly type: 'variable';
      readonly group: DumpGroup;
      readonly task: number;
      readonly frame: number;
      /** The index of the scope, then of each variable down to this one: references of earlier answers are not kept. */
      readonly path: readonly number[];
      readonly reference: string;
    };

export interface DumpRow {
  /** Unique in the tree, and the same for the same thing in the same dump. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly icon: RowIcon | undefined;
  readonly context: DumpRowContext;
  /** What a screen reader says. */
  readonly spoken: string;
  /** Plain text. */
  readonly tooltip: string | undefined;
  readonly expansion: 'none' | 'collapsed' | 'expanded';
  readonly dumpId: string;
  /** The groups that it stands for, or that it is a part of. */
  readonly groups: readonly DumpGroup[];
  /** What a click opens. */
  readonly open: DumpPosition | undefined;
  /** Rows of frames: where the function begins. */
  readonly declared: DumpPosition | undefined;
  readonly children: () => readonly DumpRow[];
  /** Instead of {@link children}. */
  readonly query: DumpQuery | undefined;
}

/**
 * @param dumps the last one first. Of several, each has a row of its own.
 * @param filter see {@link filterGroups}. With one, only groups are listed.
 */
export function dumpRows(dumps: readonly HeldDump[], grouping: DumpGrouping, filter = ''): readonly DumpRow[] {
  const [only] = dumps;
  if (only === undefined) return [];
  if (dumps.length === 1) return contents(only, grouping, filter);
  return dumps.map((held) => {
    const groups = filterGroups(held.dump.groups, filter);
    return row(held.id, {
      id: held.id,
      label: displayName(held.name),
      description: `${dumpTime(held.dump)}  ${taskCount(sum(groups))}`,
      context: DUMP_ROW_CONTEXTS.dump,
      icon: theme(held.sessionId === undefined ? 'file-binary' : 'server-process'),
      expansion: held === only ? 'expanded' : 'collapsed',
      groups,
      children: () => contents(held, grouping, filter),
    });
  });
}

interface GroupId {
  readonly dumpId: string;
  readonly groupId: string;
}

/** The rows from the top down to that of a group; empty when there is none. */
export function pathToGroup(rows: readonly DumpRow[], group: GroupId): readonly DumpRow[] {
  const [path = []] = pathsToGroups(rows, [group]);
  return path;
}

/**
 * The same for each of several groups that has a row. One walk down finds all of them: what stands below a row is built each time that it is
 * asked for.
 */
export function pathsToGroups(rows: readonly DumpRow[], groups: readonly GroupId[]): readonly (readonly DumpRow[])[] {
  const found = new Map(groups.map(({ dumpId }) => [dumpId, new Map<string, readonly DumpRow[] | undefined>()]));
  for (const { dumpId, groupId } of groups) found.get(dumpId)?.set(groupId, undefined);
  const descend = (level: readonly DumpRow[], above: readonly DumpRow[]): void => {
    for (const each of level) {
      const paths = found.get(each.dumpId);
      if (each.query !== undefined || paths === undefined || !each.groups.some(({ id }) => paths.has(id))) continue;
      const path = [...above, each];
      const [group] = each.groups;
      if (each.context !== DUMP_ROW_CONTEXTS.group) descend(each.children(), path);
      else if (group !== undefined) paths.set(group.id, path);
    }
  };
  descend(rows, []);
  return groups.flatMap(({ dumpId, groupId }) => {
    const path = found.get(dumpId)?.get(groupId);
    return path === undefined ? [] : [path];
  });
}

/** The rows below that of a group, down to that of a frame of one of its tasks. */
export function pathToTask(groupRow: DumpRow, task: number): readonly DumpRow[] {
  const contexts: readonly DumpRowContext[] = [DUMP_ROW_CONTEXTS.tasks, DUMP_ROW_CONTEXTS.page];
  for (const each of groupRow.children()) {
    if (each.query?.type === 'task' && each.query.task === task) return [each];
    if (!contexts.includes(each.context)) continue;
    const below = pathToTask(each, task);
    if (below.length > 0) return [each, ...below];
  }
  return [];
}

/** Where a click on a group leads: the innermost line of the user's own code that stands still. */
export function standsAt(group: DumpGroup): DumpPosition | undefined {
  const frames = group.chain.filter((frame) => lineOf(frame) !== undefined).reverse();
  const own = frames.filter(({ origin }) => origin === 'app');
  const position = (from: readonly DumpFrame[]): DumpPosition | undefined => from.find(({ awaiting }) => awaiting !== null)?.awaiting ?? from.find(({ declared }) => declared !== null)?.declared ?? undefined;
  return position(own) ?? position(frames) ?? (canBeOpened(group.waitsFor.at) ? group.waitsFor.at : undefined);
}

/** The index of the frame whose variables are shown of a group: the innermost of the user's own code; undefined without one. */
export function frameOfInterest(group: DumpGroup): number | undefined {
  const indices = group.chain.flatMap((frame, index) => (canLookInto(frame) ? [index] : []));
  return indices.filter((index) => group.chain[index]?.origin === 'app').at(-1) ?? indices.at(-1);
}

/**
 * Where the line of an `await` is in an edited document, 0-based; undefined when it is where it was, and when that is not known.
 * @param now where the group stands in the document, 0-based, top down
 */
export function lineNow(group: DumpGroup, { file, line }: DumpPosition, now: readonly number[]): number | undefined {
  const then = [...new Set(group.chain.flatMap(({ awaiting }) => (awaiting?.file === file ? [awaiting.line - 1] : [])))].sort((a, b) => a - b);
  const index = then.indexOf(line - 1);
  const moved = then.length === now.length ? now[index] : undefined;
  return moved === line - 1 ? undefined : moved;
}

/** What the location of each frame of one task turned out to be; undefined for frames that have none. */
export function taskRows(dumpId: string, id: string, group: DumpGroup, task: number, locations: readonly (DumpLocation | undefined)[]): readonly DumpRow[] {
  const unavailable = locations.find((location): location is DumpUnavailable => location !== undefined && 'unavailable' in location);
  const frames = group.chain.map((frame, index) => {
    const location = locations[index];
    const located = location === undefined || 'unavailable' in location ? frame : { ...frame, awaiting: location.awaiting };
    return frameRow(dumpId, `${id}/f${String(index)}`, group, located, unavailable === undefined && canLookInto(frame) ? { type: 'scopes', group, task, frame: index } : undefined);
  });
  return unavailable === undefined ? frames : [unavailableRow(dumpId, id, unavailable), ...frames];
}

export function scopeRows(dumpId: string, id: string, query: Extract<DumpQuery, { type: 'scopes' }>, answer: DumpVariables): readonly DumpRow[] {
  if ('unavailable' in answer) return [unavailableRow(dumpId, id, answer)];
  if (answer.scopes.length === 0) return [noteRow(dumpId, `${id}/none`, 'No variables', 'info')];
  return answer.scopes.map((scope, index) =>
    row(dumpId, {
      id: `${id}/s${String(index)}`,
      label: displayName(scope.name),
      context: DUMP_ROW_CONTEXTS.scope,
      icon: theme('symbol-namespace'),
      expansion: index === 0 ? 'expanded' : 'collapsed',
      groups: [query.group],
      children: () => variablesOf(dumpId, `${id}/s${String(index)}`, { ...query, path: [index] }, scope),
    }),
  );
}

/** Below an unfolded variable. */
export function variableRows(dumpId: string, id: string, query: Extract<DumpQuery, { type: 'variable' }>, answer: DumpScope | DumpUnavailable): readonly DumpRow[] {
  return 'unavailable' in answer ? [unavailableRow(dumpId, id, answer)] : variablesOf(dumpId, id, query, answer);
}

export function unavailableRow(dumpId: string, id: string, { message }: Pick<DumpUnavailable, 'message'>): DumpRow {
  return { ...noteRow(dumpId, `${id}/unavailable`, stripControls(message), 'info'), context: DUMP_ROW_CONTEXTS.unavailable };
}

/** What a row stands for, for the clipboard. */
export function rowAsText(each: DumpRow): string {
  const [group] = each.groups;
  if (each.context !== DUMP_ROW_CONTEXTS.group || group === undefined) return each.description === '' ? each.label : `${each.label}  ${each.description}`;
  return groupAsText(group);
}

/** A group in several lines. */
export function groupAsText(group: DumpGroup): string {
  const lines = [
    `${taskCount(group.count)}${group.verdict === null ? '' : `, ${verdictText(group.verdict).name}`}`,
    ...group.chain.map((frame) => `    ${frameName(frame)}${framePlace(frame) === '' ? '' : ` (${frameAddress(frame)})`}`),
    `waiting for ${waitsForText(group.waitsFor)}`,
    ...(group.why === '' ? [] : [stripControls(group.why)]),
    ...group.heldBy.map(({ count, path }) => `held by ${stripControls(path)} (${formatCount(count)})`),
  ];
  return lines.join('\n');
}

/** `14:03:22`, the local time of the dump. */
export function dumpTime(dump: Pick<Dump, 'at'>): string {
  const at = new Date(dump.at);
  return Number.isNaN(at.getTime()) ? displayName(dump.at) : at.toLocaleTimeString('en-GB');
}

export function verdictIcon(verdict: Verdict | null): RowIcon {
  switch (verdict) {
    case 'orphan':
      return theme('circle-slash', COLORS.verdict.orphan);
    case 'cycle':
      return theme('sync', COLORS.verdict.cycle);
    case 'crowd':
      return theme('organization', COLORS.verdict.crowd);
    case 'stuck':
      return theme('debug-pause', COLORS.verdict.stuck);
    case 'in flight':
      return theme('arrow-swap', COLORS.verdict['in flight']);
    case null:
      return theme('watch');
    default:
      return assertNever(verdict);
  }
}

type RowParts = Pick<DumpRow, 'id' | 'label' | 'context'> & Partial<Omit<DumpRow, 'dumpId'>>;

const NO_ROWS = (): readonly DumpRow[] => [];

function row(dumpId: string, parts: RowParts): DumpRow {
  const description = parts.description ?? '';
  return {
    description,
    icon: undefined,
    spoken: description === '' ? parts.label : `${parts.label}, ${description}`,
    tooltip: undefined,
    expansion: 'none',
    groups: [],
    children: NO_ROWS,
    query: undefined,
    dumpId,
    ...parts,
    ...withLines(parts),
  };
}

/** Where a row leads. Its menu offers no line and no declaration where there is none. */
function withLines({ context, ...parts }: RowParts): Pick<DumpRow, 'open' | 'declared' | 'context'> {
  const open = canBeOpened(parts.open) ? parts.open : undefined;
  const declared = canBeOpened(parts.declared) ? parts.declared : undefined;
  return { open, declared, context: contextOf(context, open, declared) };
}

function contextOf(context: DumpRowContext, open: DumpPosition | undefined, declared: DumpPosition | undefined): DumpRowContext {
  switch (context) {
    case DUMP_ROW_CONTEXTS.frame:
      if (open === undefined) return DUMP_ROW_CONTEXTS.frameWithoutFile;
      return declared === undefined ? DUMP_ROW_CONTEXTS.frameWithoutDeclaration : context;
    case DUMP_ROW_CONTEXTS.waitsFor:
      return open === undefined ? DUMP_ROW_CONTEXTS.waitsForWithoutFile : context;
    case DUMP_ROW_CONTEXTS.resource:
      return open === undefined ? DUMP_ROW_CONTEXTS.resourceWithoutFile : context;
    default:
      return context;
  }
}

function theme(id: string, color?: string): RowIcon {
  return { type: 'theme', id, ...(color !== undefined && { color }) };
}

function contents(held: HeldDump, grouping: DumpGrouping, filter: string): readonly DumpRow[] {
  const { id, dump } = held;
  if (filter.trim() !== '') {
    const groups = filterGroups(dump.groups, filter);
    return groups.length === 0 ? [noteRow(id, `${id}/nothing`, 'No group has all of these words', 'info')] : groupRows(held, groups, grouping);
  }
  const notes = dump.notes.map((note, index) => noteRow(id, `${id}/note${String(index)}`, stripControls(note), dump.partial ? 'warning' : 'info'));
  const own = dump.groups.filter(({ chain }) => isUsersChain(chain));
  const nodes = dump.groups.filter(({ chain }) => !isUsersChain(chain));
  const rows = own.length === 0 ? [noteRow(id, `${id}/nothing`, nodes.length === 0 ? 'Nothing is suspended' : 'Nothing of your own code is suspended', 'check')] : groupRows(held, own, grouping);
  const internals = nodes.length === 0 ? [] : [section(held, { id: `${id}/node`, label: "Node's own", groups: nodes, icon: theme('server-environment'), tooltip: 'Functions of Node itself, without one of yours or of a package around them.', expanded: false })];
  return [...notes, ...rows, ...internals, ...resourceRows(held)];
}

function groupRows(held: HeldDump, groups: readonly DumpGroup[], grouping: DumpGrouping): readonly DumpRow[] {
  switch (grouping) {
    case 'verdict':
      return verdictSections(held, groups);
    case 'chain':
      return chainRows(held, `${held.id}/c`, groups);
    case 'leaf':
      return leafSections(held, groups);
    default:
      return assertNever(grouping);
  }
}

function verdictSections(held: HeldDump, all: readonly DumpGroup[]): readonly DumpRow[] {
  const present = VERDICTS_AND_NONE.map((verdict) => ({ verdict, groups: all.filter((group) => group.verdict === verdict) })).filter(({ groups }) => groups.length > 0);
  return present.map(({ verdict, groups }, index) => {
    const { title, meaning } = verdictText(verdict);
    return section(held, { id: `${held.id}/v/${verdict ?? 'none'}`, label: title, groups, icon: verdictIcon(verdict), tooltip: `${taskCount(sum(groups))} ${meaning}.`, expanded: index === 0 || (verdict !== 'in flight' && verdict !== null) });
  });
}

function leafSections(held: HeldDump, all: readonly DumpGroup[]): readonly DumpRow[] {
  const byLeaf = new Map<string, DumpGroup[]>();
  for (const group of all) {
    const key = `${group.waitsFor.kind}\0${group.waitsFor.text}`;
    const same = byLeaf.get(key);
    if (same === undefined) byLeaf.set(key, [group]);
    else same.push(group);
  }
  const sections = [...byLeaf.values()].sort((a, b) => sum(b) - sum(a));
  return paged(held.id, `${held.id}/w`, sections, (groups) => {
    const [{ waitsFor, id } = { waitsFor: undefined, id: '' }] = groups;
    const verdict = worstVerdict(groups.map((group) => group.verdict));
    return section(held, { id: `${held.id}/w/${id}`, label: clip(capitalized(displayName(waitsFor === undefined ? '' : waitsForText(waitsFor))), NAME_ROOM), groups, icon: verdictIcon(verdict), tooltip: waitsFor === undefined ? undefined : capitalized(waitsForText(waitsFor)), expanded: false });
  }, (groups) => groups);
}

interface Section {
  readonly id: string;
  readonly label: string;
  readonly groups: readonly DumpGroup[];
  readonly icon: RowIcon;
  readonly tooltip: string | undefined;
  readonly expanded: boolean;
}

function section(held: HeldDump, { id, label, groups, icon, tooltip, expanded }: Section): DumpRow {
  return row(held.id, {
    id,
    label,
    description: groups.length === 1 ? taskCount(sum(groups)) : `${taskCount(sum(groups))}  ${groupCount(groups.length)}`,
    context: DUMP_ROW_CONTEXTS.section,
    icon,
    tooltip,
    expansion: expanded ? 'expanded' : 'collapsed',
    groups,
    children: () => chainRows(held, id, groups),
  });
}

/** Chains that begin alike, one below the other. */
interface ChainNode {
  readonly frame: DumpFrame;
  readonly next: Map<string, ChainNode>;
  /** All that pass through, and those that end here. */
  readonly groups: DumpGroup[];
  readonly ending: DumpGroup[];
}

function frameKey({ function: name, kind, declared, awaiting, detail, repeats }: DumpFrame): string {
  return JSON.stringify([name, kind, declared, awaiting, detail, repeats]);
}

function chainRows(held: HeldDump, id: string, groups: readonly DumpGroup[]): readonly DumpRow[] {
  const roots = new Map<string, ChainNode>();
  const without: DumpGroup[] = [];
  for (const group of groups) {
    let level = roots;
    let node: ChainNode | undefined;
    for (const frame of group.chain) {
      const key = frameKey(frame);
      node = level.get(key);
      if (node === undefined) {
        node = { frame, next: new Map(), groups: [], ending: [] };
        level.set(key, node);
      }
      node.groups.push(group);
      level = node.next;
    }
    if (node === undefined) without.push(group);
    else node.ending.push(group);
  }
  return nodeRows(held, id, [...roots.values()], without);
}

function nodeRows(held: HeldDump, id: string, nodes: readonly ChainNode[], ending: readonly DumpGroup[]): readonly DumpRow[] {
  const items = [...nodes, ...ending].map((item) => ({ item, count: 'next' in item ? sum(item.groups) : item.count }));
  items.sort((a, b) => b.count - a.count);
  return paged(held.id, id, items, ({ item }) => ('next' in item ? foldedRow(held, id, item) : groupRow(held, item, [])), ({ item }) => ('next' in item ? item.groups : [item]));
}

/** One row for all functions up to where chains part, or to their end. */
function foldedRow(held: HeldDump, id: string, first: ChainNode): DumpRow {
  const run = [first.frame];
  let last = first;
  while (last.ending.length === 0 && last.next.size === 1) {
    const [next] = last.next.values();
    if (next === undefined) break;
    run.push(next.frame);
    last = next;
  }
  const [group] = last.ending;
  if (group !== undefined && last.ending.length === 1 && last.next.size === 0) return groupRow(held, group, run);
  const end = last;
  const line = run[innermostLine(run)];
  const rowId = `${id}/${run.map(frameKey).join('/')}`;
  const verdict = worstVerdict(first.groups.map((each) => each.verdict));
  return row(held.id, {
    id: rowId,
    label: chainText(run),
    description: `${formatCount(sum(first.groups))}  ${groupCount(first.groups.length)}`,
    spoken: `${run.map(frameName).join(', ')}: ${taskCount(sum(first.groups))} in ${groupCount(first.groups.length)}`,
    tooltip: run.map((frame) => frameLine(frame)).join('\n'),
    context: DUMP_ROW_CONTEXTS.chain,
    icon: verdictIcon(verdict),
    expansion: 'expanded',
    groups: first.groups,
    open: line && lineOf(line),
    children: () => nodeRows(held, rowId, [...end.next.values()], end.ending),
  });
}

/** @param run the functions that the rows above do not name. */
function groupRow(held: HeldDump, group: DumpGroup, run: readonly DumpFrame[]): DumpRow {
  const waits = displayName(waitsForText(group.waitsFor));
  const label = run.length > 0 ? chainText(run) : group.chain.length > 0 ? clip(capitalized(waits), NAME_ROOM) : NO_CHAIN;
  const naming = run.length > 0 || group.chain.length === 0;
  const { name, meaning } = verdictText(group.verdict);
  const id = `${held.id}/g/${group.id}`;
  return row(held.id, {
    id,
    label,
    description: naming ? `${formatCount(group.count)}  ${waits}` : formatCount(group.count),
    spoken: `${run.length > 0 ? run.map(frameName).join(', ') : label}: ${taskCount(group.count)}${naming ? `, waiting for ${waits}` : ''}${group.verdict === null ? '' : `, ${name}`}`,
    tooltip: [...group.chain.map(frameLine), `waiting for ${waitsForText(group.waitsFor)}`, group.verdict === null ? '' : `${capitalized(name)}: ${meaning}.`].filter((line) => line !== '').join('\n'),
    context: DUMP_ROW_CONTEXTS.group,
    icon: verdictIcon(group.verdict),
    expansion: 'collapsed',
    groups: [group],
    open: standsAt(group),
    children: () => partsOfGroup(held, id, group),
  });
}

function partsOfGroup(held: HeldDump, id: string, group: DumpGroup): readonly DumpRow[] {
  const canLookUp = held.sessionId !== undefined && group.chain.some(canLookInto);
  const single = group.count === 1 && canLookUp;
  const parts: DumpRow[] = [];
  if (group.why !== '') parts.push(row(held.id, { id: `${id}/why`, label: stripControls(group.why), tooltip: stripControls(group.why), context: DUMP_ROW_CONTEXTS.why, icon: verdictIcon(group.verdict), groups: [group] }));
  // What a task waits for stands below its functions in the chain, so it does here.
  for (const [index, frame] of group.chain.entries()) {
    parts.push(frameRow(held.id, `${id}/f${String(index)}`, group, frame, single && canLookInto(frame) ? { type: 'scopes', group, task: 0, frame: index } : undefined));
  }
  parts.push(waitsForRow(held, id, group));
  if (group.heldBy.length > 0) {
    parts.push(row(held.id, {
      id: `${id}/held`,
      label: 'Held by',
      description: displayName(group.heldBy[0]?.path ?? ''),
      context: DUMP_ROW_CONTEXTS.holders,
      icon: theme('pin'),
      expansion: 'collapsed',
      groups: [group],
      children: () => group.heldBy.map(({ count, path }, index) => row(held.id, { id: `${id}/held/${String(index)}`, label: stripControls(path), description: `${formatCount(count)} of ${formatCount(group.count)}`, tooltip: stripControls(path), context: DUMP_ROW_CONTEXTS.holder, groups: [group] })),
    }));
  }
  if (canLookUp && !single) {
    parts.push(row(held.id, { id: `${id}/tasks`, label: 'Tasks', description: formatCount(group.count), spoken: taskCount(group.count), context: DUMP_ROW_CONTEXTS.tasks, icon: theme('list-ordered'), expansion: 'collapsed', groups: [group], children: () => taskList(held.id, `${id}/tasks`, group, 0, group.count) }));
  }
  return parts;
}

function waitsForRow(held: HeldDump, id: string, { waitsFor, ...group }: DumpGroup): DumpRow {
  const facts = Object.entries(waitsFor.details);
  const at = waitsFor.at ?? undefined;
  return row(held.id, {
    id: `${id}/waits`,
    label: `Waits for ${waitsForText(waitsFor)}`,
    description: at === undefined ? '' : shortPosition(at),
    context: DUMP_ROW_CONTEXTS.waitsFor,
    icon: theme('watch'),
    expansion: facts.length > 0 ? 'collapsed' : 'none',
    groups: [{ ...group, waitsFor }],
    open: at,
    children: () => facts.map(([name, value]) => {
      const [label, text] = factText(name, value);
      return row(held.id, { id: `${id}/waits/${name}`, label: capitalized(label), description: text, context: DUMP_ROW_CONTEXTS.fact });
    }),
  });
}

function frameRow(dumpId: string, id: string, group: DumpGroup, frame: DumpFrame, query: DumpQuery | undefined): DumpRow {
  return row(dumpId, {
    id,
    label: frameName(frame),
    description: framePlace(frame),
    spoken: `${frameName(frame)}${frame.awaiting !== null ? `, waits at ${spokenPosition(frame.awaiting)}` : frame.declared !== null ? `, declared at ${spokenPosition(frame.declared)}` : ''}`,
    tooltip: frameLine(frame),
    context: DUMP_ROW_CONTEXTS.frame,
    icon: theme(frame.kind === 'combinator' ? 'git-merge' : frame.kind === 'then' || frame.kind === 'thenable' ? 'arrow-small-right' : 'debug-stackframe', frame.origin === 'app' ? undefined : 'disabledForeground'),
    expansion: query === undefined ? 'none' : 'collapsed',
    groups: [group],
    open: lineOf(frame),
    declared: frame.declared ?? undefined,
    query,
  });
}

/** Functions that stand still have scopes; a `then` has not. */
function canLookInto({ kind }: DumpFrame): boolean {
  return kind === 'async function' || kind === 'async generator' || kind === 'module';
}

/** The first tasks, and the others in rows that stand for as many. */
function taskList(dumpId: string, id: string, group: DumpGroup, from: number, to: number): readonly DumpRow[] {
  const task = (index: number): DumpRow =>
    row(dumpId, { id: `${id}/${String(index)}`, label: `Task ${formatCount(index + 1)}`, context: DUMP_ROW_CONTEXTS.task, icon: theme('circle-outline'), expansion: 'collapsed', groups: [group], query: { type: 'task', group, task: index } });
  const direct = Math.min(to, from + TASK_PAGE_SIZE);
  const rows = Array.from({ length: direct - from }, (_, index) => task(from + index));
  // No more pages than tasks.
  let size = TASK_PAGE_SIZE;
  while ((to - direct) / size > TASK_PAGE_SIZE) size *= TASK_PAGE_SIZE;
  for (let first = direct; first < to; first += size) {
    const [begin, end] = [first, Math.min(to, first + size)];
    rows.push(page(dumpId, `${id}/${String(begin)}-${String(end)}`, begin, end, [group], () => taskList(dumpId, `${id}/${String(begin)}-${String(end)}`, group, begin, end)));
  }
  return rows;
}

function variablesOf(dumpId: string, id: string, query: Pick<Extract<DumpQuery, { type: 'variable' }>, 'group' | 'task' | 'frame' | 'path'>, { variables }: DumpScope): readonly DumpRow[] {
  const { group, task, frame, path } = query;
  return variables.map((variable, index) => variableRow(dumpId, `${id}/${String(index)}`, variable, variable.reference === null ? undefined : { type: 'variable', group, task, frame, path: [...path, index], reference: variable.reference }));
}

function variableRow(dumpId: string, id: string, { name, value, type }: DumpVariable, query: DumpQuery | undefined): DumpRow {
  return row(dumpId, {
    id,
    label: displayName(name),
    description: displayName(value),
    spoken: `${displayName(name)}, ${displayName(value)}`,
    tooltip: `${stripControls(name)}: ${stripControls(type)} = ${stripControls(value)}`,
    context: DUMP_ROW_CONTEXTS.variable,
    expansion: query === undefined ? 'none' : 'collapsed',
    query,
  });
}

function noteRow(dumpId: string, id: string, text: string, icon: 'warning' | 'info' | 'check'): DumpRow {
  return row(dumpId, { id, label: text, tooltip: text, context: DUMP_ROW_CONTEXTS.note, icon: icon === 'warning' ? theme('warning', 'list.warningForeground') : theme(icon) });
}

function resourceRows({ id: dumpId, dump: { resources } }: HeldDump): readonly DumpRow[] {
  const id = `${dumpId}/r`;
  const kind = <T>(key: string, noun: string, items: readonly T[], count: number, icon: string, make: (item: T, id: string) => DumpRow): { readonly text: string; readonly row: DumpRow }[] => {
    if (items.length === 0) return [];
    const rowId = `${id}/${key}`;
    const label = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`;
    return [{ text: counted(count, noun), row: row(dumpId, { id: rowId, label, description: formatCount(count), context: DUMP_ROW_CONTEXTS.resources, icon: theme(icon), expansion: 'collapsed', children: () => paged(dumpId, rowId, items.map((item, index) => ({ item, index })), ({ item, index }) => make(item, `${rowId}/${String(index)}`), () => []) }) }];
  };
  const total = (items: readonly { readonly count: number }[]): number => items.reduce((all, { count }) => all + count, 0);
  const plain = (item: DumpResource, rowId: string): DumpRow => resourceRow(dumpId, rowId, item);
  const kinds = [
    ...kind('timers', 'timer', resources.timers, total(resources.timers), 'clock', plain),
    ...kind('handles', 'handle', resources.handles, total(resources.handles), 'plug', plain),
    ...kind('requests', 'request', resources.requests, total(resources.requests), 'arrow-both', plain),
    ...kind('listeners', 'event listener', resources.listeners, total(resources.listeners), resources.listeners.some(({ aboveLimit }) => aboveLimit) ? 'warning' : 'broadcast', (item, rowId) => listenersRow(dumpId, rowId, item)),
    ...kind('streams', 'stream', resources.streams, total(resources.streams), 'versions', (item, rowId) => streamRow(dumpId, rowId, item)),
  ];
  if (kinds.length === 0) return [];
  return [row(dumpId, { id, label: 'Resources', description: kinds.map(({ text }) => text).join(', '), context: DUMP_ROW_CONTEXTS.resources, icon: theme('circuit-board'), expansion: 'collapsed', children: () => kinds.map((each) => each.row) })];
}

function resourceRow(dumpId: string, id: string, { count, type, text, at, details }: DumpResource): DumpRow {
  const facts = Object.entries(details);
  return row(dumpId, {
    id,
    label: displayName(text === '' ? type : text),
    description: [formatCount(count), displayName(type), at === null ? '' : shortPosition(at)].filter((part) => part !== '').join('  '),
    tooltip: [stripControls(text), ...facts.map(([name, value]) => factText(name, value).join(': '))].join('\n'),
    context: DUMP_ROW_CONTEXTS.resource,
    open: at ?? undefined,
  });
}

function listenersRow(dumpId: string, id: string, { emitter, event, emitters, count, limit, aboveLimit, at }: DumpListeners): DumpRow {
  const many = emitters > 1 ? `, on the fullest of ${formatCount(emitters)}` : '';
  return row(dumpId, {
    id,
    label: `${displayName(emitter)}: ${displayName(event)}`,
    description: `${counted(count, 'listener')}${limit === null ? '' : `, limit ${formatCount(limit)}`}${many}`,
    context: DUMP_ROW_CONTEXTS.resource,
    icon: aboveLimit ? theme('warning', 'list.warningForeground') : theme('broadcast'),
    open: at ?? undefined,
  });
}

function streamRow(dumpId: string, id: string, { stream, count, state, bufferedBytes, highWaterMark, objectMode }: DumpStream): DumpRow {
  const amount = (value: number): string => (objectMode ? counted(value, 'object') : formatBytes(value));
  return row(dumpId, {
    id,
    label: displayName(stream),
    description: [formatCount(count), displayName(state), `${amount(bufferedBytes)} buffered, high-water mark ${amount(highWaterMark)}`].filter((part) => part !== '').join('  '),
    context: DUMP_ROW_CONTEXTS.resource,
    icon: bufferedBytes > highWaterMark ? theme('warning', 'list.warningForeground') : theme('versions'),
  });
}

/** The first of a list, and the rest in rows of as many. */
function paged<T>(dumpId: string, id: string, items: readonly T[], make: (item: T) => DumpRow, groupsOf: (item: T) => readonly DumpGroup[]): readonly DumpRow[] {
  const rows = items.slice(0, DUMP_PAGE_SIZE).map(make);
  for (let first = DUMP_PAGE_SIZE; first < items.length; first += DUMP_PAGE_SIZE) {
    const part = items.slice(first, first + DUMP_PAGE_SIZE);
    rows.push(page(dumpId, `${id}/page${String(first)}`, first, first + part.length, part.flatMap(groupsOf), () => part.map(make)));
  }
  return rows;
}

function page(dumpId: string, id: string, first: number, end: number, groups: readonly DumpGroup[], children: () => readonly DumpRow[]): DumpRow {
  return row(dumpId, { id, label: `${formatCount(first + 1)} to ${formatCount(end)}`, context: DUMP_ROW_CONTEXTS.page, icon: theme('ellipsis'), expansion: 'collapsed', groups, children });
}

function sum(groups: readonly DumpGroup[]): number {
  return groups.reduce((all, { count }) => all + count, 0);
}

/** `awaits orders.ts:69`; where it is declared when the line where it stands is not known. */
function framePlace({ awaiting, declared, kind }: DumpFrame): string {
  if (awaiting !== null) return `awaits ${shortPosition(awaiting)}`;
  if (declared === null) return '';
  return kind === 'async function' || kind === 'async generator' ? `declared ${shortPosition(declared)}` : shortPosition(declared);
}

function frameAddress({ awaiting, declared }: DumpFrame): string {
  const position = awaiting ?? declared;
  return position === null ? '' : `${stripControls(position.file)}:${String(position.line)}:${String(position.column)}`;
}

function frameLine(frame: DumpFrame): string {
  const lines = [frame.awaiting === null ? '' : `awaits ${address(frame.awaiting)}`, frame.declared === null ? '' : `declared ${address(frame.declared)}`].filter((line) => line !== '');
  return [frameName(frame), ...lines].join('  ');
}

function address({ file, line, column }: DumpPosition): string {
  return `${shortPosition({ file, line })}:${String(column)}`;
}

function spokenPosition(position: DumpPosition): string {
  return shortPosition(position).replace(/:(\d+)$/, ' line $1');
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
