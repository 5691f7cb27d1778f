/** Dumps that are kept, and what is looked up in their processes. */
import { describe, expect, test } from 'vitest';
import { TargetError } from '../../../../src/cdp/target';
import type { HeapTarget } from '../../../../src/cdp/target';
import { DUMP_LIMIT, DumpStore } from '../../../../src/server/dump/dumpStore';
import type { NewDump } from '../../../../src/server/dump/dumpStore';
import { HeapTurns } from '../../../../src/server/dump/heapTurns';
import { createDumpProgress } from '../../../../src/server/dump/phases';
import { variableOf } from '../../../../src/server/dump/variableText';
import { ManualClock } from '../../host/manualClock';
import { sampleDump } from '../../../support/sampleDump';
import { FakeTarget } from '../fakeTarget';
import { FakeFrames, SCRIPT } from './rawDump';

function dump(frames: FakeFrames | undefined, sessionId = 'a', isAlive = () => true): NewDump {
  const target: HeapTarget = Object.assign(new FakeTarget(), frames && { frames });
  return {
    taken: {
      dump: { formatVersion: 1, target: { pid: 1, node: null, url: null, title: '', cwd: null, file: null }, at: '', pauseMs: 0, analysisMs: 0, partial: false, notes: [], totals: { suspended: 0, pendingPromises: 0, timers: 0, handles: 0, requests: 0 }, groups: [], resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] } },
      kept: new Map([['g', { id: 'g', frames: 2, members: Uint32Array.of(1, 0, 3, 4), awaited: Uint32Array.of(90, 91) }]]),
      place: ({ line, column }) => ({ file: '/app/a.ts', line: line + 1, column: column + 1 }),
    },
    ...(frames && { process: { sessionId, look: (work) => (isAlive() ? work(target) : Promise.reject(new TargetError('closed', 'gone'))) } }),
    startedAt: 0,
  };
}

function at(dumpId: string, task: number, frame: number) {
  return { dumpId, groupId: 'g', task, frame };
}

describe('one task', () => {
  test('is located where it stands, as long as it waits', async () => {
    const frames = new FakeFrames();
    frames.lines.set(4, 7);
    const store = new DumpStore(new HeapTurns(new ManualClock()));
    const { id } = await store.add(dump(frames));
    expect(await store.locate(at(id, 1, 1))).toEqual({ awaiting: { file: '/app/a.ts', line: 8, column: 3 } });
    frames.settled.add(91);
    expect(await store.locate(at(id, 1, 1))).toMatchObject({ unavailable: 'resumed' });
    expect(await store.locate(at(id, 0, 0))).toMatchObject({ unavailable: 'resumed' });
  });

  test('that cannot be looked up says why', async () => {
    const store = new DumpStore(new HeapTurns(new ManualClock()));
    let alive = true;
    const { id } = await store.add(dump(new FakeFrames(), 'a', () => alive));
    expect(await store.locate(at(id, 0, 1))).toMatchObject({ unavailable: 'not kept' });
    expect(await store.locate(at(id, 0, 2))).toMatchObject({ unavailable: 'not kept' });
    expect(await store.locate(at(id, 9, 0))).toMatchObject({ unavailable: 'not kept' });
    expect(await store.locate(at('dump-9', 0, 0))).toMatchObject({ unavailable: 'gone' });
    alive = false;
    expect(await store.locate(at(id, 0, 0))).toMatchObject({ unavailable: 'ended' });
    const file = await store.add(dump(undefined));
    expect(await store.locate(at(file.id, 0, 0))).toMatchObject({ unavailable: 'file' });
  });
});

test('values are let go of at the next look-up, when the dump is cleared, and before the next dump', async () => {
  const frames = new FakeFrames();
  frames.scope = { frame: { at: { scriptId: SCRIPT, line: 1, column: 1 }, source: null }, scopes: [{ name: 'Local (f)', variables: [{ name: 'x', value: { type: 'object', objectId: 'remote-1' }, accessor: false }] }] };
  const store = new DumpStore(new HeapTurns(new ManualClock()));
  const { id } = await store.add(dump(frames));
  expect(await store.variables(at(id, 0, 0))).toEqual({ scopes: [{ name: 'Local (f)', variables: [{ name: 'x', value: 'Object', type: 'object', reference: 'remote-1' }] }] });
  expect(frames.released).toEqual([]);
  expect(await store.variable({ dumpId: id, reference: 'remote-1' })).toMatchObject({ variables: [{ name: 'inner', value: '1' }] });
  expect(await store.variable({ dumpId: id, reference: 'remote-2' })).toMatchObject({ unavailable: 'not kept' });
  await store.variables(at(id, 0, 0));
  expect(frames.released).toEqual(['asyncscope-dump-1']);
  await store.release('a');
  expect(frames.released).toHaveLength(2);
  expect(await store.variable({ dumpId: id, reference: 'remote-1' })).toMatchObject({ unavailable: 'not kept' });
  await store.variables(at(id, 0, 0));
  await store.clear(id);
  expect(frames.released).toHaveLength(3);
  expect(store.all()).toEqual([]);
});

test('values that come when their dump was cleared meanwhile are let go of', async () => {
  const frames = new FakeFrames();
  frames.scope = { frame: { at: { scriptId: SCRIPT, line: 1, column: 1 }, source: null }, scopes: [] };
  const store = new DumpStore(new HeapTurns(new ManualClock()));
  const { id } = await store.add(dump(frames));
  const looking = store.variables(at(id, 0, 0));
  await store.clear(id);
  expect(frames.released).toEqual([]);
  expect(await looking).toMatchObject({ unavailable: 'gone' });
  expect(frames.released).toEqual([`asyncscope-${id}`]);
});

test('members that come when their dump was cleared meanwhile are let go of', async () => {
  const frames = new FakeFrames();
  frames.scope = { frame: { at: { scriptId: SCRIPT, line: 1, column: 1 }, source: null }, scopes: [{ name: 'Local (f)', variables: [{ name: 'x', value: { type: 'object', objectId: 'remote-1' }, accessor: false }] }] };
  const store = new DumpStore(new HeapTurns(new ManualClock()));
  const { id } = await store.add(dump(frames));
  await store.variables(at(id, 0, 0));
  const looking = store.variable({ dumpId: id, reference: 'remote-1' });
  await store.clear(id);
  expect(await looking).toMatchObject({ unavailable: 'gone' });
  expect(frames.released).toEqual([`asyncscope-${id}`, `asyncscope-${id}`]);
});

test('a session has one dump, and only so many are kept', async () => {
  const store = new DumpStore(new HeapTurns(new ManualClock()));
  await store.add(dump(new FakeFrames(), 'a'));
  const second = await store.add(dump(new FakeFrames(), 'a'));
  expect(store.all().map(({ id }) => id)).toEqual([second.id]);
  for (let i = 0; i < DUMP_LIMIT; i++) await store.add(dump(undefined));
  expect(store.all()).toHaveLength(DUMP_LIMIT);
  expect(store.get(second.id)).toBeUndefined();
});

test('progress only goes forward', () => {
  const told: string[] = [];
  const progress = createDumpProgress((percent, text) => told.push(`${percent} ${text}`));
  progress('snapshot', 0);
  progress('snapshot', 0.5);
  progress('reading', 0.1);
  progress('snapshot', 0.9);
  progress('reading', 0.1);
  progress('sources', 1);
  expect(told).toEqual(['0 The process stands still', '25 The process stands still', '51 Reading', '100 Source maps']);
});

describe('a value', () => {
  const preview = (more: object) => ({ overflow: false, properties: [], entries: [], ...more });
  test.each([
    [{ type: 'number', value: 42 }, '42'],
    [{ type: 'number', unserializableValue: '-0', description: '-0' }, '-0'],
    [{ type: 'bigint', unserializableValue: '10n' }, '10n'],
    [{ type: 'boolean', value: true }, 'true'],
    [{ type: 'undefined' }, 'undefined'],
    [{ type: 'object', subtype: 'null', value: null }, 'null'],
    [{ type: 'string', value: "it's\n" }, "'it\\'s\\n'"],
    [{ type: 'symbol', description: 'Symbol(a)' }, 'Symbol(a)'],
    [{ type: 'function', description: 'async function load(id) {\n  await 1;\n}' }, 'ƒ async load(id)'],
    [{ type: 'function', description: '(a, b) => a + b' }, 'ƒ (a, b)'],
    [{ type: 'function', description: 'class Order extends Base {\n}' }, 'class Order extends Base'],
    [{ type: 'object', subtype: 'error', description: 'Error: no\n    at f' }, 'Error: no'],
    [{ type: 'object', description: 'Object', preview: preview({ overflow: true, properties: [{ name: 'id', type: 'number', value: '1' }, { name: 'o', type: 'object', value: 'Object' }] }) }, '{id: 1, o: {…}, …}'],
    [{ type: 'object', className: 'Order', description: 'Order', preview: preview({ properties: [{ name: 'f', type: 'function', value: '' }, { name: 'g', type: 'accessor' }] }) }, 'Order {f: ƒ, g: (…)}'],
    [{ type: 'object', subtype: 'array', description: 'Array(2)', preview: preview({ properties: [{ name: '0', type: 'string', value: 'a' }, { name: '1', type: 'number', value: '2' }] }) }, "Array(2) ['a', 2]"],
    [{ type: 'object', subtype: 'map', description: 'Map(1)', preview: preview({ entries: [{ key: { type: 'string', description: 'k' }, value: { type: 'object', description: 'Object' } }] }) }, "Map(1) {'k' => {…}}"],
  ])('%j reads %s', (value, expected) => {
    expect(variableOf({ name: 'x', value, accessor: false }).value).toBe(expected);
  });

  test('of a getter is not asked for', () => {
    expect(variableOf({ name: 'x', value: null, accessor: true })).toEqual({ name: 'x', value: '(…)', type: 'accessor', reference: null });
  });

  test('that is long is cut', () => {
    expect(variableOf({ name: 'x'.repeat(1_000), value: { type: 'string', value: 'y'.repeat(10_000) }, accessor: false })).toMatchObject({ name: expect.stringMatching(/^x{199}…$/) as string, value: expect.stringMatching(/^'y{498}…$/) as string });
  });
});

describe('lines tell of', () => {
  const watched = (...ids: string[]) => (sessionId: string) => ids.includes(sessionId);

  test('the dumps of all processes that are watched', async () => {
    const store = new DumpStore(new HeapTurns(new ManualClock()));
    const a = await store.add(dump(new FakeFrames(), 'a'));
    const b = await store.add(dump(new FakeFrames(), 'b'));
    expect(store.onLines(watched('a', 'b'))).toEqual([a, b]);
  });

  test('no dump of an earlier run beside that of the next', async () => {
    const store = new DumpStore(new HeapTurns(new ManualClock()));
    const first = await store.add(dump(new FakeFrames(), 'a'));
    expect(store.onLines(watched())).toEqual([first]);
    const second = await store.add(dump(new FakeFrames(), 'b'));
    expect(store.onLines(watched('b'))).toEqual([second]);
    expect(store.onLines(watched())).toEqual([second]);
  });

  test('a file alone, when it was the last', async () => {
    const store = new DumpStore(new HeapTurns(new ManualClock()));
    const process = await store.add(dump(new FakeFrames(), 'a'));
    const file = await store.add(dump(undefined));
    expect(store.onLines(watched('a'))).toEqual([file]);
    await store.clear(file.id);
    expect(store.onLines(watched('a'))).toEqual([process]);
  });
});

test('a dump tells of the files of its process, and of no other', async () => {
  const store = new DumpStore(new HeapTurns(new ManualClock()));
  const taken = dump(new FakeFrames(), 'a');
  Object.assign(taken.taken.dump, { groups: sampleDump('/srv').groups });
  await store.add(taken);
  expect(store.tellOf('a', '/srv/src/orders.ts')).toBe(true);
  expect(store.tellOf('b', '/srv/src/orders.ts')).toBe(false);
  expect(store.tellOf('a', '/etc/passwd')).toBe(false);
});
