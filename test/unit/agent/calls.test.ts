import { expect, test } from 'vitest';
import { createCalls } from '../../../src/agent/calls.ts';
import type { Calls, MadeBelow, Way } from '../../../src/agent/calls.ts';

const OUTSIDE = [{ id: 90 }, { id: 91 }];

function setUp() {
  const changes: string[] = [];
  const calls = createCalls((way) => changes.push(`${way.site} ${way.inner ? 'inner' : 'handed out'}`));
  return { calls, changes };
}

function below(depth: number, more: Partial<MadeBelow> = {}): MadeBelow {
  return { key: 'line f', ofCall: false, never: false, depth, path: [], asyncCall: false, ...more };
}

function see(calls: Calls, ways: readonly Way[], turn = 1, exact = true): void {
  for (const way of ways) calls.saw(way, exact, turn, OUTSIDE, 0);
}

test('the promise of an async call stands for the call, whatever was made first', () => {
  const { calls } = setUp();
  const first = calls.add(0, below(1));
  see(calls, [first]);
  expect(first.inner).toBe(false);
  const ofCall = calls.add(1, below(0, { ofCall: true }));
  const later = calls.add(2, below(1));
  see(calls, [ofCall, later], 2);
  expect([first.inner, ofCall.inner, later.inner]).toEqual([true, false, true]);
});

test('of the promises of one call the nearest to the caller stands for it, among equals the first', () => {
  const { calls, changes } = setUp();
  const items = calls.add(0, below(2));
  see(calls, [items, items, items]);
  const all = calls.add(1, below(0.5));
  const beside = calls.add(2, below(0.5));
  see(calls, [all, beside]);
  expect([items.inner, all.inner, beside.inner]).toEqual([true, false, true]);
  expect(changes).toEqual(['0 handed out', '0 inner', '1 handed out']);
});

test('what was outdone once does not stand for the next call by coming first', () => {
  const { calls } = setUp();
  const items = calls.add(0, below(2));
  const all = calls.add(1, below(0.5));
  see(calls, [items, all]);
  see(calls, [items, all], 2);
  expect([items.inner, all.inner]).toEqual([true, false]);
});

test('a promise made without the others stands for a call that took another way', () => {
  const { calls } = setUp();
  const cold = calls.add(0, below(1));
  see(calls, [cold]);
  const warm = calls.add(1, below(2));
  see(calls, [warm], 2);
  expect([cold.inner, warm.inner]).toEqual([false, false]);
});

test('where the caller was called from elsewhere, it is another call', () => {
  const { calls } = setUp();
  const cold = calls.add(0, below(1));
  see(calls, [cold]);
  const warm = calls.add(1, below(1));
  calls.saw(warm, true, 1, [{ id: 92 }], 0);
  expect(warm.inner).toBe(false);
});

test('twice in a row without what stands for the call: another way', () => {
  const { calls } = setUp();
  const first = calls.add(0, below(1));
  const second = calls.add(1, below(1));
  see(calls, [first, second, first, second]);
  expect(second.inner).toBe(true);
  see(calls, [second]);
  expect(second.inner).toBe(false);
});

test('deeper promises may follow each other in a loop of the library', () => {
  const { calls } = setUp();
  const outer = calls.add(0, below(1));
  const deeper = calls.add(1, below(3));
  see(calls, [outer, deeper, deeper, deeper]);
  expect(deeper.inner).toBe(true);
});

test('below a constructor nothing is handed out', () => {
  const { calls } = setUp();
  const ready = calls.add(0, below(2, { never: true }));
  see(calls, [ready], 1);
  see(calls, [ready], 2);
  expect(ready.inner).toBe(true);
});

test('where promises are sampled, their order tells nothing', () => {
  const { calls } = setUp();
  const outer = calls.add(0, below(1));
  const second = calls.add(1, below(1));
  see(calls, [outer], 1, false);
  see(calls, [second, second], 2, false);
  expect([outer.inner, second.inner]).toEqual([false, true]);
});

const F = { id: 1, fn: 'f', origin: 'dependency' };
const PROMISE = { id: 9, fn: 'Promise', origin: 'native' };
const started = { id: 2, fn: 'started', origin: 'dependency' };

test('what outlives the promise that was taken for that of the call stands for it, once that is seen twice', () => {
  const { calls } = setUp();
  const background = calls.add(0, below(1, { asyncCall: true, path: [started, { ...F, id: 3 }] }));
  const result = calls.add(1, below(1, { path: [PROMISE, F] }));
  see(calls, [background, result]);
  calls.review((site) => (site === 1 ? 1 : 0));
  expect([background.inner, result.inner]).toEqual([false, true]);
  calls.review((site) => (site === 1 ? 1 : 0));
  expect([background.inner, result.inner]).toEqual([true, false]);
});

test('what was made for the sake of a promise never stands for the call, however long it lives', () => {
  const { calls } = setUp();
  const result = calls.add(0, below(1, { path: [PROMISE, F] }));
  const inExecutor = calls.add(1, below(3, { path: [PROMISE, { ...F, id: 4, fn: 'connect' }, { ...F, id: 5, fn: 'executor' }, PROMISE, F] }));
  see(calls, [result, inExecutor]);
  const other = setUp().calls;
  const ofAsync = other.add(0, below(1, { asyncCall: true, path: [started, F] }));
  const inside = other.add(1, below(2, { path: [PROMISE, { ...started, id: 6 }, F] }));
  see(other, [ofAsync, inside]);
  for (let i = 0; i < 3; i++) for (const each of [calls, other]) each.review((site) => site);
  expect([result.inner, inExecutor.inner, ofAsync.inner, inside.inner]).toEqual([false, true, false, true]);
});

test('whoever waits for one of two promises decides between them', () => {
  for (const [site, byUser, expected] of [[1, true, [true, false]], [1, false, [false, true]], [0, true, [false, true]]] as const) {
    const { calls } = setUp();
    const first = calls.add(0, below(1, { asyncCall: true, path: [started, { ...F, id: 3 }] }));
    const later = calls.add(1, below(1, { path: [PROMISE, F] }));
    see(calls, [first, later]);
    expect(calls.undecided).toBe(1);
    calls.observed(site, byUser);
    for (let i = 0; i < 3; i++) calls.review((each) => each);
    expect([first.inner, later.inner]).toEqual(expected);
    expect(calls.undecided).toBe(0);
  }
});
