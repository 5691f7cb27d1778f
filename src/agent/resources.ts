/**
 * Live timers, handles and requests, from `async_hooks` without promise tracking: with it, every await of the program
 * would cost several times as much, and on old Nodes `AsyncLocalStorage` could lose its context.
 */
import type { Gate } from './gate';
import type { AsyncHook, NodeModules } from './host';
import { readHidden, readOwn } from './host';
import type { Tracking } from './promises';
import { RESOURCE_CLASS, isInnerResource } from './resourceTypes';
import type { ResourceClass } from './resourceTypes';
import type { Sampler } from './sampler';
import { NOT_COUNTED, NO_SITE } from './stacks';
import type { SiteRequest, Stacks } from './stacks';
import type { TaskTable } from './taskTable';

/** Ended resources whose site is still known, so that what they triggered finds its cause. */
const REMEMBERED_ENDS = 1024;

/**
 * What Node keeps to itself, taken by the debugger out of the scopes of `AsyncHook.prototype.enable` where
 * `trackPromises: false` (Node 24) and its symbol (late Node 22) do not exist yet.
 */
export interface AsyncHookInternals {
  getHookArrays(): readonly [AsyncHook[], Record<number, number>];
  enableHooks(): void;
  readonly kInit: number;
  readonly kDestroy: number;
  readonly kTotals: number;
}

export interface ResourceTracking extends Tracking {
  /** Whether {@link enableWith} has to be called for anything to be seen. */
  readonly needsInternals: boolean;
  enableWith(internals: AsyncHookInternals): void;
}

export function trackResources(
  node: NodeModules,
  table: TaskTable,
  stacks: Stacks,
  sampler: Sampler,
  clock: () => number,
  gate: Gate,
): ResourceTracking {
  const tasks = new Map<number, number>();
  const ended = new Map<number, number>();
  const endedRing = new Float64Array(REMEMBERED_ENDS);
  let endedNext = 0;
  let current: object = node;
  let currentTrigger = 0;

  const request: { -readonly [K in keyof SiteRequest]: SiteRequest[K] } = {
    kind: 'handle',
    type: '',
    above: init,
    now: 0,
    label() {
      const callback =
        readOwn(node.isProxy, current, '_onTimeout') ?? readOwn(node.isProxy, current, '_onImmediate') ?? null;
      const name = typeof callback === 'function' ? readOwn(node.isProxy, callback, 'name') : null;
      return typeof name === 'string' ? name : null;
    },
    cause() {
      for (const id of [currentTrigger, node.asyncHooks.executionAsyncId(), socketOf(node, current)]) {
        const site = siteOfResource(id);
        if (site !== -1) return site;
      }
      return -1;
    },
    isInner: (below) => isInnerResource(request.type, below),
  };

  function siteOfResource(asyncId: number): number {
    const task = tasks.get(asyncId);
    return task === undefined ? (ended.get(asyncId) ?? -1) : table.siteOf(task);
  }

  function init(asyncId: number, type: string, triggerAsyncId: number, resource: object): void {
    const resourceClass = RESOURCE_CLASS.get(type);
    if (resourceClass === undefined) return;
    if (--sampler.skip > 0 || gate.busy) return;
    gate.busy = true;
    try {
      look(asyncId, type, triggerAsyncId, resource, resourceClass);
      gate.leave();
    } catch {
      // the stack is used up: the program gets its own RangeError at its own next call
    } finally {
      gate.busy = false;
      current = node;
    }
  }

  function look(asyncId: number, type: string, triggerAsyncId: number, resource: object, resourceClass: ResourceClass): void {
    const now = clock();
    try {
      current = resource;
      currentTrigger = triggerAsyncId;
      request.type = type;
      request.now = now;
      if (resourceClass !== 'timer') request.kind = resourceClass;
      else if (readOwn(node.isProxy, resource, '_repeat') === null) request.kind = 'timeout';
      else {
        request.kind = 'interval';
        request.type = 'Interval';
      }
      const site = stacks.site(request);
      if (site === NO_SITE) table.drop(sampler.weight);
      else if (site !== NOT_COUNTED) {
        // Node holds a timer until the very event that ends its task. What else there is may be collected while open.
        const held = resourceClass === 'timer' || resourceClass === 'immediate' ? resource : new WeakRef(resource);
        const task = table.start(site, sampler.weight, now, held);
        if (task !== -1) tasks.set(asyncId, task);
      }
    } catch {
      // out of stack or memory: the task is not counted, and said to be
      table.drop(sampler.weight);
    }
    sampler.paid(now, clock());
  }

  // Node ends the program when a callback of async_hooks throws.
  function destroy(asyncId: number): void {
    try {
      const task = tasks.get(asyncId);
      if (task === undefined) return;
      gate.change(() => {
        end(asyncId, task);
      });
    } catch {
      // the stack is used up: as above
    }
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
  const noPromises = Object.getOwnPropertySymbols(hook).find((symbol) => symbol.description === 'kNoPromiseHook');
  if (noPromises !== undefined) {
    (hook as unknown as Record<symbol, boolean>)[noPromises] = true;
    hook.enable();
  }
  return {
    needsInternals: noPromises === undefined,
    enableWith({ getHookArrays, enableHooks, kInit, kDestroy, kTotals }) {
      // what AsyncHook.prototype.enable does, short of updatePromiseHookMode (node: lib/async_hooks.js)
      const [hooks, counts] = getHookArrays();
      if (hooks.includes(hook)) return;
      const before = counts[kTotals] ?? 0;
      counts[kInit] = (counts[kInit] ?? 0) + 1;
      counts[kDestroy] = (counts[kDestroy] ?? 0) + 1;
      counts[kTotals] = before + 2;
      hooks.push(hook);
      if (before === 0) enableHooks();
    },
    stop() {
      hook.disable();
    },
  };
}

/** The id of the socket that an HTTP request goes over, or -1: a parser is taken from a pool, long after the call. */
function socketOf({ isProxy }: NodeModules, resource: object): number {
  const request = readOwn(isProxy, resource, 'req');
  // an own property on Node 20, behind an accessor from 22 on
  const socket = readOwn(isProxy, request, 'socket') ?? readHidden(isProxy, request, 'kSocket');
  const handle = readHidden(isProxy, socket, 'kHandle') as { getAsyncId?(): number } | null | undefined;
  return handle?.getAsyncId?.() ?? -1;
}
