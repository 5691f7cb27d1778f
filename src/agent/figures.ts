/** Heap, event loop and collections of the target, taken with each poll. */
import type { AgentPoll } from '../protocol/agent';
import { readHidden } from './host';
import type { NodeModules, TargetProcess } from './host';

/** Resolution of Node's event-loop delay histogram. Milliseconds. */
const DELAY_RESOLUTION_MS = 20;
/** Listing active resources walks them all: it may take this share of the time between two listings. */
const LISTING_SHARE = 0.002;

export interface Figures {
  take(now: number): AgentPoll['process'];
  stop(): void;
  /** Of our own handle: the method that all of Node's handles inherit, though some hide it. */
  readonly getAsyncId: ((this: object) => number) | undefined;
}

export function watchFigures(node: NodeModules, process: TargetProcess, clock: () => number): Figures {
  const { performance } = node.perfHooks;
  const delay = node.perfHooks.monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const limit = node.v8.getHeapStatistics().heap_size_limit;
  const profiler = node.v8.GCProfiler === undefined ? undefined : new node.v8.GCProfiler();
  profiler?.start();
  let utilization = performance.eventLoopUtilization();
  let collections = 0;
  let collectionMs = 0;
  /** When the loop was last seen turning; the histogram's own timer ticks with it, however idle it is. */
  let turnedAt = clock();
  let activeResources: Record<string, number> = {};
  let listAgainAt = 0;

  /** The histogram records the whole interval between two of its ticks, resolution included. */
  function beyondResolution(nanoseconds: number): number {
    const ms = nanoseconds / 1e6 - DELAY_RESOLUTION_MS;
    return ms > 0 ? ms : 0;
  }

  return {
    take(now) {
      const memory = process.memoryUsage();
      const collected = profiler?.stop();
      profiler?.start();
      for (const { cost } of collected?.statistics ?? []) {
        collections++;
        // GCProfiler reports microseconds (node: src/node_v8.cc, GCProfiler::AfterGCCallback)
        collectionMs += cost / 1000;
      }
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
        for (const type of process.getActiveResourcesInfo()) activeResources[type] = (activeResources[type] ?? 0) + 1;
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
        gc: { count: collections, totalMs: collectionMs },
        activeResources,
        uptimeMs: process.uptime() * 1000,
      };
    },
    getAsyncId: (readHidden(node.isProxy, delay, 'kHandle') as { getAsyncId?(this: object): number } | undefined)?.getAsyncId,
    stop() {
      delay.disable();
      profiler?.stop();
    },
  };
}
