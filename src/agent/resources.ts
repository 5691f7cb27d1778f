/**
 * Live timers, handles and requests, from `async_hooks` without promise tracking: with it, every await of the program
 * would cost several times as much, and on old Nodes `AsyncLocalStorage` could lose its context.
 */
import type { Budget } from './budget';
import { createDuty } from './duty';
import type { Duty } from './duty';
import type { Endings } from './ended';
import type { ResourceLedger } from './existing';
import type { Gate } from './gate';
import type { AsyncHook, NodeModules } from './host';
import { readHidden, readOwn } from './host';
import type { HookPrice } from './hookPrice';
import { isAgentTimer } from './outside';
import { POOL_LOOKS, poolState } from './pools';
import type { Tracking } from './promises';
import { CONTINUES_IN_NODE, MADE_BEFORE_CALLBACK, MAY_BE_SYNCHRONOUS, POOLED, RESOURCE_CLASS, SILENT, STARTING_TICK, isInnerResource, isOneOf } from './resourceTypes';
import type { ResourceClass } from './resourceTypes';
import type { Reactions } from './reactions';
import type { Sampler } from './sampler';
import { NOT_COUNTED, NO_SITE } from './stacks';
import type { SiteRequest, Stacks } from './stacks';
import type { TaskTable } from './taskTable';

const { getOwnPropertySymbols, getPrototypeOf, prototype: objectPrototype } = Object;

/** Of the budget, what the calls of the resource hooks may take. */
const HOOK_PART = 0.3;
/** Calls are dear: those of a million timers that are started at once cost 290 ms, which the duty has not in reserve. */
const HOOK_BURST_MS = 260;
const SEED = 0x6c078965;
/** States of resources that are read in one poll while no hook tells of ends: some 4 ms. The others have their turn later. */
const STATES_PER_POLL = 4_096;

/** Ended resources whose site is still known, so that what they triggered finds its cause. */
const REMEMBERED_ENDS = 1024;
/**
 * Resources that are no tasks (ticks, connects, `AsyncResource`s) and what triggered them, so that causes are found through
 * them: the last so many, a power of two. Older ones are forgotten, and what they start late stands under Node.
 */
const REMEMBERED_CARRIERS = 4096;
/** Node has some fifty callbacks of ticks; the names of more are not remembered, which costs a stack for each. */
const TICK_NAMES_LIMIT = 256;
/** Files and compressions started after which it is looked which ones are over, if no poll does: so that they do not pile up. */
const SILENT_LIMIT = 512;
/** How many of them are looked at in one go: some two milliseconds. The others have their turn at the next poll. */
const SILENT_LOOKS = 4096;
/** How many such resources are followed from one to the next. Streams have chains of four or five ticks. */
const CARRIER_STEPS = 64;

/**
 * What Node keeps to itself, taken by the debugger out of the scopes of `AsyncHook.prototype.enable` where
 * `trackPromises: false` (Node 24) and its symbol (late Node 22) do not exist yet.
 */
export interface AsyncHookInternals {
  getHookArrays(): readonly [AsyncHook[], Record<number, number>];
  enableHooks(): void;
  readonly kInit: number;
  readonly kBefore: number;
  readonly kDestroy: number;
  readonly kTotals: number;
}

export interface ResourceTracking extends Tracking, ResourceLedger {
  /** Whether {@link enableWith} has to be called for anything to be seen. */
  readonly needsInternals: boolean;
  enableWith(internals: AsyncHookInternals): void;
  /** When the hooks are on. */
  readonly duty: Duty;
  /** To be called at every poll: lets go of what is needed for a time only. */
  rest(): void;
}

export function trackResources(
  node: NodeModules,
  table: TaskTable,
  stacks: Stacks,
  sampler: Sampler,
  clock: () => number,
  gate: Gate,
  reactions: Reactions,
  budget: Budget,
  endings: Endings,
  price: HookPrice,
): ResourceTracking {
  const tasks = new Map<number, number>();
  const ended = new Map<number, number>();
  const endedRing = new Float64Array(REMEMBERED_ENDS);
  let endedNext = 0;
  /** Ended where the stack was used up, until the next poll. */
  let late: number[] = [];
  let current: object = node;
  let currentTrigger = 0;
  const carriers = new Float64Array(REMEMBERED_CARRIERS);
  const carrierTriggers = new Float64Array(REMEMBERED_CARRIERS);
  const carrierSites = new Int32Array(REMEMBERED_CARRIERS);
  /** Types of `async_hooks` that C++ makes; all others come from `AsyncResource`s. */
  const providers = node.asyncHooks.asyncWrapProviders;
  /** Live sockets that may come to stand in a pool. */
  const sockets = new Map<number, WeakRef<object>>();
  /** Handles whose end Node does not tell before they are collected: it has to be asked for. */
  const silent = new Map<number, WeakRef<object>>();
  let silentStarts = 0;
  const directories = new Map<number, WeakRef<object>>();
  /** A job that may turn out to run at once, in the call that makes it: then it is no task. */
  let unproven: { asyncId: number; type: string; held: WeakRef<object>; site: number; weight: number; now: number } | undefined;
  /** Sites of timers: the microtasks behind a timer's callback are not the timer's doing. */
  const timerSites = new Set<number>();
  /** Names of the callbacks that Node puts off to the next tick for itself. */
  const ticksOfNode = new Set<unknown>();
  /** Functions of such names. */
  const quietTicks = new WeakMap<object, true>();
  /**
   * Live requests after which a function of Node's own goes on without a frame or a trigger of the program's. While there
   * are any, Node is asked to tell of each callback that it begins: the microtasks behind a callback are its doing.
   */
  const continuing = new Set<number>();
  let followed = false;
  let continuedLately = false;
  /** The callback that Node began last, 0 when it is not being told. */
  let lastCallback = 0;
  /** A handle that Node made just before the callback that hands it out: that callback's request is its cause. */
  let unplaced: { asyncId: number; type: string; resource: object; resourceClass: ResourceClass } | undefined;
  let firstId = 0;

  /** Ids grow: one that is lower than this was given before the hook was on. */
  function markBegin(): void {
    firstId = new node.asyncHooks.AsyncResource('ASYNCSCOPE', { requireManualDestroy: true }).asyncId();
  }

  const request: { -readonly [K in keyof SiteRequest]: SiteRequest[K] } = {
    kind: 'handle',
    type: '',
    above: init,
    now: 0,
    exact: true,
    label() {
      const callback =
        readOwn(node.isProxy, current, '_onTimeout') ?? readOwn(node.isProxy, current, '_onImmediate') ?? null;
      const name = typeof callback === 'function' ? readOwn(node.isProxy, callback, 'name') : null;
      return typeof name === 'string' ? name : null;
    },
    cause: findCause,
    // what is made before a callback has no stack of its own
    isInner: (type, below, cause, functions) => isInnerResource(type, MADE_BEFORE_CALLBACK.has(type) ? stacks.below(cause) : below, functions),
  };

  function findCause(): number {
    // a request goes over a socket that may have been opened for it, whatever the event that it is sent in
    let site = siteOfResource(socketOf(node, current));
    const running = node.asyncHooks.executionAsyncId();
    if (site === -1 && currentTrigger !== running) site = siteOfResource(currentTrigger);
    // what Node runs is no more than what came before the callback of `then`
    if (site === -1) site = reactions.running;
    if (site === -1) site = siteOfResource(running);
    if (site !== -1) return site;
    site = siteOfResource(lastCallback);
    return timerSites.has(site) ? -1 : site;
  }

  function siteOfResource(asyncId: number): number {
    let id = asyncId;
    for (let step = 0; step < CARRIER_STEPS && id > 0; step++) {
      const task = tasks.get(id);
      if (task !== undefined) return table.siteOf(task);
      const site = ended.get(id);
      if (site !== undefined) return site;
      const slot = slotOf(id);
      if (carriers[slot] !== id) return -1;
      const own = carrierSites[slot] as number;
      if (own !== -1) return own;
      id = carrierTriggers[slot] as number;
    }
    return -1;
  }

  /** Remembers a resource that is no task for the sake of what it starts. */
  function carry(asyncId: number, type: string, triggerAsyncId: number, resource: object): void {
    const slot = slotOf(asyncId);
    carriers[slot] = asyncId;
    carrierTriggers[slot] = triggerAsyncId === 0 ? lastCallback : triggerAsyncId;
    const { running } = reactions;
    carrierSites[slot] = running !== -1 && triggerAsyncId === node.asyncHooks.executionAsyncId() ? running : -1;
    if (type === 'TickObject' ? isKnownTick(resource) : sampler.weight !== 1 && type !== 'TLSWRAP') return;
    if (gate.busy) return;
    gate.busy = true;
    try {
      if (startsWork(type, resource) && gate.hasRoom()) {
        const now = clock();
        current = resource;
        currentTrigger = triggerAsyncId;
        request.kind = 'request';
        request.type = type;
        const site = stacks.site(request);
        if (site >= 0 && !isTickOfNode(type, resource, site)) carrierSites[slot] = site;
        sampler.charge(now, clock());
      }
      gate.leave();
    } catch {
      // the stack is used up: as in init
    } finally {
      gate.busy = false;
      current = node;
    }
  }

  /** A tick whose very function is known to start nothing: an HTTP server makes ten of them for each request. */
  function isKnownTick(resource: object): boolean {
    // Node's own object (node: lib/internal/process/task_queues.js), which has no prototype of a program's class
    if (getPrototypeOf(resource) !== objectPrototype) return false;
    const { callback } = resource as { readonly callback?: unknown };
    return typeof callback === 'function' && quietTicks.has(callback);
  }

  /** Whether what a resource does later is the doing of the line that made it, and that line is worth a stack. */
  function startsWork(type: string, resource: object): boolean {
    if (type === 'TickObject') {
      // Node's own ticks are many, and few of them start anything: only as many as streams and servers are opened.
      const name = nameOfTick(resource);
      if (ticksOfNode.has(name)) {
        learnTick(resource);
        return false;
      }
      if (name === STARTING_TICK || isLookUp(node, readOwn(node.isProxy, resource, 'args'))) return true;
      return sampler.affluent;
    }
    // The TLS layer of a socket stands for the socket, in the requests that go over it.
    if (type === 'TLSWRAP') return true;
    // A program may make any number of AsyncResources: while there is no time for all tasks there is none for these.
    return sampler.weight === 1 && type !== 'Microtask' && !(type in providers);
  }

  /** From now on a tick with the same function is known by it alone, unless it is the answer to a look-up. */
  function learnTick(resource: object): void {
    const callback = readOwn(node.isProxy, resource, 'callback');
    if (typeof callback === 'function') quietTicks.set(callback, true);
  }

  function nameOfTick(resource: object): unknown {
    return readOwn(node.isProxy, readOwn(node.isProxy, resource, 'callback'), 'name');
  }

  /**
   * Whether it was Node that put something off to the next tick, for reasons of its own, and not a library or the program.
   * Node does that for every chunk of every stream: such callbacks are known by their names after the first time.
   */
  function isTickOfNode(type: string, resource: object, site: number): boolean {
    if (type !== 'TickObject' || !(stacks.below(site)[1]?.startsWith('node:') ?? false)) return false;
    const name = nameOfTick(resource);
    if (name === STARTING_TICK || isLookUp(node, readOwn(node.isProxy, resource, 'args'))) return false;
    if (name !== '' && ticksOfNode.size < TICK_NAMES_LIMIT) ticksOfNode.add(name);
    return true;
  }

  const spend = (): void => {
    duty.spend(clock());
  };

  // Node ends the program when a callback of async_hooks throws.
  function init(asyncId: number, type: string, triggerAsyncId: number, resource: object): void {
    let unseen = 1;
    let entered = false;
    try {
      if (unproven !== undefined && !gate.busy) gate.change(prove);
      if (--duty.fuel <= 0 && !gate.busy && gate.hasRoom()) gate.change(spend);
      const resourceClass = RESOURCE_CLASS.get(type);
      if (resourceClass === undefined) {
        unseen = 0;
        carry(asyncId, type, triggerAsyncId, resource);
      } else if (gate.busy) {
        // another Asyncscope may be being put in, in the middle of a hook of ours
        if (resourceClass === 'timer' && isAgentTimer(node.isProxy, resource)) unseen = 0;
      } else if (--sampler.skip > 0) unseen = 0;
      else {
        gate.busy = entered = true;
        unseen = sampler.weight * duty.slotWeight;
        if (gate.hasRoom()) {
          unseen = 0;
          if (MADE_BEFORE_CALLBACK.has(type) && triggerAsyncId === 0) {
            unplaced = { asyncId, type, resource, resourceClass };
            follow();
          } else look(asyncId, type, triggerAsyncId, resource, resourceClass);
        }
        gate.leave();
      }
    } catch {
      // the stack is used up: the program gets its own RangeError at its own next call
    } finally {
      // no call: it could fail
      gate.lost += unseen;
      if (entered) {
        gate.busy = false;
        current = node;
      }
    }
  }

  function look(asyncId: number, type: string, triggerAsyncId: number, resource: object, resourceClass: ResourceClass): void {
    const now = clock();
    const weight = sampler.weight * duty.slotWeight;
    try {
      current = resource;
      currentTrigger = triggerAsyncId;
      request.type = type;
      if (resourceClass !== 'timer') request.kind = resourceClass;
      else if (readOwn(node.isProxy, resource, '_repeat') === null) request.kind = 'timeout';
      else {
        request.kind = 'interval';
        request.type = 'Interval';
      }
      const site = stacks.site(request);
      if (site === NO_SITE) table.drop(weight);
      else if (site !== NOT_COUNTED) {
        // Node holds a timer until the very event that ends its task. What else there is may be collected while open.
        // For a socket that http.Agent uses again Node tells of a stand-in (node: lib/internal/http_agent.js, ReusedHandle).
        const held =
          resourceClass === 'timer' || resourceClass === 'immediate'
            ? resource
            : new WeakRef(POOLED.has(type) ? ((readOwn(node.isProxy, resource, 'handle') as object | undefined) ?? resource) : resource);
        if (resourceClass === 'timer') timerSites.add(site);
        if (MAY_BE_SYNCHRONOUS.has(type)) {
          unproven = { asyncId, type, held: held as WeakRef<object>, site, weight, now };
        } else if (begin(asyncId, type, site, weight, now, held) && type === 'DIRHANDLE') tellOfClose(asyncId, resource);
      }
    } catch {
      // out of stack or memory: the task is not counted, and said to be
      table.drop(weight);
    }
    sampler.paid(now, clock());
  }

  function begin(asyncId: number, type: string, site: number, weight: number, now: number, held: object): boolean {
    const task = table.start(site, weight, now, held, duty);
    if (task === -1) return false;
    tasks.set(asyncId, task);
    if (CONTINUES_IN_NODE.has(type)) {
      continuing.add(asyncId);
      follow();
    }
    if (POOLED.has(type)) sockets.set(asyncId, held as WeakRef<object>);
    else if (SILENT.has(type)) {
      silent.set(asyncId, held as WeakRef<object>);
      if (++silentStarts >= SILENT_LIMIT && silentStarts > silent.size / 2) endSilent();
    }
    return true;
  }

  /** Counts the job that was made last, unless it has run in the call that made it. */
  function prove(): void {
    if (unproven === undefined) return;
    const { asyncId, type, held, site, weight, now } = unproven;
    unproven = undefined;
    const resource = held.deref();
    if (resource !== undefined && isUnderWay(node.isProxy, type, resource, stacks.below(site))) {
      begin(asyncId, type, site, weight, now, held);
    }
  }

  /** Ends the tasks that are over without Node having told so. */
  function endSilent(): void {
    silentStarts = 0;
    let looks = Math.min(silent.size, SILENT_LOOKS);
    for (const [asyncId, held] of silent) {
      if (looks-- === 0) break;
      silent.delete(asyncId);
      const handle = held.deref();
      if (handle === undefined) continue;
      if (isOver(node.isProxy, handle)) destroy(asyncId);
      else silent.set(asyncId, held);
    }
  }

  /**
   * Node tells that a directory is gone when it is collected, and its handle does not say whether it is closed. So `close` of
   * this one handle, which no program gets hold of, is stood in for until it is called or the agent goes.
   */
  function tellOfClose(asyncId: number, handle: object): void {
    const directory = handle as { close?: (...args: unknown[]) => unknown };
    const original = directory.close;
    if (typeof original !== 'function') return;
    directories.set(asyncId, new WeakRef(handle));
    directory.close = function close(...args) {
      delete directory.close;
      destroy(asyncId);
      return original.apply(this, args);
    };
  }

  /** Moves sockets that are idle in a pool to that pool. */
  function lookAtPools(): void {
    let looks = Math.min(sockets.size, POOL_LOOKS);
    for (const [asyncId, held] of sockets) {
      if (looks-- === 0) break;
      // those that stay go to the end of the list: the next poll begins behind them
      sockets.delete(asyncId);
      const handle = held.deref();
      const task = tasks.get(asyncId);
      if (handle === undefined || task === undefined) continue;
      const state = poolState(node.isProxy, handle);
      if (state === 'not pooled') continue;
      if (state === 'in use' || state === 'unknown') sockets.set(asyncId, held);
      else {
        const site = stacks.named('handle', 'TCPWRAP', state);
        if (site >= 0) table.move(task, site);
      }
    }
  }

  /** Node begins a callback. */
  function before(asyncId: number): void {
    lastCallback = asyncId;
    if (unplaced === undefined || gate.busy) return;
    gate.busy = true;
    try {
      const { asyncId: id, type, resource, resourceClass } = unplaced;
      unplaced = undefined;
      look(id, type, 0, resource, resourceClass);
      gate.leave();
    } catch {
      // the stack is used up: as in init
    } finally {
      gate.busy = false;
      current = node;
    }
  }

  // Node ends the program when a callback of async_hooks throws.
  function destroy(asyncId: number): void {
    try {
      if (unproven?.asyncId === asyncId && !gate.busy) gate.change(prove);
      if (unplaced?.asyncId === asyncId) unplaced = undefined;
      const task = tasks.get(asyncId);
      if (task === undefined) return;
      continuing.delete(asyncId);
      sockets.delete(asyncId);
      silent.delete(asyncId);
      directories.delete(asyncId);
      if (gate.hasRoom()) {
        gate.change(() => {
          end(asyncId, task);
        });
        return;
      }
    } catch {
      // the stack is used up: as above
    }
    late[late.length] = asyncId;
  }

  function catchUp(): void {
    const all = late;
    late = [];
    for (let i = 0; i < all.length; i++) destroy(all[i] as number);
  }

  function end(asyncId: number, task: number): void {
    tasks.delete(asyncId);
    ended.delete(endedRing[endedNext] as number);
    endedRing[endedNext] = asyncId;
    endedNext = (endedNext + 1) % REMEMBERED_ENDS;
    ended.set(asyncId, table.siteOf(task));
    table.end(task, false);
  }

  const hook = node.asyncHooks.createHook({ init, destroy, trackPromises: false });
  const beginnings = node.asyncHooks.createHook({ init, trackPromises: false });
  const callbacks = node.asyncHooks.createHook({ before, trackPromises: false });
  const withoutPromises = leaveOutPromises(hook) && leaveOutPromises(beginnings) && leaveOutPromises(callbacks);
  let enableHook: ((added: AsyncHook) => void) | undefined;
  /** The one of both that is on. */
  let enabled: AsyncHook | undefined;
  /** Ends may have been missed, as no hook told of them. */
  let dark = false;

  // Told to be called in the middle of a hook: Node has its hooks run to the end as they were (node: lib/internal/async_hooks.js).
  function setHooks(begins: boolean, ends: boolean): void {
    const next = ends ? hook : begins ? beginnings : undefined;
    if (!ends) dark = true;
    if (next === enabled) return;
    // first the new one: Node does more when it comes to have no hook at all
    if (next !== undefined) enableHook?.(next);
    enabled?.disable();
    enabled = next;
  }

  const duty = createDuty({ hooks: { set: setHooks }, cost: price.now, budget, part: HOOK_PART, burstMs: HOOK_BURST_MS, canReadEnds: true, seed: SEED, now: clock() });
  if (withoutPromises) {
    enableHook = (added) => {
      added.enable();
    };
    setHooks(true, true);
    markBegin();
  }

  /** Ends what is over without a hook having told so. */
  function readStates(most: number): void {
    endings.begin();
    let looks = tasks.size < most ? tasks.size : most;
    for (const [asyncId, task] of tasks) {
      if (looks-- === 0) break;
      if (endings.isOver(asyncId, table.resourceOf(task))) destroy(asyncId);
      else {
        // those that stay go to the end of the list: the next poll begins behind them
        tasks.delete(asyncId);
        tasks.set(asyncId, task);
      }
    }
  }

  function follow(): void {
    continuedLately = true;
    if (followed || enableHook === undefined) return;
    followed = true;
    enableHook(callbacks);
  }

  return {
    get firstId() {
      return firstId;
    },
    follows: (asyncId) => tasks.has(asyncId),
    follow(asyncId, site, start, held) {
      if (tasks.has(asyncId)) return true;
      const task = table.start(site, 1, start, held);
      if (task === -1) return false;
      tasks.set(asyncId, task);
      return true;
    },
    needsInternals: !withoutPromises,
    duty,
    enableWith({ getHookArrays, enableHooks, kInit, kBefore, kDestroy, kTotals }) {
      // what AsyncHook.prototype.enable does, short of updatePromiseHookMode (node: lib/async_hooks.js)
      enableHook = (added) => {
        const kinds = added === hook ? [kInit, kDestroy] : added === beginnings ? [kInit] : [kBefore];
        const [hooks, counts] = getHookArrays();
        for (let i = 0; i < hooks.length; i++) if (hooks[i] === added) return;
        const total = counts[kTotals] ?? 0;
        for (let i = 0; i < kinds.length; i++) {
          const kind = kinds[i] as number;
          counts[kind] = (counts[kind] ?? 0) + 1;
        }
        counts[kTotals] = total + kinds.length;
        hooks[hooks.length] = added;
        if (total === 0) enableHooks();
      };
      setHooks(true, true);
      markBegin();
    },
    rest() {
      if (dark) {
        const told = enabled === hook;
        readStates(told ? Infinity : STATES_PER_POLL);
        if (told) dark = false;
      }
      lookAtPools();
      gate.change(prove);
      endSilent();
      // not at once: a service that reads files would switch it on and off all the time
      if (followed && !continuedLately && continuing.size === 0 && unplaced === undefined) {
        followed = false;
        callbacks.disable();
        lastCallback = 0;
      }
      continuedLately = false;
    },
    catchUp,
    stop() {
      callbacks.disable();
      enabled?.disable();
      for (const held of directories.values()) {
        const handle = held.deref();
        if (handle !== undefined) delete (handle as { close?: unknown }).close;
      }
    },
  };
}

/** A power of two of slots: no division, whatever the size of the id. */
function slotOf(asyncId: number): number {
  return asyncId & (REMEMBERED_CARRIERS - 1);
}

/** Makes a hook that Node shows no promises, whatever its version; false where it has no way to ask for that. */
function leaveOutPromises(hook: AsyncHook): boolean {
  const symbols = getOwnPropertySymbols(hook);
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as symbol;
    if (symbol.description !== 'kNoPromiseHook') continue;
    (hook as unknown as Record<symbol, boolean>)[symbol] = true;
    return true;
  }
  return false;
}

/** Whether a compression or a file handle has been closed: it has let go of its handle, or of its descriptor. */
function isOver(isProxy: (value: unknown) => boolean, handle: object): boolean {
  const owner = readHidden(isProxy, handle, 'owner_symbol');
  if (owner !== undefined && owner !== null) return readOwn(isProxy, owner, '_handle') === null;
  const descriptor = (handle as { fd?: unknown }).fd;
  return typeof descriptor === 'number' && descriptor < 0;
}

/** Whether a job goes on after the call that made it (node: lib/internal/crypto, `ondone`; lib/zlib.js, zlibBufferSync). */
function isUnderWay(isProxy: (value: unknown) => boolean, type: string, resource: object, below: readonly string[]): boolean {
  if (type === 'ZLIB') return !isOver(isProxy, resource);
  // the jobs of WebCrypto answer by a promise of their own from Node 26 on
  return readOwn(isProxy, resource, 'ondone') !== undefined || isOneOf(below, 'node:internal/crypto/webcrypto');
}

/** Whether a tick's arguments are the answer to the look-up of what is an address already (node: lib/dns.js, lookup). */
function isLookUp({ isProxy }: NodeModules, args: unknown): boolean {
  if (!Array.isArray(args) || readOwn(isProxy, args, 0) !== null) return false;
  const answer = readOwn(isProxy, args, 1);
  const family = Array.isArray(answer) ? readOwn(isProxy, readOwn(isProxy, answer, 0), 'family') : readOwn(isProxy, args, 2);
  return family === 4 || family === 6;
}

/** The id of the socket that an HTTP request goes over, or -1: a parser is taken from a pool, long after the call. */
function socketOf({ isProxy }: NodeModules, resource: object): number {
  const request = readOwn(isProxy, resource, 'req');
  // an own property on Node 20, behind an accessor from 22 on
  const socket = readOwn(isProxy, request, 'socket') ?? readHidden(isProxy, request, 'kSocket');
  const handle = readHidden(isProxy, socket, 'kHandle') as { getAsyncId?(): number } | null | undefined;
  return handle?.getAsyncId?.() ?? -1;
}
