import { describe, expect, test } from 'vitest';
import { watchCollections } from '../../../src/agent/collections.ts';
import type { NodeModules } from '../../../src/agent/host.ts';

/** A process with so many collections a second, each of 0.2 ms. */
function processWith(perSecond: () => number) {
  let now = 0;
  let heard = 0;
  let total = 0;
  let listening = false;
  let listenedMs = 0;
  class GCProfiler {
    start(): void {
      listening = true;
      heard = 0;
    }
    stop() {
      listening = false;
      return { statistics: Array.from({ length: heard }, () => ({ cost: 200 })) };
    }
  }
  const collections = watchCollections({ GCProfiler } as unknown as NodeModules['v8'], 0);
  return {
    run(seconds: number) {
      let figures = collections.take(now);
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        total += perSecond();
        if (listening) heard += perSecond();
        if (listening) listenedMs += 1_000;
        figures = collections.take(now);
      }
      return { ...figures, total, share: listenedMs / now };
    },
  };
}

describe('garbage collections', () => {
  test('a few are all counted', () => {
    const { count, totalMs, estimated, total } = processWith(() => 3).run(100);
    expect(count).toBe(total);
    expect(totalMs).toBeCloseTo(total * 0.2, 6);
    expect(estimated).toBe(false);
  });

  test('of many some are counted, and stand for the rest', () => {
    const { count, totalMs, estimated, total, share } = processWith(() => 400).run(1_000);
    // 0.02 % of the time at 0.05 ms each are 4 a second: one in a hundred of these
    expect(share).toBeLessThan(0.02);
    expect(estimated).toBe(true);
    // what was not listened to since the last time is still to come
    expect(count / total).toBeGreaterThan(0.95);
    expect(count / total).toBeLessThanOrEqual(1);
    expect(totalMs).toBeCloseTo(count * 0.2, 6);
  });

  test('a load that goes is noticed', () => {
    let rate = 5_000;
    const process = processWith(() => rate);
    process.run(10);
    rate = 3;
    const before = process.run(120);
    const after = process.run(60);
    expect(after.count - before.count).toBe(180);
  });

  test('a Node that cannot tell counts none', () => {
    expect(watchCollections({ GCProfiler: undefined } as unknown as NodeModules['v8'], 0).take(1_000)).toEqual({ count: 0, totalMs: 0, estimated: false });
  });
});
