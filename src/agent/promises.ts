/**
 * Live promises, from V8's promise hooks. A task is a promise without a parent: the result of an async function's call, of
 * `new Promise`, of a combinator. What `await` and `then` make has a parent and is not counted.
 *
 * No promise is held: the table of live tasks is found through a WeakMap, and a registry tells when a promise was
 * collected while pending.
 */
import type { Gate } from './gate';
import { readOwn } from './host';
import type { NodeModules } from './host';
import type { Reactions } from './reactions';
import type { Sampler } from './sampler';
import { NOT_COUNTED, NO_SITE } from './stacks';
import type { Stacks } from './stacks';
import type { TaskTable } from './taskTable';
import { isInnerResource } from './resourceTypes';

export interface Tracking {
  /** Takes in what could not be taken in where it happened. */
  catchUp(): void;
  stop(): void;
}

export interface PromiseTracking extends Tracking {
  /**
   * Follows pending promises that no hook has seen begin, without holding them.
   * @param all promises, settled ones and known ones among them
   * @returns how many there was no room for
   */
  adopt(all: readonly object[], isPending: (promise: object) => boolean, site: number, now: number): number;
}

/** Promises from before the attach that are followed, at 2 us each; others are counted only, as of that moment. */
export const ADOPTED_PROMISE_LIMIT = 20_000;

/** What a promise is, scripts tell alone. */
const NO_NAMES: readonly string[] = [];

export function trackPromises(
  node: NodeModules,
  table: TaskTable,
  stacks: Stacks,
  sampler: Sampler,
  clock: () => number,
  gate: Gate,
  reactions: Reactions,
): PromiseTracking {
  const tasks = new WeakMap<object, number>();
  // own properties, so that a program that patches the prototypes neither sees nor changes what the hooks do
  const find = own(tasks, 'get');
  const add = own(tasks, 'set');
  const remove = own(tasks, 'delete');
  let stopped = false;
  /** Whether promises with a parent are looked at: they tell who waits for whom. */
  let asksWhoWaits = false;
  /** Settled where the stack was used up. Held until the next poll at most. */
  let late: object[] = [];
  const collected = new FinalizationRegistry<number>((task) => {
    if (stopped) return;
    gate.change(() => {
      table.end(task, true);
    });
  });
  const register = own(collected, 'register');
  const unregister = own(collected, 'unregister');
  const request = {
    kind: 'promise' as const,
    type: 'PROMISE',
    above: onInit,
    now: 0,
    exact: true,
    label: () => null,
    cause: () => -1,
    isInner: (type: string, below: readonly string[]) => isInnerResource(type, below, NO_NAMES),
    classes: undefined as readonly string[] | undefined,
  };

  /** A `then`, which is no task: only its stack is wanted. */
  const reaction = { kind: 'request' as const, type: 'REACTION', above: onInit, now: 0, exact: true, label: () => null, cause: () => -1, isInner: () => false };

  // The two hooks run for every promise of the program, up to ten million times a second: what is not needed now is one test of
  // a variable. They must not throw: a debugger would stop in them.
  function onInit(promise: object, parent: object | undefined): void {
    if (parent !== undefined) {
      if (asksWhoWaits) gotReaction(promise, parent);
      return;
    }
    if (gate.busy || --sampler.skip > 0) return;
    gate.busy = true;
    let seen = false;
    try {
      seen = gate.hasRoom();
      if (seen) {
        look(promise);
        considerWaiting();
      }
      gate.leave();
    } catch {
      // the stack is used up: the program gets its own RangeError at its own next call
    } finally {
      if (!seen) gate.lost += sampler.weight;
      gate.busy = false;
    }
  }

  function gotReaction(derived: object, promise: object): void {
    if (stacks.undecided !== 0) waitedFor(promise);
    if (reactions.wanted) gotThen(derived, promise);
    considerWaiting();
  }

  /** Beyond the budget there is no time for the promises that are no tasks, and their order tells nothing. */
  function considerWaiting(): void {
    if (sampler.weight !== 1) reactions.forget();
    asksWhoWaits = sampler.weight === 1 && (stacks.undecided !== 0 || reactions.wanted);
  }

  function waitedFor(promise: object): void {
    if (gate.busy) return;
    gate.busy = true;
    try {
      const task = find(promise);
      if (task !== undefined && gate.hasRoom()) stacks.observed(table.siteOf(task), onInit);
      gate.leave();
    } catch {
      // the stack is used up: as above
    } finally {
      gate.busy = false;
    }
  }

  function gotThen(derived: object, promise: object): void {
    if (gate.busy) return;
    gate.busy = true;
    try {
      const task = find(promise);
      if (reactions.isCandidate(promise, task) && gate.hasRoom()) {
        const now = clock();
        reaction.now = now;
        const site = stacks.reaction(reaction);
        if (site >= 0) reactions.expect(derived, site, task);
        sampler.charge(now, clock());
      }
      gate.leave();
    } catch {
      // the stack is used up: as above
    } finally {
      gate.busy = false;
    }
  }

  function look(promise: object): void {
    const now = clock();
    try {
      request.classes = getPrototypeOf(promise) === promisePrototype ? undefined : subclassesOf(node.isProxy, promise);
      request.now = now;
      request.exact = sampler.weight === 1;
      const site = stacks.site(request);
      if (site === NO_SITE) table.drop(sampler.weight);
      else if (site !== NOT_COUNTED) {
        const task = table.start(site, sampler.weight, now, null);
        if (task !== -1) {
          add(promise, task);
          register(promise, task, promise);
          if (sampler.affluent && reactions.isPromising(site) && stacks.isBelowUser(site)) reactions.made(task, site);
        }
      }
    } catch {
      // out of stack or memory: the task is not counted, and said to be
      table.drop(sampler.weight);
    }
    sampler.paid(now, clock());
  }

  function onSettled(promise: object): void {
    try {
      const task = find(promise);
      if (task === undefined) return;
      if (gate.hasRoom()) {
        end(promise, task);
        if (late.length > 0) endLate();
        return;
      }
    } catch {
      // the stack is used up: as above
    }
    late[late.length] = promise;
  }

  function end(promise: object, task: number): void {
    remove(promise);
    unregister(promise);
    gate.change(() => {
      table.end(task, false);
    });
  }

  function endLate(): void {
    const all = late;
    late = [];
    for (let i = 0; i < all.length; i++) {
      const promise = all[i] as object;
      const task = find(promise);
      if (task !== undefined) end(promise, task);
    }
  }

  const stopInit = node.v8.promiseHooks.onInit(onInit);
  const stopSettled = node.v8.promiseHooks.onSettled(onSettled);
  return {
    catchUp() {
      endLate();
      reactions.rest();
      considerWaiting();
    },
    adopt(all, isPending, site, now) {
      let followed = 0;
      let more = 0;
      for (let i = 0; i < all.length; i++) {
        const promise = all[i] as object;
        if (find(promise) !== undefined || !isPending(promise)) continue;
        const task = followed < ADOPTED_PROMISE_LIMIT ? table.start(site, 1, now, null) : -1;
        if (task === -1) more++;
        else {
          followed++;
          add(promise, task);
          register(promise, task, promise);
        }
      }
      return more;
    },
    stop() {
      stopped = true;
      late = [];
      stopInit();
      stopSettled();
    },
  };
}

/** Longer chains of classes are cut. */
const CLASSES_LIMIT = 16;

/** Names of the classes of a promise, from its own up to `Promise`, which is left out. */
function subclassesOf(isProxy: (value: unknown) => boolean, promise: object): readonly string[] {
  const names: string[] = [];
  let prototype: unknown = getPrototypeOf(promise);
  for (let i = 0; i < CLASSES_LIMIT && prototype !== promisePrototype && typeof prototype === 'object' && prototype !== null; i++) {
    if (isProxy(prototype)) break;
    const name = readOwn(isProxy, readOwn(isProxy, prototype, 'constructor'), 'name');
    if (typeof name === 'string') names[names.length] = name;
    prototype = getPrototypeOf(prototype);
  }
  return names;
}

const { getPrototypeOf } = Object;
const promisePrototype = Promise.prototype;

/** A method bound to its object at install time. */
function own<T extends object, K extends keyof T>(holder: T, key: K): T[K] {
  const method = holder[key] as unknown as (...args: unknown[]) => unknown;
  return method.bind(holder) as unknown as T[K];
}
