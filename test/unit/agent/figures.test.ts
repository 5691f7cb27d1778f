/** Figures of a process whose program has patched what they come from. */
import * as asyncHooks from 'node:async_hooks';
import * as perfHooks from 'node:perf_hooks';
import * as timers from 'node:timers';
import * as v8 from 'node:v8';
import { afterEach, describe, expect, test } from 'vitest';
import { watchFigures } from '../../../src/agent/figures';
import type { Figures } from '../../../src/agent/figures';
import type { NodeModules, TargetProcess } from '../../../src/agent/host';
import { AGENT_STRING_LIMIT } from '../../../src/protocol/agent';

const NODE = { asyncHooks, perfHooks, timers, v8, isProxy: () => false } as unknown as NodeModules;
const MEMORY = { rss: 5, heapTotal: 4, heapUsed: 3, external: 2, arrayBuffers: 1 };
const NO_FIGURES: readonly unknown[] = [undefined, null, NaN, Infinity, -1, 1e300, '7', {}];

let watching: Figures | undefined;

afterEach(() => {
  watching?.stop();
});

/** @param now what the process says when it is asked; changed between two questions */
function watch(now: { memory?: unknown; uptime?: unknown; types?: unknown }): Figures {
  const process = {
    memoryUsage: () => now.memory ?? MEMORY,
    uptime: () => ('uptime' in now ? now.uptime : 60),
    getActiveResourcesInfo: () => now.types ?? [],
  } as unknown as TargetProcess;
  watching = watchFigures(NODE, process, () => 0);
  return watching;
}

describe('figures of the process', () => {
  test.each(NO_FIGURES)('%s in their place is not told: the last ones stand', (nothing) => {
    const now: { memory?: unknown; uptime?: unknown } = {};
    const figures = watch(now);
    figures.take(0);
    now.memory = { rss: 50, heapTotal: nothing, heapUsed: nothing, external: nothing, arrayBuffers: nothing };
    now.uptime = nothing;
    const { heap, uptimeMs } = figures.take(1);
    expect(heap).toMatchObject({ rss: 50, total: 4, used: 3, external: 2 });
    expect(heap.arrayBuffers).toBeGreaterThanOrEqual(0);
    expect(uptimeMs).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(uptimeMs)).toBe(true);
  });

  test('what was never known is 0', () => {
    expect(watch({ memory: { heapUsed: 1 } }).take(0).heap).toMatchObject({ used: 1, total: 0, rss: 0, external: 0, arrayBuffers: 0 });
  });

  test('types of active resources are counted whatever they are called', () => {
    const types = ['Timeout', 'Timeout', 'toString', 7, undefined, 'x'.repeat(AGENT_STRING_LIMIT + 1)];
    const { activeResources } = watch({ types }).take(0);
    expect({ ...activeResources }).toEqual({ Timeout: 2, toString: 1, ['x'.repeat(AGENT_STRING_LIMIT)]: 1 });
  });

  test('of any number of types there is an end', () => {
    const { activeResources } = watch({ types: Array.from({ length: 100_000 }, (_, index) => `type ${index}`) }).take(0);
    expect(Object.keys(activeResources)).toHaveLength(256);
  });
});
