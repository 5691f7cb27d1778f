/** An analysis of a heap, with what was looked up, as the dump that people and programs get: in original sources, texts written out. */
import { createHash } from 'node:crypto';
import type { HeapAnalysis, RawFrame, RawFunction, RawGroup, RawPosition, RawText, RawVariable } from '../../core/heap/heapAnalysis';
import type { ScriptPosition } from '../../core/heap/heapGraph';
import { DUMP_FORMAT_VERSION } from '../../core/model/dump';
import type { Dump, DumpFrame, DumpGroup, DumpHolder, DumpPosition, DumpResource, DumpResources, DumpTarget, WaitsFor } from '../../core/model/dump';
import { clip } from '../../core/format/text';
import { dueText } from '../../core/format/dueText';
import { formatCount, formatDuration } from '../../core/format/quantity';
import { createOrigins } from '../../core/model/origin';
import type { OriginRules } from '../../core/model/origin';
import { chainsOf } from './lookUp';
import type { FoundPositions } from './lookUp';
import type { PositionSource } from '../sourceMaps';
import { declarationKey, variableKey } from './scriptText';
import type { Identifier, ScriptTexts } from './scriptText';
import { shortPath } from './shortPath';

/** Characters of a name out of a source map. */
const NAME_LIMIT = 200;
/** Different addresses of the sockets of one group that its text names. */
const ADDRESSES_NAMED = 3;

export interface RenderOptions {
  readonly target: DumpTarget;
  readonly at: string;
  readonly pauseMs: number | null;
  /** Of scripts that were prepared. */
  readonly positions: Pick<PositionSource, 'lookup' | 'nameAt' | 'onlySource'>;
  readonly texts: ScriptTexts;
  /** Addresses of the other ends of sockets, by their ids. */
  readonly peers: ReadonlyMap<number, string>;
  readonly origins: OriginRules | undefined;
  /** Paths in texts are shown relative to it. */
  readonly base: string | null;
  readonly found: FoundPositions;
  /** Beside those of the analysis: what is not known for certain, which makes no dump partial. */
  readonly notes: readonly string[];
  /** Says why groups have functions of which nobody knows the line; missing where a note does so already. */
  readonly withoutLines?: ((groups: number) => string) | undefined;
}

/** A group of the dump, and the objects of its tasks. */
export interface KeptGroup {
  readonly id: string;
  readonly frames: number;
  /** As in {@link RawGroup.members} and {@link RawGroup.awaited}, of this group's tasks. */
  readonly members: Uint32Array;
  readonly awaited: Uint32Array;
}

export interface RenderedDump {
  /** `analysisMs` is still 0. */
  readonly dump: Dump;
  readonly kept: readonly KeptGroup[];
  readonly place: (at: ScriptPosition) => DumpPosition | null;
}

export function renderDump(analysis: HeapAnalysis, options: RenderOptions): RenderedDump {
  const { target, at, pauseMs, base, found, positions, texts } = options;
  const origins = createOrigins(options.origins);
  const place = (position: RawPosition | null): DumpPosition | null => {
    const script = position === null ? undefined : analysis.scripts.get(position.scriptId);
    if (position === null || script === undefined || script === '') return null;
    const [line, column] = [position.line + 1, position.column + 1];
    if (origins.of(script) === 'node') return { file: script, line, column };
    const mapped = positions.lookup(script, line, column);
    return { file: mapped.file, line: mapped.line, column: mapped.column };
  };
  /** What stands at a position: undefined where its map has no source for it. */
  const sourceOf = ({ scriptId, line, column }: RawPosition): string | undefined => {
    const script = analysis.scripts.get(scriptId);
    if (script === undefined) return undefined;
    const { file, helper } = positions.lookup(script, line + 1, column + 1);
    return helper === true ? undefined : file;
  };
  const fileOf = (scriptId: number, within: RawPosition | undefined): string => {
    const script = analysis.scripts.get(scriptId);
    if (script === undefined || script === '') return '(unknown file)';
    // a bundle is made of many sources: where none of them is certain, the script itself is
    const file = positions.onlySource(script) ?? (within && sourceOf(within)) ?? positions.lookup(script, 0, 0).file;
    return shortPath(file, base);
  };
  /** What a name that a script has is in its source: the same, unless the script was minified. */
  const originalName = ({ name, at: { scriptId, line, column } }: Identifier): string => {
    const original = positions.nameAt(analysis.scripts.get(scriptId) ?? '', line + 1, column + 1);
    return original === undefined ? name : clip(original, NAME_LIMIT);
  };
  const functionOf = ({ function: name, declared }: RawFunction): string => {
    const known = texts.names.get(declarationKey(declared));
    if (known === undefined) return name;
    if (name === known.own.name) return originalName(known.own);
    return known.class !== null && name === `${known.class.name}.${known.own.name}` ? `${originalName(known.class)}.${originalName(known.own)}` : name;
  };
  const variableOf = ({ variable, script, show }: RawVariable): string => {
    const declared = texts.variables.get(variableKey(script, variable));
    if (show === 'file') return fileOf(script, declared);
    return declared === undefined ? variable : originalName({ name: variable, at: declared });
  };
  const write = (text: RawText, address = ''): string =>
    text
      .map((part) => {
        if (typeof part === 'string') return part;
        if ('file' in part) return fileOf(part.file.scriptId, part.file);
        if ('variable' in part) return variableOf(part);
        if ('function' in part) return functionOf(part);
        if ('peerAddress' in part) return address;
        const position = place(part.at);
        return position === null ? '(unknown line)' : `${shortPath(position.file, base)}:${position.line}`;
      })
      .join('');
  const originOf = (position: RawPosition | null): DumpFrame['origin'] => {
    // what V8 and Node make has no place; code that was evaluated has one, in a script without a name
    if (position === null) return 'node';
    const script = analysis.scripts.get(position.scriptId) ?? '';
    return origins.of(script) === 'node' ? 'node' : origins.ofSource(script, place(position)?.file ?? script);
  };

  const ids = new Set<string>();
  const groups: DumpGroup[] = [];
  const kept: KeptGroup[] = [];
  let mixed = 0;
  let withoutLines = 0;
  for (const raw of analysis.groups) {
    const parts = splitByPosition(raw, found);
    for (const part of parts) {
      const chain = raw.chain.map((frame, index): DumpFrame => {
        const { at: standing, known, disagree } = standingOf(frame, index, part, found);
        if (disagree) mixed++;
        return {
          function: frame.function === null || frame.declared === null ? frame.function : functionOf({ function: frame.function, declared: frame.declared }),
          kind: frame.kind,
          origin: originOf(frame.declared),
          declared: place(frame.declared),
          awaiting: place(standing),
          awaitingKnown: known,
          repeats: frame.repeats,
          detail: frame.detail,
        };
      });
      if (chain.some(isWithoutLine)) withoutLines++;
      const { known, certain } = addressesOf(part, options.peers);
      const waitsFor: WaitsFor = {
        kind: raw.waitsFor.kind,
        text: write(raw.waitsFor.text, addressText(known, certain)),
        at: place(raw.waitsFor.at),
        details: certain && known.length === 1 ? { ...raw.waitsFor.details, address: known[0] ?? null } : raw.waitsFor.details,
      };
      // without what is another thing in the next dump: when a timer is due, and an address that may not be found
      const id = idOf(chain, { ...waitsFor, text: write(raw.waitsFor.text) }, parts.length > 1, ids);
      groups.push({
        id,
        count: part.count,
        verdict: raw.verdict,
        why: write(raw.why),
        chain,
        waitsFor: waitsFor.kind === 'timer' ? { ...waitsFor, text: withDue(waitsFor.text, waitsFor.details, waitsFor.details['timer'] === 'interval') } : waitsFor,
        heldBy: raw.heldBy.map(({ count, path }) => holderOf(count, write(path), raw.count, part.count)),
      });
      kept.push({ id, frames: raw.chain.length, members: part.members, awaited: part.awaited });
    }
  }
  const notes = [...analysis.notes, ...options.notes];
  if (withoutLines > 0 && options.withoutLines !== undefined) notes.push(options.withoutLines(withoutLines));
  if (mixed > 0) {
    notes.push(
      `${formatCount(mixed)} ${mixed === 1 ? 'function was' : 'functions were'} found at several lines within one group, of which not all tasks were looked up: the line of most is shown.`,
    );
  }
  return {
    dump: {
      formatVersion: DUMP_FORMAT_VERSION,
      target,
      at,
      pauseMs,
      analysisMs: 0,
      partial: analysis.notes.length > 0,
      notes,
      totals: analysis.totals,
      groups: groups.sort((a, b) => b.count - a.count),
      resources: resourcesOf(analysis, options.peers, place, write),
    },
    kept,
    place,
  };
}

/** The addresses of the sockets of a group or of a resource, without repeats, and whether these are all. */
function addressesOf({ count, sockets }: Pick<Part, 'count'> & { readonly sockets?: Uint32Array | undefined }, addresses: ReadonlyMap<number, string>): { readonly known: readonly string[]; readonly certain: boolean } {
  const found = [...(sockets ?? [])].map((id) => addresses.get(id));
  const known = [...new Set(found)].filter((address) => address !== undefined);
  return { known: known.sort(), certain: found.length === count && !found.includes(undefined) };
}

/** ` 10.0.0.7:5432`; of several not more than three, and of those that are not all, one for an example. */
function addressText(known: readonly string[], certain: boolean): string {
  const [first] = known;
  if (first === undefined) return '';
  return certain && known.length <= ADDRESSES_NAMED ? ` ${known.join(' or ')}` : ` such as ${first}`;
}

/** Of a function of Node itself nobody asks. */
function isWithoutLine({ kind, origin, awaitingKnown }: DumpFrame): boolean {
  return (kind === 'async function' || kind === 'async generator') && origin !== 'node' && awaitingKnown === 0;
}

/** Tasks of a group that stand alike, as far as is known. */
interface Part {
  readonly count: number;
  readonly members: Uint32Array;
  readonly awaited: Uint32Array;
  readonly sockets: Uint32Array | undefined;
}

/** Where every task of a group was looked up, they are told apart by their lines; else they stay together. */
function splitByPosition(group: RawGroup, found: FoundPositions): readonly Part[] {
  const whole: Part = { count: group.count, members: group.members, awaited: group.awaited, sockets: group.sockets };
  const length = group.chain.length;
  const chains = chainsOf(group);
  if (length === 0 || chains !== group.count) return [whole];
  const parts = new Map<string, number[]>();
  for (let chain = 0; chain < chains; chain++) {
    let key = '';
    for (const [index, frame] of group.chain.entries()) {
      const id = group.members[chain * length + index] ?? 0;
      if (id === 0) continue;
      const at = found.of(id, frame);
      if (at === undefined && found.isWanted(frame)) return [whole];
      if (at !== undefined) key += `${at.scriptId}:${at.line}:${at.column} `;
    }
    const part = parts.get(key);
    if (part) part.push(chain);
    else parts.set(key, [chain]);
  }
  if (parts.size <= 1) return [whole];
  return [...parts.values()].map((list) => ({
    count: list.length,
    members: Uint32Array.from(list.flatMap((chain) => [...group.members.subarray(chain * length, (chain + 1) * length)])),
    awaited: Uint32Array.from(list.map((chain) => group.awaited[chain] ?? 0)),
    sockets: group.sockets && Uint32Array.from(list.map((chain) => group.sockets?.[chain] ?? 0)),
  }));
}

/** Where most of the tasks that were looked up stand. */
function standingOf(frame: RawFrame, index: number, part: Part, found: FoundPositions): { readonly at: ScriptPosition | null; readonly known: number; readonly disagree: boolean } {
  const length = part.awaited.length === 0 ? 0 : Math.floor(part.members.length / part.awaited.length);
  const tally = new Map<string, { readonly at: ScriptPosition; count: number }>();
  let hasObject = false;
  for (let at = index; length > 0 && at < part.members.length; at += length) {
    const id = part.members[at] ?? 0;
    if (id === 0) continue;
    hasObject = true;
    const position = found.of(id, frame);
    if (position === undefined) continue;
    const key = `${position.scriptId}:${position.line}:${position.column}`;
    const entry = tally.get(key);
    if (entry) entry.count++;
    else tally.set(key, { at: position, count: 1 });
    if (found.isSingle(frame)) return { at: position, known: part.count, disagree: false };
  }
  const [most] = [...tally.values()].sort((a, b) => b.count - a.count);
  // a `then` or a combinator stands nowhere
  if (!hasObject) return { at: null, known: part.count, disagree: false };
  return { at: most?.at ?? null, known: most?.count ?? 0, disagree: tally.size > 1 };
}

/** Of a group that was split nobody knows which of its tasks a holder holds, unless it holds them all. */
function holderOf(count: number, path: string, whole: number, part: number): DumpHolder {
  if (part === whole || count === whole) return { count: Math.min(count, part), path };
  return { count: Math.min(count, part), path: `${path} (at most)` };
}

/**
 * The same for the same chain and wait in the next dump: figures in the text of a wait, which change, do not count, unless that makes
 * two groups alike. Await lines count only where they are what tells groups apart.
 */
function idOf(chain: readonly DumpFrame[], waitsFor: WaitsFor, byLine: boolean, taken: Set<string>): string {
  const position = (at: DumpPosition | null): string => (at === null ? '' : `${at.file}:${at.line}:${at.column}`);
  const frames = chain.map((frame) => [frame.function, frame.kind, frame.detail, frame.repeats > 1, position(frame.declared), byLine ? position(frame.awaiting) : '']);
  const alike = [frames, waitsFor.kind, position(waitsFor.at), waitsFor.text.replace(/\d+/g, '#')];
  for (let attempt = 0; ; attempt++) {
    const key = attempt === 0 ? alike : [...alike, waitsFor.text, chain.map(({ awaiting, repeats }) => [position(awaiting), repeats]), attempt];
    const id = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 12);
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

/** A timer with when it is due; of several with the first and the last, where that is not the same. */
function withDue(text: string, { dueInMs, lastDueInMs }: WaitsFor['details'], repeats: boolean): string {
  if (typeof dueInMs !== 'number') return text;
  const [first, last] = [dueText(dueInMs, repeats), typeof lastDueInMs === 'number' && lastDueInMs > 0 ? formatDuration(lastDueInMs) : undefined];
  return last === undefined || first.endsWith(` in ${last}`) ? `${text}, ${first}` : `${text}, ${first}, the last in ${last}`;
}

function resourcesOf({ resources }: HeapAnalysis, peers: ReadonlyMap<number, string>, place: (at: RawPosition | null) => DumpPosition | null, write: (text: RawText, address?: string) => string): DumpResources {
  const written = (list: HeapAnalysis['resources']['timers']): DumpResource[] =>
    list.map((resource) => {
      const { count, type, text, at, details } = resource;
      const { known, certain } = addressesOf(resource, peers);
      return { count, type, text: write(text, addressText(known, certain)), at: place(at), details };
    });
  return {
    timers: written(resources.timers).map((timer) => ({ ...timer, text: withDue(timer.text, timer.details, timer.type === 'interval') })),
    handles: written(resources.handles),
    requests: written(resources.requests),
    listeners: resources.listeners.map((each) => ({ ...each, at: place(each.at) })),
    streams: resources.streams,
  };
}
