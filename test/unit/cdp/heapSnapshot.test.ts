/** How long a target stood still for its snapshot, and the order of snapshots. */
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/cdp/connection';
import { createSnapshotTaker } from '../../../src/cdp/heapSnapshot';
import { TargetError } from '../../../src/cdp/target';

interface Sent {
  readonly method: string;
  readonly params: object;
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** A target that answers when the test says so, in the order in which the test says it. */
function fake() {
  const sent: Sent[] = [];
  const listeners = new Map<string, Set<(params: Record<string, unknown>) => void>>();
  const connection: Connection = {
    send: (method, params = {}) =>
      new Promise((resolve, reject) => {
        sent.push({ method, params, resolve, reject });
      }),
    on(event, listener) {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(listener));
      return () => all.delete(listener);
    },
    setReading: () => undefined,
    close: () => Promise.resolve(),
    closed: new Promise(() => undefined),
  };
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    connection,
    sent,
    turn,
    emit: (event: string, params: Record<string, unknown>): void => listeners.get(`HeapProfiler.${event}`)?.forEach((listener) => listener(params)),
    /** Answers the oldest request of its method that waits. */
    async answer(method: string, result: Record<string, unknown> = {}): Promise<void> {
      sent.splice(sent.findIndex((each) => each.method === method), 1)[0]?.resolve(result);
      await turn();
    },
  };
}

const clock = (value: unknown) => ({ result: { value } });

describe('the pause', () => {
  test('is that of the command itself, where V8 obeys at once', async () => {
    const target = fake();
    const taken = createSnapshotTaker(target.connection)({ write: () => undefined });
    await target.turn();
    expect(target.sent.map(({ method }) => method)).toEqual(['Runtime.evaluate', 'HeapProfiler.takeHeapSnapshot', 'Runtime.evaluate']);
    await target.answer('Runtime.evaluate', clock(1_000));
    target.emit('addHeapSnapshotChunk', { chunk: 'x' });
    await target.turn();
    await target.answer('HeapProfiler.takeHeapSnapshot');
    await target.answer('Runtime.evaluate', clock(1_000.002));
    await target.answer('Runtime.evaluate', clock(1_000.003));
    expect((await taken).pauseMs).toBeCloseTo(0.003, 6);
  });

  test('begins with the task, where V8 makes one of it', async () => {
    const target = fake();
    const taken = createSnapshotTaker(target.connection)({ write: () => undefined });
    await target.turn();
    await target.answer('Runtime.evaluate', clock(1_000));
    await target.answer('Runtime.evaluate', clock(1_000.001));
    target.emit('reportHeapSnapshotProgress', { done: 1, total: 2 });
    await target.turn();
    await target.answer('HeapProfiler.takeHeapSnapshot');
    await target.answer('Runtime.evaluate', clock(1_000.003));
    expect((await taken).pauseMs).toBeCloseTo(0.002, 6);
  });

  test.each([[clock('now')], [clock(-5)], [{}]])('is by our clock where the target has none: %j', async (answer) => {
    const target = fake();
    const taken = createSnapshotTaker(target.connection)({ write: () => undefined });
    await target.turn();
    await target.answer('Runtime.evaluate', clock(1_000));
    target.emit('addHeapSnapshotChunk', { chunk: 'x' });
    await target.turn();
    await target.answer('HeapProfiler.takeHeapSnapshot');
    await target.answer('Runtime.evaluate', answer);
    await target.answer('Runtime.evaluate', answer);
    const { pauseMs } = await taken;
    expect(pauseMs).toBeGreaterThanOrEqual(0);
    expect(pauseMs).toBeLessThan(10_000);
  });
});

test('the next snapshot waits until nothing comes of a cancelled one', async () => {
  const target = fake();
  const take = createSnapshotTaker(target.connection);
  const cancel = new AbortController();
  const first = take({ write: () => undefined, signal: cancel.signal });
  await target.turn();
  cancel.abort();
  await expect(first).rejects.toMatchObject({ reason: 'cancelled' });
  const written: string[] = [];
  const second = take({ write: (chunk) => void written.push(chunk) });
  await target.turn();
  expect(target.sent.filter(({ method }) => method === 'HeapProfiler.takeHeapSnapshot')).toHaveLength(1);
  target.emit('addHeapSnapshotChunk', { chunk: 'of the first' });
  await target.answer('HeapProfiler.takeHeapSnapshot');
  expect(target.sent.filter(({ method }) => method === 'HeapProfiler.takeHeapSnapshot')).toHaveLength(1);
  target.emit('addHeapSnapshotChunk', { chunk: 'of the second' });
  await target.answer('HeapProfiler.takeHeapSnapshot');
  for (let i = 0; i < 6; i++) await target.answer('Runtime.evaluate', clock(1));
  await second;
  expect(written).toEqual(['of the second']);
});

test('what cannot be written, and what the target refuses, fails the snapshot', async () => {
  const target = fake();
  const full = createSnapshotTaker(target.connection)({ write: () => Promise.reject(new Error('disk full')) });
  await target.turn();
  target.emit('addHeapSnapshotChunk', { chunk: 'x' });
  await target.answer('HeapProfiler.takeHeapSnapshot');
  await expect(full).rejects.toThrow('disk full');

  const other = fake();
  const refused = createSnapshotTaker(other.connection)({ write: () => undefined });
  await other.turn();
  other.sent.find(({ method }) => method === 'HeapProfiler.takeHeapSnapshot')?.reject(new TargetError('closed', 'gone'));
  await expect(refused).rejects.toMatchObject({ reason: 'closed' });
});
