/** `asyncscope dump`: everything that waits in a process, or in a heap snapshot file, at one moment. */
import { errorMessage } from '../core/base/errorMessage';
import { formatBytes, formatDuration } from '../core/format/quantity';
import type { Dump } from '../core/model/dump';
import type { OriginRules } from '../core/model/origin';
import { SNAPSHOT_PAUSE_TO_CONFIRM_MS, estimateSnapshotPauseMs } from '../core/model/snapshotCost';
import { SnapshotError } from '../core/heap/snapshotError';
import type { ReachOptions } from '../cdp/attach';
import type { OpenHeapTarget } from '../cdp/heapTarget';
import { TargetError } from '../cdp/target';
import { createDumpProgress } from '../server/dump/phases';
import type { DumpProgress } from '../server/dump/phases';
import { dumpFile, dumpProcess } from '../server/dump/takeDump';
import type { Analyze, DumpOptions, TakenDump } from '../server/dump/takeDump';
import { writeHeapSnapshot } from '../server/heapSnapshotFile';
import { HeapAnalysisError } from '../server/heapWorker/messages';
import { createSourceMaps } from '../server/sourceMaps';
import type { PositionSource } from '../server/sourceMaps';
import type { DumpArguments } from './arguments';
import { renderDumpText } from './dumpText';
import { EXIT_ENDED, EXIT_FAILED, EXIT_OK, adviceOf, oneLine, originRules, stoppedCode } from './ps';
import type { PsEnvironment } from './ps';
import { escapeForTerminal } from './psFormat';

export interface DumpEnvironment extends Pick<PsEnvironment, 'print' | 'complain' | 'now' | 'terminal' | 'cwd' | 'readProjectFile' | 'positions'> {
  readonly open: (target: string, options: ReachOptions) => Promise<OpenHeapTarget>;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /** Shows how far it is on one line, and takes it away with an empty text; undefined where nobody looks. */
  readonly showProgress: ((text: string) => void) | undefined;
  /** Asks a person, who can say yes or no; undefined where there is none. Resolves with false when `signal` is aborted. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  readonly analyze?: Analyze;
}

/**
 * Runs the command; resolves with the exit code. Leaves nothing of ours in the target.
 * @param stop aborted with a {@link StopReason}.
 */
export async function dump(args: DumpArguments, environment: DumpEnvironment, stop: AbortSignal): Promise<number> {
  const { source } = args;
  const origins = await originRules(args, environment);
  if (source.kind === 'file') {
    return shown(args, environment, stop, (options) => dumpFile(source.file, options), origins);
  }
  let target: OpenHeapTarget;
  try {
    target = await environment.open(source.target, { signal: stop, allowRemote: source.allowRemote, allowSignal: source.allowSignal });
  } catch (error) {
    if (stop.aborted) return stoppedCode(stop, false);
    return fail(environment, errorMessage(error) + adviceOf(error));
  }
  try {
    if (!(await mayStop(args, environment, target, stop))) return stop.aborted ? stoppedCode(stop, false) : EXIT_FAILED;
    const { keepSnapshot } = args;
    if (keepSnapshot === undefined) return await shown(args, environment, stop, (options) => dumpProcess(target, { ...options, startedAt: target.startedAt }), origins);
    return await shown(args, environment, stop, (options) => dumpAndKeep(keepSnapshot, target, { ...options, startedAt: target.startedAt }, environment, stop), origins);
  } catch (error) {
    if (stop.aborted) return stoppedCode(stop, false);
    if (error instanceof TargetError && error.reason === 'closed' && (await target.closed) === 'target exited') {
      environment.complain('The process exited during the dump.');
      return EXIT_ENDED;
    }
    return fail(environment, errorMessage(error));
  } finally {
    await target.close();
  }
}

/** Says how long the process is going to stand still, and asks where that is long. */
async function mayStop(args: DumpArguments, environment: DumpEnvironment, target: OpenHeapTarget, stop: AbortSignal): Promise<boolean> {
  const heap = await target.heapUsed();
  const pauseMs = estimateSnapshotPauseMs(heap);
  environment.complain(`The process is about to stand still for roughly ${formatDuration(pauseMs)} (${formatBytes(heap)} of heap).`);
  if (pauseMs <= SNAPSHOT_PAUSE_TO_CONFIRM_MS || args.yes || environment.ask === undefined) return true;
  return environment.ask('Go on? [y/N] ', stop);
}

/** The snapshot is kept also when it cannot be analysed, as another machine may have the memory, and whatever fails once it is whole. */
async function dumpAndKeep(file: string, target: OpenHeapTarget, options: DumpOptions, environment: DumpEnvironment, signal: AbortSignal): Promise<TakenDump> {
  const outcome: { whole: boolean; taken?: TakenDump; failure?: Error } = { whole: false };
  const progress: DumpProgress = (phase, share) => {
    outcome.whole ||= phase === 'positions';
    options.progress?.(phase, share);
  };
  await writeHeapSnapshot(
    file,
    async ({ write }) => {
      try {
        outcome.taken = await dumpProcess(target, { ...options, progress, keep: write });
      } catch (error) {
        if (!(error instanceof HeapAnalysisError || error instanceof SnapshotError || (outcome.whole && error instanceof Error))) throw error;
        outcome.failure = error;
      }
    },
    { signal, progress: () => undefined, now: environment.now },
  );
  environment.complain(`The heap snapshot is in ${oneLine(file)}. It holds what the process had in memory, secrets included.`);
  if (outcome.taken === undefined) throw outcome.failure ?? new Error('There is no dump.');
  return outcome.taken;
}

async function shown(
  args: DumpArguments,
  environment: DumpEnvironment,
  stop: AbortSignal,
  take: (options: DumpOptions) => Promise<TakenDump>,
  origins: OriginRules,
): Promise<number> {
  const { now, wall, complain, showProgress, analyze, cwd } = environment;
  const positions: PositionSource = environment.positions?.() ?? createSourceMaps(undefined, origins, (problem) => complain(oneLine(problem)), args.pathMappings);
  const progress: DumpProgress | undefined = showProgress && createDumpProgress((percent, text) => showProgress(`${String(percent).padStart(3)} %  ${text}`));
  let taken: TakenDump;
  try {
    taken = await take({
      positions,
      origins,
      base: args.json ? undefined : cwd,
      signal: stop,
      progress,
      now,
      wall,
      lookupBudgetMs: args.lookupBudgetMs,
      analyze,
    });
  } catch (error) {
    if (stop.aborted) return stoppedCode(stop, false);
    if (args.source.kind === 'attach') throw error;
    return fail(environment, errorMessage(error));
  } finally {
    showProgress?.('');
  }
  environment.print(args.json ? dumpAsJson(taken.dump) : dumpAsText(taken.dump, args, environment));
  return EXIT_OK;
}

/** One object on one line. */
export function dumpAsJson(dump: Dump): string {
  return `${escapeForTerminal(JSON.stringify(dump))}\n`;
}

function dumpAsText(dump: Dump, args: DumpArguments, { terminal, cwd }: DumpEnvironment): string {
  return renderDumpText(dump, { columns: terminal.columns, color: terminal.color && args.color, all: args.all, cwd });
}

function fail(environment: DumpEnvironment, message: string): number {
  environment.complain(oneLine(message));
  return EXIT_FAILED;
}
