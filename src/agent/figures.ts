/** Heap, event loop and collections of the target, taken with each poll. */
import type { AgentPoll } from '../protocol/agent';
import { watchCollections } from './collections';
import { readHidden } from './host';
import type { NodeModules, TargetProcess } from './host';
import { carryNothing } from './outside';

/** Resolution of Node's event-loop delay histogram. Milliseconds. */
const DELAY_RESOLUTION_MS = 20;
/** Listing active resources walks them all: it may take this share of the time between two listings. */
const LISTING_SHARE = 0.002;

export interface Figures {
  take(now: number): AgentPoll['process'];
  stop(): void;
  /** To be called where nothing of the program is under way. Since Node 24 a handle carries that where only this reaches. */
  carryNothing(): void;
  /** Of our own handle: the method that all of Node's handles inherit, though some hide it. */
  readonly getAsyncId: ((this: object) => number) | undefined;
}

export function watchFigures(node: NodeModules, process: TargetProcess, clock: () => number): Figures {
  const { performance } = node.perfHooks;
  const delay = node.perfHooks.monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  const handle = readHidden(node.isProxy, delay, 'kHandle') as { getAsyncId?(this: object): number; asyncReset?(resource: object): void } | undefined;
  if (handle !== undefined) carryNothing(handle);
  delay.enable();
  const limit = node.v8.getHeapStatistics().heap_size_limit;
  const collections = watchCollections(node.perfHooks, clock());
  let utilization = performance.eventLoopUtilization();
  /** When the loop was last seen turning; the histogram's own timer ticks with it, however idle it is. */
  let turnedAt = clock();
  let activeResources: Record<string, number> = {};
  let listAgainAt = 0;

  /** The histogram records the whole interval between two of its ticks, resolution included. */
  function beyondResolution(nanoseconds: number): number {
    const ms = nanoseconds / 1e6 - DELAY_RESOLUTION_MS;
    return ms > 0 ? ms : 0;
  }

  /** What a program has patched to throw is not known: the last figures stand. */
  let last: AgentPoll['process'] = {
    heap: { used: 0, total: 0, limit, rss: 0, external: 0, arrayBuffers: 0 },
    loop: { delayP50Ms: 0, delayP99Ms: 0, delayMaxMs: 0, utilization: 0, stillMs: 0 },
    gc: { count: 0, totalMs: 0, estimated: false },
    activeResources: {},
    uptimeMs: 0,
  };

  return {
    take(now) {
      try {
        last = measure(now);
      } catch {
        // as above
      }
      return last;
    },
    getAsyncId: handle?.getAsyncId,
    carryNothing() {
      handle?.asyncReset?.(handle);
    },
    stop() {
      delay.disable();
      collections.stop();
    },
  };

  function measure(now: number): AgentPoll['process'] {
    const memory = process.memoryUsage();
    const after = performance.eventLoopUtilization();
    const span = performance.eventLoopUtilization(after, utilization);
    utilization = after;
    const seen = delay.count > 0;
    if (seen) turnedAt = now;
    const loop = {
      delayP50Ms: seen ? beyondResolution(delay.percentile(50)) : 0,
      delayP99Ms: seen ? beyondResolution(delay.percentile(99)) : 0,
      delayMaxMs: seen ? beyondResolution(delay.max) : 0,
      utilization: span.utilization,
      // two polls can follow each other faster than the histogram ticks
      stillMs: now - turnedAt > 2 * DELAY_RESOLUTION_MS ? now - turnedAt : 0,
    };
    delay.reset();
    if (now >= listAgainAt && process.getActiveResourcesInfo !== undefined) {
      activeResources = {};
      const types = process.getActiveResourcesInfo();
      for (let i = 0; i < types.length; i++) {
        const type = types[i] as string;
        activeResources[type] = (activeResources[type] ?? 0) + 1;
      }
      const end = clock();
      listAgainAt = end + (end - now) / LISTING_SHARE;
    }
    return {
      heap: {
        used: memory.heapUsed,
        total: memory.heapTotal,
        limit,
        rss: memory.rss,
        external: memory.external,
        arrayBuffers: memory.arrayBuffers ?? 0,
      },
      loop,
      gc: collections.take(now),
      activeResources,
      uptimeMs: process.uptime() * 1000,
    };
  }
}
