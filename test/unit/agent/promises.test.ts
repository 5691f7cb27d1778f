import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createGate } from '../../../src/agent/gate.ts';
import { PROMISE_HOOKS, createHookPrice } from '../../../src/agent/hookPrice.ts';
import type { NodeModules } from '../../../src/agent/host.ts';
import { trackPromises } from '../../../src/agent/promises.ts';
import { createReactions } from '../../../src/agent/reactions.ts';
import { createBudget } from '../../../src/agent/budget.ts';
import { createSampler } from '../../../src/agent/sampler.ts';
import type { Stacks } from '../../../src/agent/stacks.ts';
import { createTaskTable } from '../../../src/agent/taskTable.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const PENDING = 0;
const FULFILLED = 1;

/** A program on one line: the hooks are called by the test, as V8 would. */
function watched() {
  let init: ((promise: object, parent: object | undefined) => void) | undefined;
  let settled: ((promise: object) => void) | undefined;
  const promiseHooks = {
    onInit: (hook: typeof init) => ((init = hook), () => (init = undefined)),
    onSettled: (hook: typeof settled) => ((settled = hook), () => (settled = undefined)),
  };
  const node = { v8: { promiseHooks }, isProxy: () => false } as unknown as NodeModules;
  const table = createTaskTable();
  table.addSite();
  let meanwhile = (): void => undefined;
  const stacks = { undecided: 0, site: () => (meanwhile(), 0), isBelowUser: () => false } as unknown as Stacks;
  const gate = createGate();
  let now = 0;
  const clock = () => now;
  const budget = createBudget(100, now);
  const states = new WeakMap<object, number>();
  const details = { of: (promise: object) => [states.get(promise) ?? PENDING], pending: PENDING };
  const tracking = trackPromises(node, table, stacks, createSampler(budget, 1, now, () => 0), clock, gate, createReactions(node.v8), budget, details, createHookPrice(PROMISE_HOOKS));
  return {
    make(promise: object) {
      init?.(promise, undefined);
      return promise;
    },
    settle(promise: object) {
      states.set(promise, FULFILLED);
      settled?.(promise);
    },
    poll() {
      now += 1_000;
      tracking.catchUp();
      const { live, ended, abandoned } = table.figures(0);
      return { live, ended, abandoned };
    },
    /** While a hook is under way. */
    interrupt(work: () => void) {
      meanwhile = work;
    },
    lost: () => gate.lost,
    stop: () => {
      tracking.stop();
    },
  };
}

/** In a function of its own, as a frame keeps what its registers held. */
function makeMany(program: ReturnType<typeof watched>, count: number): void {
  for (let i = 0; i < count; i++) program.make({});
}

/** How many weak references there are in this process. */
function references(): number {
  return queryObjects(WeakRef, { format: 'count' });
}

/** What has been referred to weakly in a job lives to the job's end. */
async function collect(): Promise<void> {
  await turn();
  gc();
  // V8 tells of it in a task
  await turn();
  await turn();
}

describe('promises', () => {
  test('that were collected while pending are abandoned as of the next poll, those that are held are alive, those that settled have ended', async () => {
    const program = watched();
    const kept = [{}, {}, {}].map((promise) => program.make(promise));
    makeMany(program, 5_000);
    program.settle(kept[0] as object);
    expect(program.poll()).toEqual({ live: 5_002, ended: 1, abandoned: 0 });
    await collect();
    expect(program.poll()).toEqual({ live: 2, ended: 1, abandoned: 5_000 });
    program.settle(kept[1] as object);
    await collect();
    expect(program.poll()).toEqual({ live: 1, ended: 2, abandoned: 5_000 });
    program.stop();
  });

  test('are read some at a time, and each of them though more are made meanwhile', async () => {
    const program = watched();
    makeMany(program, 40_000);
    await collect();
    const kept: object[] = [];
    let polls = 0;
    for (; program.poll().abandoned < 40_000; polls++) for (let i = 0; i < 1_000; i++) kept.push(program.make({}));
    expect(polls).toBe(2);
    expect(program.poll()).toEqual({ live: kept.length, ended: 0, abandoned: 40_000 });
    program.stop();
  });

  test('that have settled are let go of under a load that makes more than polls can read', async () => {
    const program = watched();
    const kept = Array.from({ length: 10_000 }, () => program.make({}));
    await collect();
    const before = references();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 60_000; i++) program.settle(program.make({}));
      program.poll();
      await turn();
    }
    expect(program.poll()).toEqual({ live: kept.length, ended: 180_000, abandoned: 0 });
    expect(references() - before).toBeLessThan(1.5 * kept.length);
    program.stop();
  });

  test('that are gone have ended before the next poll where more are made', async () => {
    const program = watched();
    makeMany(program, 20_000);
    await collect();
    for (let i = 0; i < 20_000; i++) program.settle(program.make({}));
    expect(program.poll()).toEqual({ live: 0, ended: 20_000, abandoned: 20_000 });
    program.stop();
  });

  test('are found without a word of the collection, in time', async () => {
    const program = watched();
    makeMany(program, 2_000);
    await turn();
    gc();
    let polls = 0;
    // no task runs between the polls, so V8 could not tell
    while (program.poll().abandoned < 2_000 && polls < 100) polls++;
    expect(polls).toBe(3);
    program.stop();
  });

  test('that are made in the middle of a hook are not counted, and said not to be', () => {
    const program = watched();
    const [outer, inner] = [{}, {}];
    program.interrupt(() => program.make(inner));
    program.make(outer);
    expect(program.poll()).toEqual({ live: 1, ended: 0, abandoned: 0 });
    expect(program.lost()).toBe(1);
    program.stop();
  });

  test('are not followed after the stop, and collections neither', async () => {
    const program = watched();
    makeMany(program, 10);
    program.stop();
    await collect();
    expect(program.poll()).toEqual({ live: 10, ended: 0, abandoned: 0 });
  });
});
