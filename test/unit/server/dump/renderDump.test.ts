/** From an analysis and what was looked up to the dump: positions, texts, groups told apart, ids that stay. */
import { describe, expect, test } from 'vitest';
import { PEER_ADDRESS } from '../../../../src/core/heap/heapAnalysis';
import type { HeapAnalysis, RawGroup, RawText } from '../../../../src/core/heap/heapAnalysis';
import type { FoundPositions } from '../../../../src/server/dump/lookUp';
import { renderDump } from '../../../../src/server/dump/renderDump';
import type { RenderOptions } from '../../../../src/server/dump/renderDump';
import { NO_SCRIPT_TEXTS, declarationKey, variableKey } from '../../../../src/server/dump/scriptText';
import type { ScriptTexts } from '../../../../src/server/dump/scriptText';
import { NODE_SCRIPT, SCRIPT, analysis, frame, group } from './rawDump';

/** Generators stand at the lines that they are listed with. */
function found(lines: Readonly<Record<number, number>>, more: Partial<FoundPositions> = {}): FoundPositions {
  return {
    of: (id) => (lines[id] === undefined ? undefined : { scriptId: SCRIPT, line: lines[id], column: 4 }),
    isSingle: () => false,
    isWanted: () => true,
    lookups: 0,
    outOfBudget: false,
    brokenOff: false,
    ...more,
  };
}

interface Named {
  readonly texts?: Partial<ScriptTexts>;
  readonly peers?: ReadonlyMap<number, string>;
  readonly withoutLines?: (groups: number) => string;
  readonly positionsOf?: Partial<RenderOptions['positions']>;
}

function render(groups: readonly RawGroup[], positions = found({}), more: Parameters<typeof analysis>[1] = {}, notes: readonly string[] = [], { texts = {}, positionsOf = {}, withoutLines, peers = new Map() }: Named = {}) {
  return renderDump(analysis(groups, more), {
    target: { pid: 1, node: 'v24.0.0', url: '127.0.0.1:9229', title: 'app', cwd: '/app', file: null },
    at: '2026-01-02T03:04:05.000Z',
    pauseMs: 10,
    // one line of TypeScript for each of JavaScript, ten further down
    positions: { lookup: (script, line, column) => ({ file: script.replace('.js', '.ts'), line: line + 10, column }), nameAt: () => undefined, onlySource: (script) => script.replace('.js', '.ts'), ...positionsOf },
    texts: { ...NO_SCRIPT_TEXTS, ...texts },
    peers,
    withoutLines,
    origins: undefined,
    base: '/app',
    found: positions,
    notes,
  });
}

test('positions are 1-based, in original sources, and those of Node as Node names them', () => {
  const f = frame('f', 4);
  const wait: RawGroup['waitsFor'] = { kind: 'timer', text: ['timer, ', { at: { scriptId: SCRIPT, line: 0, column: 0 } }, ' in ', { file: { scriptId: SCRIPT, line: 0, column: 0 } }, ', ', { at: { scriptId: 99, line: 0, column: 0 } }], at: { scriptId: NODE_SCRIPT, line: 2, column: 3 }, details: { delayMs: 5 } };
  const [{ chain, waitsFor } = { chain: [], waitsFor: undefined }] = render([group([f, frame('then', 0, { kind: 'then', declared: null })], [[7, 0, 90]], { waitsFor: wait })], found({ 7: 6 })).dump.groups;
  expect(chain).toEqual([
    { function: 'f', kind: 'async function', origin: 'app', declared: { file: '/app/src/orders.ts', line: 15, column: 1 }, awaiting: { file: '/app/src/orders.ts', line: 17, column: 5 }, awaitingKnown: 1, repeats: 1, detail: null },
    { function: 'then', kind: 'then', origin: 'node', declared: null, awaiting: null, awaitingKnown: 1, repeats: 1, detail: null },
  ]);
  expect(waitsFor).toEqual({ kind: 'timer', text: 'timer, src/orders.ts:11 in src/orders.ts, (unknown line)', at: { file: 'node:internal/timers', line: 3, column: 4 }, details: { delayMs: 5 } });
});

test('handles have the addresses that were found', () => {
  const handle = (...sockets: number[]): HeapAnalysis['resources']['handles'][number] => ({ count: sockets.length, type: 'TCP', text: ['socket', PEER_ADDRESS], at: null, details: {}, sockets: Uint32Array.from(sockets) });
  const { resources } = analysis([]);
  const handles = [handle(1, 2), handle(1, 3), handle(3), { count: 1, type: 'Pipe', text: ['pipe'], at: null, details: {} }];
  const peers = new Map([1, 2].map((id) => [id, `10.0.0.${String(id)}:80`]));
  expect(render([], undefined, { resources: { ...resources, handles } }, [], { peers }).dump.resources.handles.map(({ text }) => text)).toEqual(['socket 10.0.0.1:80 or 10.0.0.2:80', 'socket such as 10.0.0.1:80', 'socket', 'pipe']);
});

test('timers say when they are due, which makes no other group of them', () => {
  const timer = (details: RawGroup['waitsFor']['details']): RawGroup => group([frame('f', 1)], [[1, 9]], { waitsFor: { kind: 'timer', text: ['timer: 5 min'], at: null, details: { timer: 'timeout', delayMs: 300_000, ...details } } });
  const [one, several, together, late, every] = [
    timer({ dueInMs: 240_000 }),
    timer({ dueInMs: -5, lastDueInMs: 299_000 }),
    timer({ dueInMs: 240_100, lastDueInMs: 240_900 }),
    timer({ dueInMs: -2_000, lastDueInMs: -1_000 }),
    timer({ timer: 'interval', dueInMs: 1_500 }),
  ].map((each) => render([each]).dump.groups[0]);
  expect([one, several, together, late, every].map((each) => each?.waitsFor.text)).toEqual([
    'timer: 5 min, due in 4 min',
    'timer: 5 min, due now, the last in 4 min 59 s',
    'timer: 5 min, due in 4 min',
    'timer: 5 min, overdue by 2 s (loop blocked)',
    'timer: 5 min, next in 1 s',
  ]);
  expect(new Set([one, several, together, late].map((each) => each?.id)).size).toBe(1);
});

test('sockets have the addresses that were found, which make no other group of them', () => {
  const waitsFor: RawGroup['waitsFor'] = { kind: 'socket', text: ['socket', PEER_ADDRESS, ': reading'], at: null, details: { class: 'Socket' } };
  const wait = (...sockets: number[]): RawGroup => group([frame('f', 1)], sockets.map((_, index) => [index + 1, 90 + index]), { waitsFor, sockets: Uint32Array.from(sockets) });
  const peers = new Map([
    [1, '10.0.0.7:5432'],
    [2, '10.0.0.7:5432'],
    [3, '10.0.0.8:5432'],
  ]);
  const groups = [wait(1, 2), wait(3, 1), { ...wait(1), count: 2 }, wait(1, 4), wait(4), group([frame('f', 1)], [[1, 9]], { waitsFor })].map((each) => render([each], undefined, {}, [], { peers }).dump.groups[0]);
  expect(groups.map((each) => each?.waitsFor.text)).toEqual([
    'socket 10.0.0.7:5432: reading',
    'socket 10.0.0.7:5432 or 10.0.0.8:5432: reading',
    'socket such as 10.0.0.7:5432: reading',
    'socket such as 10.0.0.7:5432: reading',
    'socket: reading',
    'socket: reading',
  ]);
  expect(groups.map((each) => each?.waitsFor.details['address'])).toEqual(['10.0.0.7:5432', undefined, undefined, undefined, undefined, undefined]);
  expect(new Set(groups.map((each) => each?.id)).size).toBe(1);
  // told apart by their lines, each has its own
  const parts = render([wait(1, 3)], found({ 1: 2, 2: 5 }), {}, [], { peers }).dump.groups;
  expect(parts.map((each) => each.waitsFor.text)).toEqual(['socket 10.0.0.7:5432: reading', 'socket 10.0.0.8:5432: reading']);
});

describe('a group', () => {
  const f = frame('f', 1);
  const three = group([f], [[1, 91], [2, 92], [3, 93]], { heldBy: [{ count: 3, path: ['all of them'] }, { count: 2, path: ['some'] }] });

  test('whose tasks stand on several lines is told apart once all are known', () => {
    const { dump, kept } = render([three], found({ 1: 2, 2: 5, 3: 2 }));
    expect(dump.groups.map(({ count, chain, heldBy }) => [count, chain[0]?.awaiting?.line, chain[0]?.awaitingKnown, heldBy])).toEqual([
      [2, 13, 2, [{ count: 2, path: 'all of them' }, { count: 2, path: 'some (at most)' }]],
      [1, 16, 1, [{ count: 1, path: 'all of them' }, { count: 1, path: 'some (at most)' }]],
    ]);
    expect(kept.map(({ members, awaited }) => [[...members], [...awaited]])).toEqual([
      [[1, 3], [91, 93]],
      [[2], [92]],
    ]);
    expect(new Set(dump.groups.map(({ id }) => id)).size).toBe(2);
    expect(dump.partial).toBe(false);
  });

  test('of which some were looked up says so, and where they disagree', () => {
    const one = render([three], found({ 2: 5 })).dump;
    expect(one.groups.map(({ count, chain }) => [count, chain[0]?.awaiting?.line, chain[0]?.awaitingKnown])).toEqual([[3, 16, 1]]);
    expect(one.notes).toEqual([]);
    const two = render([three], found({ 1: 2, 2: 5 })).dump;
    expect(two.groups.map(({ chain }) => chain[0]?.awaitingKnown)).toEqual([1]);
    expect(two.notes).toEqual([expect.stringContaining('several lines within one group')]);
  });

  test('of functions with one place to stand needs none looked up', () => {
    const { dump } = render([{ ...three, count: 500_000 }], found({ 1: 2 }, { isSingle: () => true }));
    expect(dump.groups.map(({ count, chain }) => [count, chain[0]?.awaitingKnown])).toEqual([[500_000, 500_000]]);
  });

  test('keeps its id when its figures change, and no two share one', () => {
    const waiting = (text: string, count = 1): RawGroup => group([f], [[1, 91]], { count, waitsFor: { kind: 'socket', text: [text], at: null, details: {} } });
    const ids = (groups: readonly RawGroup[]) => render(groups).dump.groups.map(({ id }) => id);
    expect(ids([waiting('socket 10.0.0.7:5432, 3 s')])).toEqual(ids([waiting('socket 10.0.0.7:5432, 9 s', 4)]));
    expect(ids([waiting('socket 10.0.0.7:5432')])).not.toEqual(ids([waiting('pipe')]));
    expect(new Set(ids([waiting('socket 10.0.0.7:5432'), waiting('socket 10.0.0.7:6379'), waiting('socket 10.0.0.7:6379')])).size).toBe(3);
  });
});

test('what is missing makes it partial, and lines that nobody knows do not', () => {
  expect(render([], found({}), { notes: ['cut'] }).dump).toMatchObject({ partial: true, notes: ['cut'] });
  expect(render([], found({}), {}, ['not looked up']).dump).toMatchObject({ partial: false, notes: ['not looked up'] });
  const unknown = [group([frame('f', 1), frame('g', 2)], [[1, 2, 9]]), group([frame('f', 1)], [[3, 9]]), group([frame('h', 1, { declared: { scriptId: NODE_SCRIPT, line: 1, column: 0 } })], [[4, 9]])];
  const withoutLines = (groups: number): string => `${groups} without`;
  expect(render(unknown, found({ 1: 4 }), {}, [], { withoutLines }).dump).toMatchObject({ partial: false, notes: ['2 without'] });
  expect(render(unknown, found({ 1: 4, 2: 5, 3: 6 }), {}, [], { withoutLines }).dump.notes).toEqual([]);
  expect(render(unknown).dump.notes).toEqual([]);
  expect(render([]).dump).toMatchObject({ partial: false, formatVersion: 1, at: '2026-01-02T03:04:05.000Z', pauseMs: 10 });
});

test('scripts without a name give no position', () => {
  const { dump } = render([group([frame('f', 1)], [[1, 0]])], found({ 1: 2 }), { scripts: new Map([[SCRIPT, '']]) });
  expect(dump.groups[0]?.chain[0]).toMatchObject({ origin: 'app', declared: null, awaiting: null });
});

describe('minified code', () => {
  const at = (line: number, column: number) => ({ scriptId: SCRIPT, line, column });
  // what begins at the first column of a line has a name in the source
  const positionsOf: Named['positionsOf'] = { nameAt: (_script, line, column) => (column === 1 ? `original${line}` : undefined), onlySource: () => undefined };

  test('has the names of its sources, where the map tells them', () => {
    const frames = [frame('a', 1), frame('b', 2), frame('c.d', 3), frame('other', 4), frame('e', 5)];
    const names = new Map(
      [
        { own: { name: 'a', at: at(1, 0) }, class: null },
        { own: { name: 'b', at: at(2, 7) }, class: null },
        { own: { name: 'd', at: at(3, 0) }, class: { name: 'c', at: at(8, 0) } },
        // the function was given another name while it ran
        { own: { name: 'f', at: at(4, 0) }, class: null },
      ].map((name, index) => [declarationKey(at(index + 1, 0)), name]),
    );
    const { dump } = render([group(frames, [[1, 2, 3, 4, 5, 9]])], undefined, {}, [], { texts: { names }, positionsOf });
    expect(dump.groups[0]?.chain.map(({ function: name }) => name)).toEqual(['original2', 'b', 'original9.original4', 'other', 'e']);
  });

  test('has the names and files of variables', () => {
    const variable = (name: string): RawText => ['Map ', { variable: name, script: SCRIPT, show: 'name' }, ' in ', { variable: name, script: SCRIPT, show: 'file' }];
    const variables = new Map([[variableKey(SCRIPT, 'a'), at(6, 0)]]);
    const heldBy = ['a', 'b'].map((name) => ({ count: 1, path: variable(name) }));
    const lookup = () => ({ file: '/app/src/users.ts', line: 1, column: 1 });
    const held = (more: Named['positionsOf']): readonly (string | undefined)[] =>
      render([group([frame('f', 1)], [[1, 9]], { heldBy })], undefined, {}, [], { texts: { variables }, positionsOf: { ...positionsOf, ...more } }).dump.groups[0]?.heldBy.map(({ path }) => path) ?? [];
    expect(held({ lookup: (script, line, column) => (line === 0 ? { file: script, line, column } : lookup()) })).toEqual(['Map original7 in src/users.ts', 'Map b in src/orders.js']);
    expect(held({ onlySource: () => '/app/src/orders.ts' })).toEqual(['Map original7 in src/orders.ts', 'Map b in src/orders.ts']);
    expect(held({ lookup: (script, line, column) => ({ file: script, line, column, helper: line > 0 }) })).toEqual(['Map original7 in src/orders.js', 'Map b in src/orders.js']);
  });
});
