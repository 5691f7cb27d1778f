/** From a process, or a snapshot file, to a dump. Knows nothing of LSP; the terminal uses the same. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { HeapAnalysis, RawFrame } from '../../core/heap/heapAnalysis';
import type { ScriptPosition } from '../../core/heap/heapGraph';
import type { Dump, DumpPosition, DumpTarget } from '../../core/model/dump';
import { counted, formatCount, formatDuration } from '../../core/format/quantity';
import { originOfScript } from '../../core/model/origin';
import type { OriginRules } from '../../core/model/origin';
import { TargetError } from '../../cdp/target';
import type { HeapTarget } from '../../cdp/target';
import { analyzeSnapshot } from '../heapWorker/analyzeSnapshot';
import type { AnalyzeSnapshotOptions, SnapshotSource } from '../heapWorker/analyzeSnapshot';
import { HeapAnalysisError } from '../heapWorker/messages';
import type { AnalyzedSnapshot } from '../heapWorker/messages';
import type { PositionSource } from '../sourceMaps';
import { defaultLookupBudget, foundWithoutLookUp, isSilence, lookUpPositions } from './lookUp';
import type { FoundPositions } from './lookUp';
import type { DumpProgress } from './phases';
import { renderDump } from './renderDump';
import type { KeptGroup } from './renderDump';
import { readScriptTexts } from './scriptText';
import type { ScriptTexts } from './scriptText';

export interface DumpOptions {
  readonly positions: PositionSource;
  /** What the user says about whose code is whose. */
  readonly origins?: OriginRules | undefined;
  /** Paths in texts are shown relative to it; else to the working directory of the process. */
  readonly base?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: DumpProgress | undefined;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /**
   * When the process began, milliseconds since the epoch: files that have not been touched since are what it runs. Missing: no file is
   * taken for that.
   */
  readonly startedAt?: number | undefined;
  /** Milliseconds that all look-ups together may take; 0 makes none. What it is without: {@link defaultLookupBudget}. */
  readonly lookupBudgetMs?: number | undefined;
  /** Gets the snapshot as well, piece by piece. */
  readonly keep?: ((chunk: string) => void | Promise<void>) | undefined;
  readonly analyze?: Analyze | undefined;
  /** The bundle of the thread that analyses; what is built beside this one if left out. */
  readonly script?: string | undefined;
}

export type Analyze = (source: SnapshotSource, options: AnalyzeSnapshotOptions) => Promise<AnalyzedSnapshot>;

/** A dump, and what later look-ups in it need. */
export interface TakenDump {
  readonly dump: Dump;
  readonly kept: ReadonlyMap<string, KeptGroup>;
  /** Where a position of the process stands in original sources. */
  readonly place: (at: ScriptPosition) => DumpPosition | null;
}

/**
 * Takes a snapshot of a process and says what waits in it. Nothing of ours is left in the process.
 * @throws {TargetError} `cancelled` once `signal` is aborted, and as the target does
 * @throws {SnapshotError} when what comes is no snapshot
 * @throws {HeapAnalysisError} when it cannot be analysed
 */
export async function dumpProcess(target: HeapTarget, options: DumpOptions): Promise<TakenDump> {
  const { signal, progress, keep, now } = options;
  const { info, frames } = target;
  progress?.('snapshot', 0);
  const timerNow = await target.timerNow();
  const taken = { pauseMs: 0, at: options.wall(), lastByte: 0 };
  let taking: Promise<void> = Promise.resolve();
  const take = async (write: (chunk: string) => void | Promise<void>): Promise<void> => {
    const { pauseMs } = await target.takeHeapSnapshot({
      ...(signal && { signal }),
      progress: (done) => progress?.('snapshot', done),
      write: async (chunk) => {
        await keep?.(chunk);
        try {
          await write(chunk);
        } catch (error) {
          // what is kept can be analysed elsewhere
          if (keep === undefined) throw error;
        }
      },
    });
    Object.assign(taken, { pauseMs, lastByte: now() });
  };
  const { analysis } = await uncancelled(signal, async () => {
    try {
      return await (options.analyze ?? analyzeSnapshot)({ take: (write) => (taking = take(write)) }, { ...analyzeOptions(options), timerNow });
    } finally {
      // an analysis that fails does not wait for the rest
      if (keep !== undefined) await taking.catch(() => undefined);
    }
  });
  const budgetMs = options.lookupBudgetMs ?? defaultLookupBudget(taken.pauseMs);
  progress?.('positions', 0);
  // before the look-ups: meanwhile sockets close
  const peers = budgetMs === 0 ? NO_PEERS : await peersOf(analysis, target);
  const texts = await readScriptTexts(analysis, options.startedAt ?? -Infinity);
  const { singles } = texts;
  const found =
    budgetMs === 0 ? foundWithoutLookUp(singles) : await lookUpPositions(analysis.groups, frames, { singles, isOfNode: (frame) => isOfNode(frame, analysis), budgetMs, now, signal, progress: (share) => progress?.('positions', share) });
  throwIfAborted(signal);
  return finish(analysis, options, {
    target: { pid: info.pid, node: info.node, url: info.url, title: info.title, cwd: info.cwd, file: null },
    at: taken.at,
    pauseMs: taken.pauseMs,
    base: options.base ?? info.cwd,
    found,
    texts,
    peers,
    notes: budgetMs === 0 ? ['Await lines were not looked up: only functions with a single await have one.'] : [],
    ...(found.brokenOff ? { withoutLines: withoutTarget } : found.outOfBudget && { withoutLines: withoutLines(found, budgetMs) }),
    ask: (scripts) => target.sourceMaps(scripts).catch(() => []),
    lastByte: taken.lastByte,
  });
}

/**
 * Says what waits in a snapshot file. Await lines are not in it.
 * @param file absolute path
 * @throws {TargetError} `cancelled` once `signal` is aborted
 * @throws {SnapshotError} when it is no snapshot
 * @throws {HeapAnalysisError} when it cannot be read or analysed
 */
export async function dumpFile(file: string, options: DumpOptions): Promise<TakenDump> {
  const { signal, now } = options;
  const began = now();
  const at = await writtenAt(file);
  const { analysis } = await uncancelled(signal, () => (options.analyze ?? analyzeSnapshot)({ file }, analyzeOptions(options)));
  const texts = await readScriptTexts(analysis, at);
  return finish(analysis, options, {
    target: { pid: null, node: null, url: null, title: basename(file), cwd: null, file },
    at,
    pauseMs: null,
    base: options.base ?? null,
    found: foundWithoutLookUp(texts.singles),
    texts,
    peers: NO_PEERS,
    notes: ['A snapshot file does not say on which of its lines a function stands: only functions with a single await have one here, by the files as they are on this machine.'],
    ask: undefined,
    lastByte: began,
  });
}

async function finish(
  analysis: HeapAnalysis,
  options: DumpOptions,
  about: {
    readonly target: DumpTarget;
    readonly at: number;
    readonly pauseMs: number | null;
    readonly base: string | null;
    readonly found: FoundPositions;
    readonly texts: ScriptTexts;
    readonly peers: ReadonlyMap<number, string>;
    readonly notes: readonly string[];
    readonly withoutLines?: (groups: number) => string;
    readonly ask: ((scripts: readonly string[]) => Promise<readonly (string | null)[]>) | undefined;
    readonly lastByte: number;
  },
): Promise<TakenDump> {
  const { positions, origins, signal, progress } = options;
  progress?.('sources', 0);
  await positions.prepare([...analysis.scripts.values()].filter((script) => script !== ''), about.ask);
  throwIfAborted(signal);
  const { dump, kept, place } = renderDump(analysis, {
    target: about.target,
    at: new Date(about.at).toISOString(),
    pauseMs: about.pauseMs === null ? null : Math.round(about.pauseMs),
    positions,
    origins,
    base: about.base,
    found: about.found,
    texts: about.texts,
    peers: about.peers,
    notes: about.notes,
    withoutLines: about.withoutLines,
  });
  progress?.('sources', 1);
  return {
    dump: { ...dump, analysisMs: Math.round(options.now() - about.lastByte) },
    kept: new Map(kept.map((group) => [group.id, group])),
    place,
  };
}

const NO_PEERS: ReadonlyMap<number, string> = new Map();

async function peersOf({ groups, resources }: HeapAnalysis, target: HeapTarget): Promise<ReadonlyMap<number, string>> {
  const sockets = new Set([...groups, ...resources.handles].flatMap((each) => [...(each.sockets ?? [])]));
  sockets.delete(0);
  if (sockets.size === 0) return NO_PEERS;
  try {
    return await target.peerAddresses(sockets);
  } catch (error) {
    // the process was there for its snapshot, which may be the last that is to be had of it
    if (!isSilence(error)) throw error;
    return NO_PEERS;
  }
}

function isOfNode({ declared }: RawFrame, { scripts }: HeapAnalysis): boolean {
  return declared !== null && originOfScript(scripts.get(declared.scriptId) ?? '') === 'node';
}

function analyzeOptions({ signal, progress, script }: DumpOptions): AnalyzeSnapshotOptions {
  return { ...(signal && { signal }), ...(progress && { progress }), ...(script !== undefined && { script }) };
}

function withoutLines({ lookups }: FoundPositions, budgetMs: number): (groups: number) => string {
  return (groups) =>
    `${lineNotKnown(groups)} To look a line up stops the process for a moment: ${formatCount(lookups)} were, in the ${formatDuration(budgetMs)} that look-ups may take (--lookup-budget; asyncscope.dumpLookupBudget in VS Code). Unfold a task there to look up its own.`;
}

function lineNotKnown(groups: number): string {
  return `The line where a function stands is not known in ${counted(groups, 'group')}; everything else is.`;
}

function withoutTarget(groups: number): string {
  return `${lineNotKnown(groups)} The process ended, or did not answer any more, while lines were looked up.`;
}

/** What is thrown once `signal` is aborted says nothing but that. */
async function uncancelled<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    throwIfAborted(signal);
    return await work();
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new TargetError('cancelled', 'The dump was cancelled.');
}

async function writtenAt(file: string): Promise<number> {
  try {
    const { mtimeMs } = await stat(file);
    return mtimeMs;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new HeapAnalysisError('cannot read', code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${code}).`, { cause: error });
  }
}
