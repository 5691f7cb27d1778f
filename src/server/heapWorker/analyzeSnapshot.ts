/** Analyses heap snapshots in a worker thread: the server, or the terminal, goes on meanwhile. */
import { Worker } from 'node:worker_threads';
import { builtFile } from '../../cdp/builtFile';
import { assertNever } from '../../core/base/assertNever';
import { errorMessage } from '../../core/base/errorMessage';
import type { AnalysisPhase } from '../../core/heap/heapAnalysis';
import { AnalysisCancelled } from '../../core/heap/progress';
import { SnapshotError } from '../../core/heap/snapshotError';
import { compileSparingly } from './compiler';
import { availableMemory } from './memory';
import { HeapAnalysisError } from './messages';
import type { AnalyzedSnapshot, FromHeapWorker, HeapWorkerData, HeapWorkerFailure, ToHeapWorker } from './messages';

/** Text is handed over in pieces of this size, bytes. */
const PIECE_BYTES = 1024 * 1024;
/** Pieces that were handed over and not read yet. Beyond that `write` waits, so that the source stops sending. */
const PIECES_IN_FLIGHT = 8;
/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;
/** A worker that was told to stop and has not ended by then is stopped from outside. Milliseconds. */
const CANCEL_GRACE_MS = 500;
/** Share of the free memory that the worker's own heap may take; arrays are not on it. Beyond, the analysis fails. */
const HEAP_SHARE = 0.5;
/** The worker's heap may always grow to the first, and never beyond the second. Megabytes. */
const LEAST_HEAP_MB = 256;
const MOST_HEAP_MB = 4096;
/**
 * For its young objects, megabytes. V8 would let them have 48, for the sake of programs that make much more than an analysis does: that takes
 * as long with 6, and 15 to 25 MB less memory (Node 24, snapshots of 43 to 156 MB).
 */
const YOUNG_HEAP_MB = 6;

/** Where a snapshot comes from: a file, or something that writes it piece by piece and resolves at its end. */
export type SnapshotSource =
  | { readonly file: string }
  /** `write` is called in order, one call at a time, each awaited. When it rejects, writing has to end. */
  | { readonly take: (write: (chunk: string) => void | Promise<void>) => Promise<void> };

export interface AnalyzeSnapshotOptions {
  readonly signal?: AbortSignal;
  /** Share of the phase, 0 to 1. */
  readonly progress?: (phase: AnalysisPhase, share: number) => void;
  /** What Node's timers took for now when the snapshot was taken, milliseconds; null, or left out, where nobody has asked. */
  readonly timerNow?: number | null;
  /** The bundle of the worker; what is built beside this one if left out. */
  readonly script?: string;
  /** The worker's own heap, megabytes; a share of what is free if left out. */
  readonly heapLimitMb?: number;
}

/**
 * @throws {SnapshotError} when it is no whole, sound heap snapshot
 * @throws {HeapAnalysisError} when the file cannot be read, memory does not suffice, or the worker fails
 * @throws {AnalysisCancelled} once `signal` is aborted
 * @throws whatever `take` rejects with
 */
export async function analyzeSnapshot(source: SnapshotSource, options: AnalyzeSnapshotOptions = {}): Promise<AnalyzedSnapshot> {
  const { signal } = options;
  if (signal?.aborted === true) throw new AnalysisCancelled();
  const worker = new HeapWorker('file' in source ? source.file : null, options);
  const cancel = (): void => {
    worker.fail(new AnalysisCancelled());
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    if ('take' in source) {
      // an analysis that has failed ends this at once, also while the source writes nothing
      await Promise.race([source.take((chunk) => worker.write(chunk)), worker.result.then(() => undefined)]);
      worker.end();
    }
    return await worker.result;
  } finally {
    signal?.removeEventListener('abort', cancel);
    await worker.close();
  }
}

class HeapWorker {
  readonly result: Promise<AnalyzedSnapshot>;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #encoder = new TextEncoder();
  #resolve!: (result: AnalyzedSnapshot) => void;
  #reject!: (error: unknown) => void;
  #settled = false;
  #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;
  #inFlight = 0;
  readonly #free: ArrayBuffer[] = [];
  #onTaken: (() => void) | undefined;

  constructor(file: string | null, options: AnalyzeSnapshotOptions) {
    const { progress, timerNow = null, script = builtFile('heapWorker.js'), heapLimitMb = heapLimit() } = options;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // whoever waits for it hears of it; nobody may wait yet
    this.result.catch(ignore);
    const workerData: HeapWorkerData = { file, cancelled: this.#cancelled.buffer, timerNow };
    compileSparingly();
    this.#worker = new Worker(script, {
      workerData,
      name: 'asyncscope heap',
      // what the worker prints is nobody's; the parent's options (`--inspect`, preloads) are not meant for it
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: heapLimitMb, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
    });
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.#worker.on('message', (message: FromHeapWorker) => {
      this.#receive(message, progress);
    });
    this.#worker.on('error', (error) => {
      this.fail(workerError(error));
    });
    this.#worker.on('messageerror', (error) => {
      this.fail(workerError(error));
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.fail(new HeapAnalysisError('failed', `The thread that analyses the heap snapshot ended before its time (code ${code}).`));
        resolve();
      });
    });
  }

  /**
   * Hands text over; resolves once there is room for more, rejects when the analysis has failed. As bytes, because `encodeInto`
   * takes 0.05 ms a megabyte, and reading the text unit by unit 0.8 to 1.2 ms (Node 20 and 24).
   */
  async write(chunk: string): Promise<void> {
    let rest = chunk;
    while (rest !== '') {
      if (this.#settled) await this.result;
      const { read, written } = this.#encoder.encodeInto(rest, this.#piece.subarray(this.#used));
      this.#used += written;
      rest = read === rest.length ? '' : rest.slice(read);
      if (this.#piece.length - this.#used < BYTES_PER_UNIT || rest !== '') await this.#handOver();
    }
  }

  end(): void {
    if (this.#settled) return;
    if (this.#used > 0) this.#post(this.#piece.subarray(0, this.#used));
    this.#used = 0;
    this.#worker.postMessage({ type: 'end' } satisfies ToHeapWorker);
  }

  /** The first failure, or the result, counts. */
  fail(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#reject(error);
    this.#onTaken?.();
  }

  /** Resolves once the thread is gone. */
  async close(): Promise<void> {
    Atomics.store(this.#cancelled, 0, 1);
    const timer = setTimeout(() => {
      this.#worker.terminate().catch(ignore);
    }, CANCEL_GRACE_MS);
    // one that waits for pieces does not look at the flag
    this.#worker.postMessage({ type: 'end' } satisfies ToHeapWorker);
    await this.#ended;
    clearTimeout(timer);
  }

  async #handOver(): Promise<void> {
    this.#post(this.#piece.subarray(0, this.#used));
    const buffer = this.#free.pop();
    this.#piece = buffer === undefined ? new Uint8Array(PIECE_BYTES) : new Uint8Array(buffer);
    this.#used = 0;
    while (this.#inFlight >= PIECES_IN_FLIGHT && !this.#settled) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
    }
    if (this.#settled) await this.result;
  }

  #post(bytes: Uint8Array<ArrayBuffer>): void {
    this.#inFlight++;
    this.#worker.postMessage({ type: 'piece', bytes } satisfies ToHeapWorker, [bytes.buffer]);
  }

  #receive(message: FromHeapWorker, progress: AnalyzeSnapshotOptions['progress']): void {
    switch (message.type) {
      case 'progress':
        if (!this.#settled) progress?.(message.phase, message.share);
        return;
      case 'taken':
        this.#inFlight--;
        this.#free.push(message.buffer);
        this.#onTaken?.();
        return;
      case 'done': {
        const { analysis, bytes, ms } = message;
        if (this.#settled) return;
        this.#settled = true;
        this.#resolve({ analysis, bytes, ms });
        return;
      }
      case 'failed':
        this.fail(errorOf(message.failure));
        return;
      default:
        assertNever(message);
    }
  }
}

function errorOf(failure: HeapWorkerFailure): Error {
  switch (failure.kind) {
    case 'snapshot':
      return new SnapshotError(failure.reason, failure.message);
    case 'analysis':
      return new HeapAnalysisError(failure.reason, failure.message);
    case 'cancelled':
      return new AnalysisCancelled();
    default:
      return assertNever(failure);
  }
}

function workerError(error: unknown): HeapAnalysisError {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new HeapAnalysisError(
      'not enough memory',
      'Analysing this heap snapshot takes more memory than there is. Close other programs, or analyse the file on a larger machine.',
      { cause: error },
    );
  }
  return new HeapAnalysisError('failed', `The thread that analyses the heap snapshot failed: ${errorMessage(error)}`, { cause: error });
}

function heapLimit(): number {
  const megabytes = Math.floor((availableMemory() * HEAP_SHARE) / (1024 * 1024));
  return Math.min(Math.max(megabytes, LEAST_HEAP_MB), MOST_HEAP_MB);
}

function ignore(): void {
  return undefined;
}
