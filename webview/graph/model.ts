/**
 * The await graph as boxes and edges. Chains that begin alike are one, and so are chains that end alike: yet no path can be followed
 * from left to right that no group of the dump has, because boxes are merged only where everything after them is the same. Pure.
 */
import { frameName, isUsersChain, VERDICTS_AND_NONE, waitsForText, worstVerdict } from '../../src/core/format/dumpText';
import { shortPosition } from '../../src/core/format/position';
import { displayName } from '../../src/core/format/text';
import type { Verdict } from '../../src/core/model/dump';
import { innermostLine } from '../../src/core/model/dumpLine';
import type { GraphFrame, GraphGroup } from '../../src/protocol/webview';

/** Groups that are drawn at first, the worst and most numerous; the others are counted in boxes that unfold. */
export const FIRST_SHOWN = 60;
/** So many of each verdict are among them, where there are as many: one bad kind must not hide the others. */
export const SHOWN_PER_VERDICT = 8;
/** Groups that unfold at a time. */
export const UNFOLD_STEP = 40;
/** Groups that are drawn at most, so that a picture takes a part of a second: those unfolded first are folded again. */
export const SHOWN_LIMIT = 400;

/** What the host has sent. */
export interface GraphDump {
  readonly dumpId: string;
  readonly frames: readonly GraphFrame[];
  /** The worst first. */
  readonly groups: readonly GraphGroup[];
  /** How many there will be. */
  readonly total: number;
}

interface BoxParts {
  /** The same for the same groups in the same dump. */
  readonly id: string;
  /** Tasks of the groups that pass through. */
  readonly count: number;
  /** The worst of them, and how many tasks have it. */
  readonly verdict: Verdict | null;
  readonly worst: number;
  /** Indices of the groups, the worst first. */
  readonly groups: readonly number[];
}

/** One place of a chain: which frame of which group; any group of the box will do, they all have it. */
export interface FramePlace {
  readonly frame: GraphFrame;
  readonly group: number;
  /** Index in the chain of that group. */
  readonly index: number;
}

export type Box =
  /** Functions that wait for one another without parting. */
  | (BoxParts & { readonly type: 'frames'; readonly frames: readonly FramePlace[] })
  /** What everything hangs on. */
  | (BoxParts & { readonly type: 'leaf'; readonly waitsFor: GraphGroup['waitsFor'] })
  /** Groups that are not drawn. */
  | (BoxParts & { readonly type: 'more' });

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly verdict: Verdict | null;
}

export interface Graph {
  readonly boxes: readonly Box[];
  readonly edges: readonly Edge[];
}

/** Which groups are drawn: the first, and those that the user has unfolded, the last of them last. */
export function shownGroups({ frames, groups }: GraphDump, unfolded: readonly number[]): ReadonlySet<number> {
  const users = groups.flatMap(({ chain }, index) => (isUsersChain(chain.flatMap((frame) => frames[frame] ?? [])) ? [index] : []));
  // What Node does on its own account is not what anybody looks for first.
  const first = users.length > 0 ? users : [...groups.keys()];
  const shown = new Set(VERDICTS_AND_NONE.flatMap((verdict) => first.filter((index) => groups[index]?.verdict === verdict).slice(0, SHOWN_PER_VERDICT)));
  for (const index of first.slice(0, FIRST_SHOWN)) if (shown.size < FIRST_SHOWN) shown.add(index);
  // The last ones are what the user wants to see.
  for (const index of unfolded.slice(-(SHOWN_LIMIT - FIRST_SHOWN))) if (index < groups.length) shown.add(index);
  return shown;
}

export function buildGraph(dump: GraphDump, shown: ReadonlySet<number>): Graph {
  const nodes = trieOf(dump, shown);
  return foldRuns(dump, mergeAlike(nodes));
}

/** The frame of a box that Enter opens. What Node does below the user's code leads nowhere. */
export function openable({ frames }: Extract<Box, { type: 'frames' }>): FramePlace | undefined {
  return frames[innermostLine(frames.map(({ frame }) => frame))];
}

/** `orders.ts:69`; empty where there is no position. */
export function placeText({ awaiting, declared }: GraphFrame): string {
  const position = awaiting ?? declared;
  return position === null ? '' : shortPosition(position);
}

/** Indices of the groups that have all the words in one of their functions, places, or what they wait for. */
export function search({ frames, groups }: GraphDump, query: string): readonly number[] {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  const frameTexts = frames.map(frameText);
  return groups.flatMap((group, index) => (group.chain.some((each) => hasAll(frameTexts[each] ?? '', words)) || hasAll(leafText(group.waitsFor), words) ? [index] : []));
}

/** Whether a box itself says what is looked for. */
export function boxMatches(box: Box, query: string): boolean {
  const words = wordsOf(query);
  if (words.length === 0 || box.type === 'more') return false;
  return box.type === 'leaf' ? hasAll(leafText(box.waitsFor), words) : box.frames.some(({ frame }) => hasAll(frameText(frame), words));
}

function wordsOf(query: string): readonly string[] {
  return query.toLowerCase().split(/\s+/).filter((word) => word !== '');
}

function hasAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

function frameText(frame: GraphFrame): string {
  return `${frameName(frame)} ${placeText(frame)} ${(frame.awaiting ?? frame.declared)?.file ?? ''}`.toLowerCase();
}

function leafText({ text, kind }: GraphGroup['waitsFor']): string {
  return `${text} ${kind}`.toLowerCase();
}

/** A node of the tree of all chains; its parent stands before it. */
interface TrieNode {
  readonly key: string;
  readonly parent: number;
  readonly groups: number[];
  readonly face: { readonly type: 'frame'; readonly group: number; readonly index: number } | { readonly type: 'leaf'; readonly group: number } | { readonly type: 'more' };
}

function trieOf({ groups }: GraphDump, shown: ReadonlySet<number>): readonly TrieNode[] {
  const nodes: TrieNode[] = [];
  const ids = new Map<string, number>();
  const step = (parent: number, key: string, face: TrieNode['face'], group: number): number => {
    const path = `${String(parent)}>${key}`;
    let id = ids.get(path);
    if (id === undefined) {
      id = nodes.length;
      ids.set(path, id);
      nodes.push({ key, parent, groups: [], face });
    }
    nodes[id]?.groups.push(group);
    return id;
  };
  const hidden: number[] = [];
  for (const [group, { chain, waitsFor, verdict }] of groups.entries()) {
    if (!shown.has(group)) {
      hidden.push(group);
      continue;
    }
    let at = -1;
    for (const [index, frame] of chain.entries()) at = step(at, `f${String(frame)}`, { type: 'frame', group, index }, group);
    step(at, JSON.stringify([waitsFor.kind, waitsFor.text, verdict]), { type: 'leaf', group }, group);
  }
  for (const group of hidden) {
    // Below the function that they begin with, where that is drawn.
    const root = ids.get(`-1>f${String(groups[group]?.chain[0])}`);
    if (root !== undefined) nodes[root]?.groups.push(group);
    step(root ?? -1, 'more', { type: 'more' }, group);
  }
  return nodes;
}

/** Nodes of the tree that are the same and lead to the same. */
interface Merged {
  readonly face: TrieNode['face'];
  readonly groups: number[];
  /** Chains can begin here. */
  isRoot: boolean;
  /** By the merged node that follows: the groups that go there. */
  readonly next: Map<number, number[]>;
}

/** From the ends of the chains to their beginnings, so that what follows a node is known when it is looked at. */
function mergeAlike(nodes: readonly TrieNode[]): readonly Merged[] {
  const merged: Merged[] = [];
  const known = new Map<string, number>();
  const follow = nodes.map((): Map<number, number[]> => new Map());
  for (let id = nodes.length - 1; id >= 0; id--) {
    const node = nodes[id];
    const next = follow[id];
    if (node === undefined || next === undefined) continue;
    // Boxes of hidden groups are never the same: what is hidden in them differs.
    const signature = node.face.type === 'more' ? `more ${String(id)}` : `${node.key} ${[...next.keys()].sort((a, b) => a - b).join(' ')}`;
    let at = known.get(signature);
    if (at === undefined) {
      at = merged.length;
      known.set(signature, at);
      merged.push({ face: node.face, groups: [], isRoot: false, next: new Map() });
    }
    const target = merged[at];
    if (target === undefined) continue;
    target.groups.push(...node.groups);
    if (node.parent < 0) target.isRoot = true;
    for (const [to, groups] of next) append(target.next, to, groups);
    const above = follow[node.parent];
    if (above !== undefined) append(above, at, node.groups);
  }
  return merged;
}

function append(map: Map<number, number[]>, key: number, values: readonly number[]): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [...values]);
  else list.push(...values);
}

/** One box for all functions up to where chains part or meet. */
function foldRuns(dump: GraphDump, merged: readonly Merged[]): Graph {
  const incoming = merged.map(() => 0);
  for (const { next } of merged) for (const to of next.keys()) incoming[to] = (incoming[to] ?? 0) + 1;
  const follower = (id: number): number | undefined => {
    const [to, ...others] = merged[id]?.next.keys() ?? [];
    const node = to === undefined ? undefined : merged[to];
    return to !== undefined && others.length === 0 && incoming[to] === 1 && node?.isRoot === false && node.face.type === 'frame' && merged[id]?.face.type === 'frame' ? to : undefined;
  };
  const followers = new Set(merged.flatMap((_, id) => follower(id) ?? []));
  const boxes: Box[] = [];
  const boxOf = new Map<number, number>();
  // Those that were met last stand outermost, the worst of them first.
  for (let id = merged.length - 1; id >= 0; id--) {
    const first = merged[id];
    if (first === undefined || followers.has(id)) continue;
    const run = [id];
    for (let next = follower(id); next !== undefined; next = follower(next)) run.push(next);
    for (const each of run) boxOf.set(each, boxes.length);
    boxes.push(boxFrom(dump, run.flatMap((each) => merged[each] ?? [])));
  }
  const edges = new Map<string, { from: number; to: number; groups: number[] }>();
  for (const [id, { next }] of merged.entries()) {
    for (const [target, groups] of next) {
      const [from, to] = [boxOf.get(id), boxOf.get(target)];
      if (from === undefined || to === undefined || from === to) continue;
      const key = `${String(from)}>${String(to)}`;
      const edge = edges.get(key);
      if (edge === undefined) edges.set(key, { from, to, groups: [...groups] });
      else edge.groups.push(...groups);
    }
  }
  const drawn = [...edges.values()].map(({ from, to, groups }): Edge => ({ from, to, count: tasksOf(dump, groups), verdict: verdictOf(dump, groups) }));
  // The order in which they are laid out, from top to bottom, as far as they do not cross.
  drawn.sort((a, b) => VERDICTS_AND_NONE.indexOf(a.verdict) - VERDICTS_AND_NONE.indexOf(b.verdict) || b.count - a.count);
  return { boxes, edges: drawn };
}

function boxFrom(dump: GraphDump, run: readonly Merged[]): Box {
  const [first] = run;
  if (first === undefined) throw new RangeError('a box without a node');
  const groups = [...new Set(first.groups)].sort((a, b) => a - b);
  const verdict = verdictOf(dump, groups);
  const parts = { count: tasksOf(dump, groups), verdict, worst: tasksOf(dump, groups.filter((group) => dump.groups[group]?.verdict === verdict)), groups };
  const lead = dump.groups[groups[0] ?? -1];
  switch (first.face.type) {
    case 'frame': {
      const frames = run.flatMap(({ face }): FramePlace[] => {
        if (face.type !== 'frame') return [];
        const frame = dump.frames[dump.groups[face.group]?.chain[face.index] ?? -1];
        return frame === undefined ? [] : [{ frame, group: face.group, index: face.index }];
      });
      return { ...parts, type: 'frames', id: `${lead?.id ?? ''}/${String(first.face.index)}`, frames };
    }
    case 'leaf': {
      const waitsFor = dump.groups[first.face.group]?.waitsFor;
      if (waitsFor === undefined) throw new RangeError('a leaf without a group');
      return { ...parts, type: 'leaf', id: `${lead?.id ?? ''}/leaf`, waitsFor };
    }
    case 'more':
      return { ...parts, type: 'more', id: `${lead?.id ?? ''}/more` };
  }
}

function tasksOf({ groups }: GraphDump, indices: readonly number[]): number {
  return indices.reduce((sum, index) => sum + (groups[index]?.count ?? 0), 0);
}

function verdictOf({ groups }: GraphDump, indices: readonly number[]): Verdict | null {
  return worstVerdict(indices.map((index) => groups[index]?.verdict ?? null));
}

/** Tasks by verdict, the worst first. */
export function verdictCounts({ groups }: GraphDump, indices: readonly number[]): readonly { readonly verdict: Verdict | null; readonly count: number }[] {
  return VERDICTS_AND_NONE.map((verdict) => ({ verdict, count: indices.reduce((sum, index) => sum + (groups[index]?.verdict === verdict ? groups[index].count : 0), 0) })).filter(({ count }) => count > 0);
}

/** What a leaf says. */
export function leafLabel(waitsFor: GraphGroup['waitsFor']): string {
  const text = waitsForText(waitsFor);
  return displayName(text.charAt(0).toUpperCase() + text.slice(1));
}
