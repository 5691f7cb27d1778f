/** The worker that analyses a heap snapshot: an entry of its own, `dist/heapWorker.js`. One worker, one snapshot. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { errorMessage } from '../../core/base/errorMessage';
import { analyzeHeap } from '../../core/heap/analyzeHeap';
import type { AnalysisPhase, HeapAnalysis } from '../../core/heap/heapAnalysis';
import { AnalysisCancelled } from '../../core/heap/progress';
import type { AnalysisProgress, Progress } from '../../core/heap/progress';
import { SnapshotError } from '../../core/heap/snapshotError';
import { SnapshotReader } from '../../core/heap/snapshotReader';
import type { SnapshotCounts } from '../../core/heap/snapshotReader';
import { checkMemory, memoryForBytes, memoryForCounts } from './memory';
import { HeapAnalysisError } from './messages';
import type { AnalyzedSnapshot, FromHeapWorker, HeapWorkerData, HeapWorkerFailure, ToHeapWorker } from './messages';

/** Bytes of a file that are read at a time. */
const READ_BYTES = 1024 * 1024;
/** Progress is told at most this often, milliseconds: nobody reads faster. */
const PROGRESS_INTERVAL_MS = 50;

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const { file, cancelled, timerNow } = workerData as HeapWorkerData;
  const progress = progressTo(port, new Int32Array(cancelled));
  if (file === null) analyzePieces(port, progress, timerNow);
  else {
    answer(port, () => analyzeFile(file, progress));
  }
}

function analyzeFile(file: string, progress: AnalysisProgress): AnalyzedSnapshot {
  const began = performance.now();
  const reading = progress.begin('reading');
  const descriptor = reachable(file, () => openSync(file, 'r'));
  let size: number;
  let reader: SnapshotReader;
  try {
    const stat = reachable(file, () => fstatSync(descriptor));
    if (!stat.isFile()) throw new HeapAnalysisError('cannot read', `${file} is no file.`);
    size = stat.size;
    checkMemory(memoryForBytes(size));
    reader = new SnapshotReader({ size, announced: checkCounts });
    const buffer = new Uint8Array(READ_BYTES);
    let done = 0;
    while (done < size) {
      const count = reachable(file, () => readSync(descriptor, buffer, 0, READ_BYTES, done));
      if (count === 0) break;
      reader.push(buffer.subarray(0, count));
      done += count;
      reading.report(done / size);
    }
  } finally {
    closeSync(descriptor);
  }
  return { analysis: analyzeHeap(reader.finish(), progress), bytes: size, ms: performance.now() - began };
}

function analyzePieces(port: MessagePort, progress: AnalysisProgress, timerNow: number | null): void {
  const reading = progress.begin('reading');
  const reader = new SnapshotReader({ announced: checkCounts });
  let bytes = 0;
  const take = (message: ToHeapWorker): void => {
    if (message.type === 'end') {
      port.off('message', take);
      answer(port, () => {
        const began = performance.now();
        return { analysis: analyzeHeap(reader.finish(), progress, { timerNow }), bytes, ms: performance.now() - began };
      });
      return;
    }
    try {
      reader.push(message.bytes);
      reading.report(reader.share);
      bytes += message.bytes.length;
      const buffer = message.bytes.buffer;
      send(port, { type: 'taken', buffer }, [buffer]);
    } catch (error) {
      port.off('message', take);
      send(port, { type: 'failed', failure: failureOf(error) });
    }
  };
  port.on('message', take);
}

function checkCounts({ nodes, edges }: SnapshotCounts): void {
  checkMemory(memoryForCounts(nodes, edges));
}

/** Runs to the end and sends what came of it. */
function answer(port: MessagePort, analyze: () => AnalyzedSnapshot): void {
  try {
    const done = analyze();
    send(port, { type: 'done', ...done }, buffersOf(done.analysis));
  } catch (error) {
    send(port, { type: 'failed', failure: failureOf(error) });
  }
  port.close();
}

function progressTo(port: MessagePort, cancelled: Int32Array): AnalysisProgress {
  let told = -Infinity;
  const throwIfCancelled = (): void => {
    if (Atomics.load(cancelled, 0) !== 0) throw new AnalysisCancelled();
  };
  const tell = (phase: AnalysisPhase, share: number): void => {
    told = performance.now();
    send(port, { type: 'progress', phase, share });
  };
  return {
    begin: (phase): Progress => {
      throwIfCancelled();
      tell(phase, 0);
      return {
        throwIfCancelled,
        report: (share) => {
          throwIfCancelled();
          if (performance.now() - told >= PROGRESS_INTERVAL_MS) tell(phase, share);
        },
      };
    },
  };
}

/** What is handed over instead of copied. */
function buffersOf({ groups }: HeapAnalysis): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { members, awaited } of groups) {
    for (const { buffer } of [members, awaited]) if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}

function failureOf(error: unknown): HeapWorkerFailure {
  if (error instanceof AnalysisCancelled) return { kind: 'cancelled' };
  if (error instanceof SnapshotError) return { kind: 'snapshot', reason: error.reason, message: error.message };
  if (error instanceof HeapAnalysisError) return { kind: 'analysis', reason: error.reason, message: error.message };
  // what V8 throws when there is no memory for an array, or when it would be longer than arrays can be
  if (error instanceof RangeError && /allocation failed|Invalid typed array length|Array buffer/i.test(error.message)) {
    return { kind: 'analysis', reason: 'not enough memory', message: `There is not enough memory to analyse this heap snapshot (${error.message}).` };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { kind: 'analysis', reason: 'failed', message: `The heap snapshot could not be analysed: ${stack ?? errorMessage(error)}` };
}

function reachable<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new HeapAnalysisError('cannot read', `${file} cannot be read: ${errorMessage(cause)}.`, { cause });
  }
}

function send(port: MessagePort, message: FromHeapWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
