/** Snapshots and look-ups in one process: what a look-up holds is in no snapshot. */
import { describe, expect, test } from 'vitest';
import { HeapTurns, LOOK_UPS_LIMIT_MS } from '../../../../src/server/dump/heapTurns';
import { DumpStore } from '../../../../src/server/dump/dumpStore';
import { ManualClock } from '../../host/manualClock';
import { FakeTarget, settle } from '../fakeTarget';

/** Work that is over when the test says so. */
function work(log: string[], name: string) {
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  return {
    end,
    run: async () => {
      log.push(`${name} begins`);
      await over;
      log.push(`${name} ends`);
    },
  };
}

describe('a snapshot', () => {
  const clock = new ManualClock();

  test('begins when the look-ups under way are over and what they left is let go of, and others wait for it', async () => {
    const turns = new HeapTurns(clock);
    const log: string[] = [];
    const [first, snapshot, second, other] = [work(log, 'look-up'), work(log, 'snapshot'), work(log, 'second look-up'), work(log, 'other process')];
    const all = [
      turns.lookUp('a', first.run),
      turns.snapshot('a', () => Promise.resolve(void log.push('released')), snapshot.run),
      turns.lookUp('a', second.run),
      turns.lookUp('b', other.run),
    ];
    await settle();
    expect(log).toEqual(['look-up begins', 'other process begins']);
    first.end();
    await settle();
    expect(log.slice(2)).toEqual(['look-up ends', 'released', 'snapshot begins']);
    snapshot.end();
    await settle();
    expect(log.slice(5)).toEqual(['snapshot ends', 'second look-up begins']);
    for (const { end } of [second, other]) end();
    await Promise.all(all);
  });

  test('does not wait for ever', async () => {
    const turns = new HeapTurns(clock);
    const log: string[] = [];
    const [slow, snapshot] = [work(log, 'look-up'), work(log, 'snapshot')];
    const all = [turns.lookUp('a', slow.run), turns.snapshot('a', () => Promise.resolve(), snapshot.run)];
    clock.advance(LOOK_UPS_LIMIT_MS - 1);
    await settle();
    expect(log).toEqual(['look-up begins']);
    clock.advance(1);
    await settle();
    expect(log).toEqual(['look-up begins', 'snapshot begins']);
    for (const { end } of [slow, snapshot]) end();
    await Promise.all(all);
  });

  test('that fails, as a look-up that fails, holds nobody up', async () => {
    const turns = new HeapTurns(clock);
    const fails = (): Promise<never> => Promise.reject(new Error('gone'));
    const failing = [turns.lookUp('a', fails), turns.snapshot('a', () => Promise.resolve(), fails)];
    await expect(failing[0]).rejects.toThrow('gone');
    await expect(failing[1]).rejects.toThrow('gone');
    expect(await turns.lookUp('a', () => Promise.resolve(7))).toBe(7);
  });
});

test('variables whose look-up is under way are let go of before a dump of the same process takes its snapshot', async () => {
  const log: string[] = [];
  const turns = new HeapTurns(new ManualClock());
  const store = new DumpStore(turns);
  const target = new FakeTarget();
  const slow = work(log, 'scopes');
  target.frames = {
    ...target.frames,
    scopes: async () => {
      await slow.run();
      return { frame: { at: { scriptId: 1, line: 1, column: 1 }, source: null }, scopes: [] };
    },
    release: (group) => Promise.resolve(void log.push(`${group} released`)),
  };
  target.snapshot = () => Promise.resolve(void log.push('snapshot'));
  const { id } = await store.add({
    taken: {
      dump: { formatVersion: 1, target: { pid: 1, node: null, url: null, title: '', cwd: null, file: null }, at: '', pauseMs: 0, analysisMs: 0, partial: false, notes: [], totals: { suspended: 0, pendingPromises: 0, timers: 0, handles: 0, requests: 0 }, groups: [], resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] } },
      kept: new Map([['g', { id: 'g', frames: 1, members: Uint32Array.of(1), awaited: Uint32Array.of(90) }]]),
      place: () => null,
    },
    process: { sessionId: 'a', look: (look) => look(target) },
    startedAt: 0,
  });
  const looking = store.variables({ dumpId: id, groupId: 'g', task: 0, frame: 0 });
  const taking = turns.target('a', target, () => store.release('a')).takeHeapSnapshot({ write: () => undefined });
  await settle();
  slow.end();
  await Promise.all([looking, taking]);
  expect(log).toEqual(['scopes begins', 'scopes ends', `asyncscope-${id} released`, 'snapshot']);
});
