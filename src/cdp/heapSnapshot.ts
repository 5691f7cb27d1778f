/** Takes heap snapshots over a connection, as a stream, and measures how long the target stood still for them. */
import * as v from 'valibot';
import type { Connection } from './connection';
import { evaluateUnseen } from './evaluate';
import { TargetError } from './target';
import type { HeapSnapshotOptions, HeapSnapshotTaken } from './target';

/** What a heap snapshot may have read but not yet written, in UTF-16 units. Beyond it the rest waits in the target. */
export const QUEUED_CHUNKS_LIMIT = 8 * 1024 * 1024;

/** The same text each time: V8 compiles it once. */
const CLOCK = 'performance.now()\n//# sourceURL=node:internal/asyncscope/clock';
const clockAnswer = v.object({ result: v.object({ value: v.pipe(v.number(), v.finite()) }) });

const usage = v.object({ usedSize: v.pipe(v.number(), v.minValue(0)) });

/**
 * Bytes of V8's heap that are in use.
 * @throws {TargetError}
 */
export async function heapUsed(connection: Connection): Promise<number> {
  const answer = v.safeParse(usage, await connection.send('Runtime.getHeapUsage'));
  return answer.success ? answer.output.usedSize : 0;
}

/**
 * Takes the snapshots of one connection, one after the other: chunks do not say whose they are, and a snapshot that was cancelled
 * goes on in the target.
 * @returns a function that rejects with a {@link TargetError}: `cancelled`, `closed` or `agent failed`
 */
export function createSnapshotTaker(connection: Connection): (options: HeapSnapshotOptions) => Promise<HeapSnapshotTaken> {
  let free: Promise<unknown> = Promise.resolve();
  return async (options) => {
    const before = free;
    let release!: () => void;
    free = new Promise<void>((resolve) => {
      release = resolve;
    });
    await before;
    if (options.signal?.aborted === true) {
      release();
      throw cancelled();
    }
    return take(connection, options, release);
  };
}

/** @param over called once nothing more comes of this snapshot, which may be after this has rejected */
async function take(connection: Connection, options: HeapSnapshotOptions, over: () => void): Promise<HeapSnapshotTaken> {
  const { signal } = options;
  let writing: Promise<void> = Promise.resolve();
  let failure: unknown;
  let queued = 0;
  const pause = measurePause(connection);
  const stopChunks = connection.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
    if (typeof chunk !== 'string') return;
    pause.running();
    queued += chunk.length;
    if (queued > QUEUED_CHUNKS_LIMIT) connection.setReading(false);
    writing = writing.then(async () => {
      try {
        if (failure === undefined && signal?.aborted !== true) await options.write(chunk);
      } catch (error) {
        failure = error;
      } finally {
        queued -= chunk.length;
        if (queued <= QUEUED_CHUNKS_LIMIT / 2) connection.setReading(true);
      }
    });
  });
  const stopProgress = connection.on('HeapProfiler.reportHeapSnapshotProgress', ({ done, total }) => {
    pause.running();
    if (typeof done === 'number' && typeof total === 'number' && total > 0) options.progress?.(done / total);
  });
  const listening = new AbortController();
  try {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(cancelled()), { once: true, signal: listening.signal });
    });
    // V8 cannot be stopped in the middle of a snapshot; on cancel the rest is thrown away as it arrives
    const sent = connection.send('HeapProfiler.takeHeapSnapshot', { reportProgress: true, captureNumericValue: true }, 0);
    pause.sent();
    sent.then(over, over);
    await Promise.race([sent, aborted]);
    pause.running();
    await writing;
    if (failure !== undefined) throw failure as Error;
    options.progress?.(1);
    return { pauseMs: await pause.ms() };
  } finally {
    listening.abort();
    stopChunks();
    stopProgress();
    connection.setReading(true);
  }
}

/**
 * The target's own clock, just before the snapshot and just after it: what is read at our end may be late by all that is on its way.
 * V8 takes the snapshot at once (Node 20, or while paused) or as the next task (v8: V8HeapProfilerAgentImpl::takeHeapSnapshot): the
 * clock is asked on both sides of the command, and of the first answer what came before any sign of the snapshot is the nearer one.
 * What is asked while the snapshot runs is answered as soon as it is over.
 */
function measurePause(connection: Connection): { sent(): void; running(): void; ms(): Promise<number> } {
  const ask = (): Promise<number | undefined> =>
    evaluateUnseen(connection, { expression: CLOCK, returnByValue: true, includeCommandLineAPI: false }, 0).then(
      (answer) => {
        const checked = v.safeParse(clockAnswer, answer);
        return checked.success ? checked.output.result.value : undefined;
      },
      () => undefined,
    );
  const ours = performance.now();
  const first = ask();
  let isRunning = false;
  let start: Promise<number | undefined> = first;
  let end: Promise<number | undefined> | undefined;
  return {
    sent() {
      const second = ask();
      start = second.then((value) => (isRunning ? first : (value ?? first)));
    },
    running() {
      if (isRunning) return;
      isRunning = true;
      end = ask();
    },
    async ms() {
      const [from, to] = [await start, await end];
      const longest = performance.now() - ours;
      // the program may have replaced the clock
      const span = from === undefined || to === undefined ? longest : to - from;
      return span >= 0 && span <= longest ? span : longest;
    },
  };
}

function cancelled(): TargetError {
  return new TargetError('cancelled', 'The heap snapshot was cancelled.');
}
