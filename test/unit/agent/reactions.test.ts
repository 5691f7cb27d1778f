import { describe, expect, test } from 'vitest';
import type { NodeModules } from '../../../src/agent/host';
import { createReactions } from '../../../src/agent/reactions';

/** Stands in for V8: the hooks that are on. */
function fakeHooks() {
  const on = { before: undefined as ((promise: object) => void) | undefined, after: undefined as ((promise: object) => void) | undefined };
  const hooks = {
    onBefore(hook: (promise: object) => void) {
      on.before = hook;
      return () => (on.before = undefined);
    },
    onAfter(hook: (promise: object) => void) {
      on.after = hook;
      return () => (on.after = undefined);
    },
  };
  return { on, v8: { promiseHooks: hooks } as unknown as NodeModules['v8'] };
}

describe('a callback that was given to `then`', () => {
  test('runs for the call that gave it, and V8 is asked no longer than until then', () => {
    const { on, v8 } = fakeHooks();
    const reactions = createReactions(v8);
    const derived = {};
    reactions.made(5, 1);
    expect(reactions.isCandidate({}, 5)).toBe(true);
    expect(on.before).toBeUndefined();
    reactions.expect(derived, 42, 5);
    on.before?.({});
    expect(reactions.running).toBe(-1);
    reactions.rest();
    on.before?.(derived);
    expect(reactions.running).toBe(42);
    on.after?.(derived);
    expect(reactions.running).toBe(-1);
    reactions.rest();
    expect(on).toEqual({ before: undefined, after: undefined });
    expect(reactions.wanted).toBe(false);
  });

  test('of a promise that came from a callback which is expected is one, too', () => {
    const reactions = createReactions(fakeHooks().v8);
    const derived = {};
    expect(reactions.isCandidate(derived, undefined)).toBe(false);
    reactions.expect(derived, 42, 5);
    expect(reactions.isCandidate(derived, undefined)).toBe(true);
  });

  test('is waited for until the next poll, and no more at all where there never is one', () => {
    const reactions = createReactions(fakeHooks().v8);
    for (let task = 0; task < 4; task++) {
      expect(reactions.isPromising(1)).toBe(true);
      reactions.made(task, 1);
      expect(reactions.wanted).toBe(true);
      reactions.rest();
      expect(reactions.isCandidate({}, task)).toBe(false);
    }
    expect(reactions.isPromising(1)).toBe(false);
    expect(reactions.isPromising(2)).toBe(true);
  });

  test('keeps its site promising', () => {
    const reactions = createReactions(fakeHooks().v8);
    reactions.made(0, 1);
    reactions.expect({}, 42, 0);
    for (let task = 1; task < 100; task++) reactions.made(task, 1);
    expect(reactions.isPromising(1)).toBe(true);
  });

  test('that never comes is given up', () => {
    const { on, v8 } = fakeHooks();
    const reactions = createReactions(v8);
    reactions.expect({}, 42, 5);
    let polls = 0;
    while (on.before !== undefined && polls < 100_000) {
      reactions.rest();
      polls++;
    }
    expect(polls).toBeGreaterThan(1);
    expect(reactions.wanted).toBe(false);
  });
});
