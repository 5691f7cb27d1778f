/** Lines where functions stood suspended in the last dump: marks, lenses and hovers. They change with the next dump only. */
import type { CodeLens, Hover, Position } from 'vscode-languageserver';
import { byVerdictAndCount, frameName, waitsForText, worstVerdict } from '../../core/format/dumpText';
import { formatCount } from '../../core/format/quantity';
import type { DumpFrame, DumpGroup, DumpPosition } from '../../core/model/dump';
import { REVEAL_GROUPS_COMMAND, SHOW_IN_GRAPH_COMMAND, SHOW_VARIABLES_COMMAND } from '../../protocol/lsp';
import type { DumpFrameParams, RevealGroupsArguments, SuspendedMark } from '../../protocol/lsp';
import type { OpenDocument } from '../documents';
import type { StoredDump } from '../dump/dumpStore';
import { escapeMarkdown } from '../markdown';

/** Groups that one hover tells in full; the rest is counted. */
export const HOVER_GROUP_LIMIT = 5;
/** Functions of a chain that a hover names. */
const CHAIN_LIMIT = 8;

/** What explains a verdict, in UTF-16 units. */
const PROSE_LIMIT = 1_000;

/** A line of a dump where functions of the user's stand. */
interface SuspendedLine {
  readonly dump: StoredDump;
  /** Where it was in the running text. */
  readonly at: DumpPosition;
  /** The line of an `await`; else that of the function, where nothing more is known. */
  readonly exact: boolean;
  /** Suspended functions that are known by their object: one may be in many chains. */
  readonly ids: Set<number>;
  /** Of groups whose objects are not all kept, and of functions that call themselves. */
  more: number;
  readonly frames: { readonly group: DumpGroup; readonly frame: DumpFrame; readonly index: number }[];
}

/** The lines of dumps do not change: they are found once. */
const linesOfDump = new WeakMap<StoredDump, ReadonlyMap<string, readonly SuspendedLine[]>>();

export function suspendedMarks(document: OpenDocument, dumps: readonly StoredDump[]): readonly SuspendedMark[] {
  return [...byLine(document, dumps)]
    .map(([line, here]): SuspendedMark => {
      const groups = new Map(here.flatMap(({ dump, frames }) => frames.map(({ group }) => [`${dump.id} ${group.id}`, { dumpId: dump.id, groupId: group.id }])));
      return { line, count: countOf(here), verdict: worstVerdict(here.flatMap(({ frames }) => frames.map(({ group }) => group.verdict))), text: `${countText(here)} · ${timeOf(here)}`, groups: [...groups.values()] };
    })
    .sort((a, b) => a.line - b.line);
}

export function suspendedLenses(document: OpenDocument, dumps: readonly StoredDump[]): CodeLens[] {
  return suspendedMarks(document, dumps).map(({ line, text, verdict, groups }) => {
    const reveal: RevealGroupsArguments = { groups };
    return {
      range: { start: { line, character: 0 }, end: { line, character: 0 } },
      command: { title: verdict === null ? text : `${text} · ${verdict}`, command: REVEAL_GROUPS_COMMAND, arguments: [reveal] },
    };
  });
}

/** Null where nothing stood. */
export function suspendedHover(document: OpenDocument, dumps: readonly StoredDump[], position: Position): Hover | null {
  const here = byLine(document, dumps).get(position.line);
  if (here === undefined) return null;
  const frames = here.flatMap(({ dump, frames: list, exact }) => list.map((each) => ({ dump, exact, ...each }))).sort((a, b) => byVerdictAndCount(a.group, b.group));
  const parts = [`**${escapeMarkdown(countText(here))}** — dump of ${timeOf(here)}`, ...frames.slice(0, HOVER_GROUP_LIMIT).map(groupText)];
  const more = frames.length - HOVER_GROUP_LIMIT;
  if (more > 0) parts.push(`${formatCount(more)} more ${more === 1 ? 'group is' : 'groups are'} in the dump.`);
  if (here.some(({ dump }) => document.changedSince(dump.startedAt))) {
    parts.push('⚠ This file was written after the process began. Lines may have moved; restart the process to be sure.');
  }
  return {
    contents: { kind: 'markdown', value: parts.join('\n\n') },
    range: { start: { line: position.line, character: 0 }, end: { line: position.line + 1, character: 0 } },
  };
}

function byLine(document: OpenDocument, dumps: readonly StoredDump[]): ReadonlyMap<number, readonly SuspendedLine[]> {
  const found = new Map<number, SuspendedLine[]>();
  for (const dump of dumps) {
    const lines = linesIn(dump);
    for (const each of document.paths.flatMap((path) => lines.get(path) ?? [])) {
      const located = document.locate({ line: each.at.line - 1, character: Math.max(0, each.at.column - 1) }, dump.startedAt);
      if (located === null || located.line >= document.lineCount) continue;
      const here = found.get(located.line);
      if (here) here.push(each);
      else found.set(located.line, [each]);
    }
  }
  return found;
}

/** By file. */
function linesIn(dump: StoredDump): ReadonlyMap<string, readonly SuspendedLine[]> {
  const known = linesOfDump.get(dump);
  if (known !== undefined) return known;
  const files = new Map<string, Map<string, SuspendedLine>>();
  for (const group of dump.taken.dump.groups) {
    for (const [index, frame] of group.chain.entries()) {
      const at = frame.awaiting ?? (isFunction(frame) ? frame.declared : null);
      if (at === null || frame.origin !== 'app') continue;
      const exact = frame.awaiting !== null;
      const lines = files.get(at.file) ?? new Map<string, SuspendedLine>();
      files.set(at.file, lines);
      const key = `${at.line} ${exact}`;
      const line = lines.get(key) ?? { dump, at, exact, ids: new Set(), more: 0, frames: [] };
      lines.set(key, line);
      line.frames.push({ group, frame, index });
      count(line, dump, group, frame, index);
    }
  }
  const result = new Map([...files].map(([file, lines]) => [file, [...lines.values()]]));
  linesOfDump.set(dump, result);
  return result;
}

function count(line: SuspendedLine, { taken }: StoredDump, group: DumpGroup, { repeats }: DumpFrame, index: number): void {
  const kept = taken.kept.get(group.id);
  const before = line.ids.size;
  let tasks = 0;
  for (let at = index; kept !== undefined && at < kept.members.length; at += kept.frames, tasks++) {
    const id = kept.members[at] ?? 0;
    if (id !== 0) line.ids.add(id);
  }
  // of a function that calls itself one object is known, and how often it follows itself
  line.more += group.count - tasks + (line.ids.size - before) * (repeats - 1);
}

function isFunction({ kind }: DumpFrame): boolean {
  return kind === 'async function' || kind === 'async generator' || kind === 'module';
}

function countOf(lines: readonly SuspendedLine[]): number {
  return lines.reduce((sum, { ids, more }) => sum + ids.size + more, 0);
}

/** `84 suspended here`; `84 suspended in this function` where their line is not known. */
function countText(lines: readonly SuspendedLine[]): string {
  const here = lines.filter(({ exact }) => exact);
  const within = lines.filter(({ exact }) => !exact);
  return [here.length > 0 ? `${formatCount(countOf(here))} suspended here` : '', within.length > 0 ? `${formatCount(countOf(within))} suspended in this function` : '']
    .filter((text) => text !== '')
    .join(', ');
}

function timeOf(lines: readonly SuspendedLine[]): string {
  const last = Math.max(...lines.map(({ dump }) => Date.parse(dump.taken.dump.at)));
  // the clock of whoever reads it
  return new Date(last).toLocaleTimeString('en-GB');
}

function groupText({ dump, group, frame, index, exact }: { readonly dump: StoredDump; readonly exact: boolean } & SuspendedLine['frames'][number]): string {
  const names = group.chain.map((each, at) => (at === index ? `**${escapeMarkdown(frameName(each))}**` : escapeMarkdown(frameName(each))));
  // the frames nearest to this line say most
  const first = Math.max(0, Math.min(index - Math.floor(CHAIN_LIMIT / 2), names.length - CHAIN_LIMIT));
  const shown = [...(first > 0 ? ['…'] : []), ...names.slice(first, first + CHAIN_LIMIT), ...(first + CHAIN_LIMIT < names.length ? ['…'] : [])];
  const lines = [`---\n\n${formatCount(group.count)} × ${shown.join(' › ')}`, `Waits for ${escapeMarkdown(waitsForText(group.waitsFor))}`];
  if (group.verdict !== null) lines.push(`**${group.verdict}**${group.why === '' ? '' : ` — ${escapeMarkdown(group.why, PROSE_LIMIT)}`}`);
  const [holder] = group.heldBy;
  if (holder !== undefined) lines.push(`Held by ${escapeMarkdown(holder.path)}${holder.count < group.count ? ` (${formatCount(holder.count)} of ${formatCount(group.count)})` : ''}`);
  if (exact && frame.awaitingKnown < group.count) lines.push(`${formatCount(frame.awaitingKnown)} of ${formatCount(group.count)} were looked up and stand here; the others may stand on another line of the function.`);
  const reveal: RevealGroupsArguments = { groups: [{ dumpId: dump.id, groupId: group.id }] };
  const links = [link('Show in Dump', REVEAL_GROUPS_COMMAND, reveal), link('Show in Graph', SHOW_IN_GRAPH_COMMAND, reveal)];
  const variables: DumpFrameParams = { dumpId: dump.id, groupId: group.id, task: 0, frame: index };
  if (dump.process !== undefined && isFunction(frame)) links.push(link(group.count > 1 ? 'Variables of the first' : 'Variables', SHOW_VARIABLES_COMMAND, variables));
  lines.push(links.join(' | '));
  return lines.join('\n\n');
}

function link(text: string, command: string, argument: RevealGroupsArguments | DumpFrameParams): string {
  const query = encodeURIComponent(JSON.stringify([argument])).replace(/[()]/g, (each) => `%${each.charCodeAt(0).toString(16)}`);
  return `[${text}](command:${command}?${query})`;
}
