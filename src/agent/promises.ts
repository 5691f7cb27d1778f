/**
 * Live promises, from V8's promise hooks. A task is a promise without a parent: the result of an async function's call, of
 * `new Promise`, of a combinator. What `await` and `then` make has a parent and is not counted.
 *
 * No promise is held: its task is found through a WeakMap, and weak references tell which promises were collected while
 * pending. They are read at polls, once V8 has collected garbage: a registry with an entry for each would need twice the memory,
 * and would call us for thousands of them in one go.
 */
import type { Budget } from './budget';
import type { Gate } from './gate';
import { createDuty } from './duty';
import type { Duty } from './duty';
import { readOwn } from './host';
import type { NodeModules, PromiseDetails } from './host';
import type { HookPrice } from './hookPrice';
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
  /** When the hooks are on. */
  readonly duty: Duty;
}

/** Of the budget, what the calls of the promise hooks may take; looks at stacks get the rest. */
const HOOK_PART = 0.3;
const SEED = 0x2545f491;
/**
 * References that are read in one poll after a collection, some 2 ms, or while no hook tells of ends, some 4 ms. The others have
 * their turn later.
 */
const READ_PER_POLL = 16_384;
/** The same where there is no such reason: a collection that went on while we heard of the one before it is not told. */
const READ_IN_CALM = 512;
/**
 * References that are gone through at each look, so that those of promises that have ended do not pile up. One is what comes to stand
 * where one was left out, which is mostly younger and still needed; with three there are less than three for each live sample in the
 * long run. While some are to be read, they are: that takes a tenth of a microsecond each, and keeps what is alive so to the end of the job.
 */
const TIDIED_PER_LOOK = 3;

/** Promises from before the attach that are followed, at 2 us each; others are counted only, as of that moment. */
const ADOPTED_PROMISE_LIMIT = 20_000;

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
  budget: Budget,
  details: PromiseDetails | undefined,
  price: HookPrice,
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
  /** Live samples, ended ones among them for a while, and by what it is seen whether their promises are there still. */
  const held: number[] = [];
  const references: WeakRef<object>[] = [];
  let nextHeld = 0;
  /** References that are to be read because V8 has collected garbage since: the next so many, from the last one on to the first. */
  let unread = 0;
  const collections = new FinalizationRegistry<null>(() => {
    unread = held.length;
    awaitCollection();
  });
  /** Ends may have been missed, as no hook told of them: states are to be read. */
  let dark = false;
  const register = own(collections, 'register');
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
    if (--duty.fuel <= 0 && !gate.busy) {
      gate.busy = true;
      try {
        if (gate.hasRoom()) duty.spend(clock());
        gate.leave();
      } catch {
        // the stack is used up: the next call will do
      } finally {
        gate.busy = false;
      }
    }
    if (parent !== undefined) {
      if (!asksWhoWaits) return;
      try {
        gotReaction(promise, parent);
      } catch {
        // the stack is used up: as below
      }
      return;
    }
    if (gate.busy) {
      gate.lost++;
      return;
    }
    if (--sampler.skip > 0) return;
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
      // no call: it could fail
      gate.busy = false;
      if (!seen) gate.lost += sampler.weight * duty.slotWeight;
    }
  }

  function gotReaction(derived: object, promise: object): void {
    if (stacks.undecided !== 0) waitedFor(promise);
    if (reactions.wanted) gotThen(derived, promise);
    considerWaiting();
  }

  /** Beyond the budget there is no time for the promises that are no tasks, and their order tells nothing. */
  function considerWaiting(): void {
    const exact = sampler.weight === 1 && duty.slotWeight === 1;
    if (!exact) reactions.forget();
    asksWhoWaits = exact && (stacks.undecided !== 0 || reactions.wanted);
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
      request.exact = sampler.weight === 1 && duty.slotWeight === 1;
      const site = stacks.site(request);
      if (site === NO_SITE) table.drop(sampler.weight * duty.slotWeight);
      else if (site !== NOT_COUNTED) {
        const task = table.start(site, sampler.weight * duty.slotWeight, now, null, duty);
        if (task !== -1) {
          hold(promise, task);
          if (sampler.affluent && reactions.isPromising(site) && stacks.isBelowUser(site)) reactions.made(task, site);
        }
      }
    } catch {
      // out of stack or memory: the task is not counted, and said to be
      table.drop(sampler.weight * duty.slotWeight);
    }
    sampler.paid(now, clock());
  }

  /** An object that nothing holds is gone after the next collection of the whole heap, and weak references are cleared by those alone. */
  function awaitCollection(): void {
    if (!stopped) register({}, null);
  }

  function hold(promise: object, task: number): void {
    add(promise, task);
    // it comes to stand among those that are to be read
    if (nextHeld + unread > held.length) unread++;
    held[held.length] = task;
    references[references.length] = new WeakRef(promise);
    // else polls do it, with the states: all that is held is a live sample then
    if (!dark) for (let i = 0; i < TIDIED_PER_LOOK; i++) goOn();
  }

  /** Goes on by one reference at a look. None that is to be read must be passed over. */
  function goOn(): void {
    if (unread > 0) readNext();
    else passOn(table.isLive(held[nextHeld] as number));
  }

  /** Goes on to the next reference; one that is needed no more is left out, and the last one comes to stand there. */
  function passOn(needed: boolean): void {
    const last = held.length - 1;
    // where the last one has been read already, it is read once more
    if (unread > 0 && (needed || nextHeld + unread > last)) unread--;
    if (needed) nextHeld++;
    else if (last >= 0) {
      held[nextHeld] = held[last] as number;
      references[nextHeld] = references[last] as WeakRef<object>;
      held.length = references.length = last;
    }
    if (nextHeld >= held.length) nextHeld = 0;
  }

  function readReferences(most: number): void {
    const looks = held.length < most ? held.length : most;
    for (let i = 0; i < looks; i++) readNext();
  }

  /** Ends the next sample if its promise is gone, or has settled while no hook told of it. */
  function readNext(): void {
    const task = held[nextHeld] as number;
    let needed = table.isLive(task);
    if (needed) {
      const promise = (references[nextHeld] as WeakRef<object>).deref();
      if (promise === undefined) {
        // it may have settled before
        endTask(task, !dark);
        needed = false;
      } else if (dark && details !== undefined && details.of(promise)?.[0] !== details.pending) {
        end(promise, task);
        needed = false;
      }
    }
    passOn(needed);
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
    endTask(task, false);
  }

  function endTask(task: number, abandoned: boolean): void {
    gate.change(() => {
      table.end(task, abandoned);
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

  const { onInit: addInit, onSettled: addSettled } = node.v8.promiseHooks;
  let stopInit: (() => void) | undefined;
  let stopSettled: (() => void) | undefined;
  function setHooks(begins: boolean, ends: boolean): void {
    if (!begins) {
      stopInit?.();
      stopInit = undefined;
    } else stopInit ??= addInit(onInit);
    if (!ends) {
      stopSettled?.();
      stopSettled = undefined;
      dark = true;
    } else stopSettled ??= addSettled(onSettled);
  }

  const duty = createDuty({ hooks: { set: setHooks }, cost: price.now, budget, part: HOOK_PART, burstMs: 0, canReadEnds: details !== undefined, seed: SEED, now: clock() });
  setHooks(true, true);
  awaitCollection();
  return {
    duty,
    catchUp() {
      endLate();
      const told = stopSettled !== undefined;
      readReferences(dark && told ? Infinity : dark || unread > 0 ? READ_PER_POLL : READ_IN_CALM);
      // what is pending now ends before the hook's eyes
      if (told) dark = false;
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
          hold(promise, task);
        }
      }
      return more;
    },
    stop() {
      stopped = true;
      late = [];
      held.length = references.length = 0;
      stopInit?.();
      stopSettled?.();
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
