/** Which suspended functions are looked up, what that may cost, and what is believed of what is found. */
import { describe, expect, test } from 'vitest';
import type { RawGroup } from '../../../../src/core/heap/heapAnalysis';
import { defaultLookupBudget, hasOneAwait, lookUpPositions } from '../../../../src/server/dump/lookUp';
import { TargetError } from '../../../../src/cdp/target';
import { FakeFrames, NODE_SCRIPT, frame, group } from './rawDump';

const TWICE = 'async function f() { await a(); await b(); }';

function lookUp(groups: readonly RawGroup[], frames: FakeFrames, budgetMs = 100_000, singles = new Map()) {
  return lookUpPositions(groups, frames, { singles, budgetMs, isOfNode: ({ declared }) => declared?.scriptId === NODE_SCRIPT, now: () => frames.clock });
}

function standing(frames: FakeFrames, lines: Readonly<Record<number, number>>, source = TWICE): void {
  for (const [id, line] of Object.entries(lines)) {
    frames.lines.set(Number(id), line);
    frames.sources.set(Number(id), source);
  }
}

describe('look-ups', () => {
  test('of a function with a single await are one for all of its calls', async () => {
    const frames = new FakeFrames();
    const f = frame('f', 1);
    standing(frames, { 10: 2, 11: 2, 12: 2 }, 'async function f() { await a(); }');
    const found = await lookUp([group([f], [[10, 90], [11, 91]]), group([f], [[12, 92]])], frames);
    expect(frames.located).toEqual([10]);
    expect(frames.asked).toEqual([]);
    expect(found.of(12, f)).toMatchObject({ line: 2 });
    expect(found.isSingle(f)).toBe(true);
  });

  test('that are known without are not made', async () => {
    const frames = new FakeFrames();
    const f = frame('f', 1);
    const found = await lookUp([group([f], [[10, 90]])], frames, 100_000, new Map([['1:1:0', { scriptId: 1, line: 3, column: 4 }]]));
    expect(frames.located).toEqual([]);
    expect(found.of(10, f)).toEqual({ scriptId: 1, line: 3, column: 4 });
  });

  test('tell all tasks of a small group apart', async () => {
    const frames = new FakeFrames();
    const f = frame('f', 1);
    standing(frames, { 10: 2, 11: 3, 12: 2 });
    const found = await lookUp([group([f], [[10, 90], [11, 91], [12, 92]])], frames);
    expect([10, 11, 12].map((id) => found.of(id, f)?.line)).toEqual([2, 3, 2]);
    expect(frames.asked).toEqual([90, 91, 92]);
  });

  test('are made for one task of each group before the second of any, the worst verdict first', async () => {
    const frames = new FakeFrames();
    standing(frames, { 10: 2, 11: 2, 20: 5, 21: 5 });
    const groups = [group([frame('f', 1)], [[10, 0], [11, 0]]), group([frame('g', 4)], [[20, 0], [21, 0]], { verdict: 'orphan' })];
    await lookUp(groups, frames);
    expect(frames.located).toEqual([20, 10, 11, 21]);
  });

  test('of Node itself come last, one a group', async () => {
    const frames = new FakeFrames();
    standing(frames, { 10: 2, 11: 2, 20: 5, 21: 5 });
    const node = frame('import', 7, { declared: { scriptId: NODE_SCRIPT, line: 7, column: 0 } });
    await lookUp([group([node, frame('f', 1)], [[20, 10, 0], [21, 11, 0]])], frames);
    expect(frames.located).toEqual([10, 11, 20]);
  });

  test('of a long recursion are few, and of each of its functions', async () => {
    const frames = new FakeFrames();
    const chain = Array.from({ length: 2_000 }, (_, index) => frame(index % 2 === 0 ? 'even' : 'odd', index % 2));
    const ids = chain.map((_, index) => index + 1);
    standing(frames, Object.fromEntries(ids.map((id) => [id, 5])));
    await lookUp([group(chain, [[...ids, 0]])], frames);
    expect(frames.located).toHaveLength(40);
    expect(frames.located.slice(0, 2)).toEqual([2_000, 1_999]);
  });

  test('end with the budget, and do not begin what it does not cover', async () => {
    const frames = new FakeFrames(10);
    const groups = [0, 1, 2].map((index) => group([frame(`f${index}`, index)], [[10 + index, 0]]));
    standing(frames, { 10: 1, 11: 1, 12: 1 });
    const found = await lookUp(groups, frames, 25);
    expect(frames.located).toHaveLength(2);
    expect(found).toMatchObject({ lookups: 2, outOfBudget: true });

    const large = new FakeFrames(10);
    const chains = Array.from({ length: 1000 }, (_, index) => [100 + index, 0]);
    standing(large, Object.fromEntries(chains.map(([id = 0]) => [id, 1])));
    const sampled = await lookUp([group([frame('f', 0)], chains)], large, 1_000);
    expect(large.located).toEqual([100]);
    expect(sampled).toMatchObject({ outOfBudget: false });
    expect(await lookUp(groups, new FakeFrames(), 0)).toMatchObject({ lookups: 0 });
  });

  test.each(['closed', 'timeout'] as const)('that find the process gone or silent (%s) keep what was found before', async (reason) => {
    const frames = new FakeFrames(10);
    standing(frames, { 10: 1 });
    const locate = frames.locate.bind(frames);
    frames.locate = (id) => (id === 11 ? Promise.reject(new TargetError(reason, 'It is gone.')) : locate(id));
    const f = frame('f0', 0);
    const found = await lookUp([group([f], [[10, 0]]), group([frame('f1', 1)], [[11, 0]])], frames);
    expect(found).toMatchObject({ brokenOff: true, outOfBudget: false });
    expect(found.of(10, f)?.line).toBe(1);
  });

  test('that fail otherwise fail', async () => {
    const frames = new FakeFrames(10);
    frames.locate = () => Promise.reject(new TargetError('agent failed', 'refused'));
    await expect(lookUp([group([frame('f0', 0)], [[10, 0]])], frames)).rejects.toMatchObject({ reason: 'agent failed' });
  });

  test('of what has gone on since are not believed: another task is tried', async () => {
    const frames = new FakeFrames();
    const f = frame('f', 1);
    standing(frames, { 10: 2, 11: 3 });
    frames.settled.add(90);
    const found = await lookUp([group([f], [[10, 90], [11, 91]])], frames);
    expect(found.of(10, f)).toBeUndefined();
    expect(found.of(11, f)).toMatchObject({ line: 3 });
  });

  test('do not ask whether what can never settle has settled', async () => {
    const frames = new FakeFrames();
    standing(frames, { 10: 2 });
    await lookUp([group([frame('f', 1)], [[10, 90]], { verdict: 'orphan' })], frames);
    expect(frames.asked).toEqual([]);
  });
});

test('the budget follows what the snapshot took, within limits', () => {
  expect([300, 4_000, 90_000].map(defaultLookupBudget)).toEqual([2_000, 4_000, 10_000]);
});

describe('one place to stand', () => {
  test.each([
    ['async function f() { await a(); }', true],
    ['async () => await a()', true],
    ['async m() { return [...await a()]; }', true],
    ['async function f() { await a(); await b(); }', false],
    ['async function f() { /* await */ await a(); }', false],
    ['async function f() { const awaited = 1; await a(awaited); }', true],
    ['async function f() { for await (const x of y) z(x); }', false],
    ['async function f() { for /* ( */ await (const x of y) z(x); }', false],
    ['async function f() { for (const x of y) await z(x); }', true],
    ['async function f() { await using x = y(); }', false],
    ['async function f() { await /* */ using; }', false],
    ['async function f() {}', false],
  ])('%s: %s', (source, expected) => {
    expect(hasOneAwait(source)).toBe(expected);
  });
});
