/** What the thread that asks for an analysis and the worker that does it say to each other. Both come out of one build. */
import type { AnalysisPhase, HeapAnalysis } from '../../core/heap/heapAnalysis';
import type { SnapshotFailureReason } from '../../core/heap/snapshotError';

export interface HeapWorkerData {
  /** Absolute path of the snapshot; null when it comes in pieces. */
  readonly file: string | null;
  /** An `Int32Array` of one: not 0 once the analysis is cancelled. Passes look at it while they run, when no message reaches them. */
  readonly cancelled: SharedArrayBuffer;
  /** What Node's timers took for now when the snapshot was taken, milliseconds; null where that is not known. */
  readonly timerNow: number | null;
}

export type ToHeapWorker =
  /** The next bytes, handed over. */
  | { readonly type: 'piece'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** There are no more. */
  | { readonly type: 'end' };

export type FromHeapWorker =
  | { readonly type: 'progress'; readonly phase: AnalysisPhase; readonly share: number }
  /** A piece was read; its buffer comes back to be filled again. */
  | { readonly type: 'taken'; readonly buffer: ArrayBuffer }
  | ({ readonly type: 'done' } & AnalyzedSnapshot)
  | { readonly type: 'failed'; readonly failure: HeapWorkerFailure };

export interface AnalyzedSnapshot {
  readonly analysis: HeapAnalysis;
  /** Size of the snapshot. */
  readonly bytes: number;
  /** From the last byte of a stream, or the first of a file, to the end of the analysis; milliseconds. */
  readonly ms: number;
}

/** Errors do not keep their class from thread to thread. */
export type HeapWorkerFailure =
  | { readonly kind: 'snapshot'; readonly reason: SnapshotFailureReason; readonly message: string }
  | { readonly kind: 'analysis'; readonly reason: HeapAnalysisFailureReason; readonly message: string }
  | { readonly kind: 'cancelled' };

export type HeapAnalysisFailureReason = 'cannot read' | 'not enough memory' | 'failed';

/** A snapshot could not be analysed, and not because of what is in it; `message` is for people. */
export class HeapAnalysisError extends Error {
  override readonly name = 'HeapAnalysisError';
  constructor(
    readonly reason: HeapAnalysisFailureReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
