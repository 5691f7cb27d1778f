import * as asyncHooks from 'node:async_hooks';
import { isProxy } from 'node:util/types';
import * as v8 from 'node:v8';
import { afterEach, describe, expect, test } from 'vitest';
import { AGENT_TIMER } from '../../../src/core/base/agentTimer.ts';
import { createGate } from '../../../src/agent/gate.ts';
import { RESOURCE_HOOKS, createHookPrice } from '../../../src/agent/hookPrice.ts';
import type { HookCallbacks, NodeModules } from '../../../src/agent/host.ts';
import { createReactions } from '../../../src/agent/reactions.ts';
import type { Reactions } from '../../../src/agent/reactions.ts';
import { trackResources } from '../../../src/agent/resources.ts';
import { createBudget } from '../../../src/agent/budget.ts';
import { createSampler } from '../../../src/agent/sampler.ts';
import type { Stacks } from '../../../src/agent/stacks.ts';
import { createTaskTable } from '../../../src/agent/taskTable.ts';

const timers: NodeJS.Timeout[] = [];
afterEach(() => {
  for (const timer of timers.splice(0)) clearTimeout(timer);
});

/** Watches this very process. */
function watched() {
  const node = { asyncHooks, v8, isProxy } as unknown as NodeModules;
  const table = createTaskTable();
  table.addSite();
  let meanwhile = (): void => undefined;
  const stacks = { undecided: 0, site: () => (meanwhile(), 0) } as unknown as Stacks;
  const gate = createGate();
  const budget = createBudget(100, 0);
  const sampler = createSampler(budget, 1, 0, () => 0);
  const endings = { begin: () => undefined, isOver: () => false };
  const tracking = trackResources(node, table, stacks, sampler, () => 0, gate, createReactions(node.v8), budget, endings, createHookPrice(RESOURCE_HOOKS));
  return {
    /** While a hook is under way. */
    interrupt(work: () => void) {
      meanwhile = work;
    },
    live: () => table.figures(0).live,
    lost: () => gate.lost,
    stop: () => {
      tracking.stop();
    },
  };
}

const callbacks = { later: () => undefined, [AGENT_TIMER]: () => undefined };

describe('timers that are made in the middle of a hook', () => {
  test.each([
    ['are not counted, and said not to be', callbacks.later, 1],
    ["are nobody's where another Asyncscope is being put in", callbacks[AGENT_TIMER], 0],
  ])('%s', (_, callback, lost) => {
    const program = watched();
    program.interrupt(() => timers.push(setInterval(callback, 60_000)));
    timers.push(setTimeout(callbacks.later, 60_000));
    program.stop();
    expect(timers).toHaveLength(2);
    expect(program.live()).toBe(1);
    expect(program.lost()).toBe(lost);
  });
});

describe('a hook in which the stack is used up', () => {
  test.each([
    ['a tick', 'TickObject', 0],
    ['a resource that is no task', 'TCPCONNECTWRAP', 0],
    ['a task', 'FSREQCALLBACK', 1],
  ])('throws nothing into Node, which would end the program: %s', (_, type, lost) => {
    const usedUp = (): never => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    let init: HookCallbacks['init'] = usedUp;
    const createHook = (added: Partial<HookCallbacks>) => {
      init = added.init ?? init;
      return asyncHooks.createHook({});
    };
    const reactions = {
      get running(): number {
        return usedUp();
      },
    } as unknown as Reactions;
    const gate = { ...createGate(), hasRoom: usedUp };
    const node = { asyncHooks: { ...asyncHooks, createHook }, v8, isProxy } as unknown as NodeModules;
    const budget = createBudget(100, 0);
    const endings = { begin: () => undefined, isOver: () => false };
    const tracking = trackResources(node, createTaskTable(), {} as Stacks, createSampler(budget, 1, 0, () => 0), () => 0, gate, reactions, budget, endings, createHookPrice(RESOURCE_HOOKS));
    expect(() => {
      init(1, type, 0, {});
    }).not.toThrow();
    expect(gate).toMatchObject({ busy: false, lost });
    tracking.stop();
  });
});
