/** Heap, event loop and collections of the target, taken with each poll. */
import type { AgentPoll } from '../protocol/agent';
import { cutText, isFigure } from './bounds';
import { watchCollections } from './collections';
import { readHidden } from './host';
import type { NodeModules, TargetProcess } from './host';
import { carryNothing } from './outside';

/** Resolution of Node's event-loop delay histogram. Milliseconds. */
const DELAY_RESOLUTION_MS = 20;
/** Listing active resources walks them all: it may take this share of the time between two listings. */
const LISTING_SHARE = 0.002;
/** So many types of active resources are told: Node has some 80, and a program that has patched the list may name any. */
const ACTIVE_TYPES_LIMIT = 256;

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
  let listAgainAt = 0;

  /** The histogram records the whole interval between two of its ticks, resolution included. */
  function beyondResolution(nanoseconds: number): number {
    const ms = nanoseconds / 1e6 - DELAY_RESOLUTION_MS;
    return ms > 0 ? ms : 0;
  }

  /** What a program has patched to throw, or to say what is no figure, is not known: the last figures stand. */
  let last: AgentPoll['process'] = {
    heap: { used: 0, total: 0, limit: isFigure(limit) ? limit : 0, rss: 0, external: 0, arrayBuffers: 0 },
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
    const loop = known(last.loop, {
      delayP50Ms: seen ? beyondResolution(delay.percentile(50)) : 0,
      delayP99Ms: seen ? beyondResolution(delay.percentile(99)) : 0,
      delayMaxMs: seen ? beyondResolution(delay.max) : 0,
      utilization: span.utilization,
      // two polls can follow each other faster than the histogram ticks
      stillMs: now - turnedAt > 2 * DELAY_RESOLUTION_MS ? now - turnedAt : 0,
    });
    const { estimated, ...collected } = collections.take(now);
    let { activeResources } = last;
    delay.reset();
    if (now >= listAgainAt && process.getActiveResourcesInfo !== undefined) {
      activeResources = countTypes(process.getActiveResourcesInfo());
      const end = clock();
      listAgainAt = end + (end - now) / LISTING_SHARE;
    }
    return {
      heap: known(last.heap, {
        used: memory.heapUsed,
        total: memory.heapTotal,
        limit,
        rss: memory.rss,
        external: memory.external,
        arrayBuffers: memory.arrayBuffers ?? 0,
      }),
      loop,
      gc: { ...known(last.gc, collected), estimated },
      activeResources,
      ...known(last, { uptimeMs: process.uptime() * 1000 }),
    };
  }
}

/** Figures as they are said to be now; where that is none, the last one. */
function known<Figure extends string>(last: Readonly<Record<NoInfer<Figure>, number>>, now: Readonly<Record<Figure, number>>): Record<Figure, number> {
  const figures: Record<Figure, number> = { ...now };
  const names = keys(figures) as Figure[];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as Figure;
    if (!isFigure(figures[name])) figures[name] = last[name];
  }
  return figures;
}

function countTypes(types: readonly unknown[]): Record<string, number> {
  // nothing inherited: a type may have the name of a method
  const counts = create(null) as Record<string, number>;
  let kinds = 0;
  for (let i = 0; i < types.length; i++) {
    if (typeof types[i] !== 'string') continue;
    const type = cutText(types[i] as string);
    if (counts[type] === undefined && ++kinds > ACTIVE_TYPES_LIMIT) break;
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

const { create, keys } = Object;
