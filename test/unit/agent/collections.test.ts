import { describe, expect, test } from 'vitest';
import { watchCollections } from '../../../src/agent/collections.ts';
import type { PerformanceEntry } from '../../../src/agent/host.ts';

/** A process with so many collections a second, each of 0.2 ms, of which some are handed over only when they are asked for. */
function processWith(perSecond: () => number, late = 0, isBroken = () => false) {
  let now = 0;
  let total = 0;
  let listening = false;
  let listenedMs = 0;
  let hear: (list: { getEntries(): readonly PerformanceEntry[] }) => void = () => undefined;
  let waiting: PerformanceEntry[] = [];
  class PerformanceObserver {
    constructor(callback: typeof hear) {
      hear = callback;
    }
    observe(): void {
      if (isBroken()) throw new Error('not here');
      listening = true;
    }
    takeRecords(): readonly PerformanceEntry[] {
      return waiting.splice(0);
    }
    disconnect(): void {
      listening = false;
      waiting = [];
    }
  }
  const collections = watchCollections({ PerformanceObserver }, 0);
  return {
    run(seconds: number) {
      let figures = collections.take(now);
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        total += perSecond();
        if (listening) {
          listenedMs += 1_000;
          const entries = Array.from({ length: perSecond() }, () => ({ duration: 0.2 }));
          waiting = entries.splice(0, late);
          hear({ getEntries: () => entries });
        }
        figures = collections.take(now);
      }
      return { ...figures, total, share: listenedMs / now };
    },
    get isListenedTo() {
      return listening;
    },
    stop: () => {
      collections.stop();
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

  test('those that Node has not handed over yet are counted', () => {
    const { count, total } = processWith(() => 3, 2).run(100);
    expect(count).toBe(total);
  });

  test('of many some are counted, and stand for the rest', () => {
    const { count, totalMs, estimated, total, share } = processWith(() => 400).run(1_000);
    // 0.02 % of the time at 0.035 ms each are 6 a second: one in seventy of these
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

  test('nobody listens any more once it is over', () => {
    const process = processWith(() => 3);
    process.run(3);
    expect(process.isListenedTo).toBe(true);
    process.stop();
    expect(process.isListenedTo).toBe(false);
  });

  test('a program that has patched the observer to throw is left alone, and none are counted', () => {
    expect(processWith(() => 3, 0, () => true).run(10)).toMatchObject({ count: 0, totalMs: 0, estimated: false });
  });

  test('what was counted stands where a program patches the observer later', () => {
    let broken = false;
    const busy = processWith(() => 400, 0, () => broken);
    const { count } = busy.run(2);
    broken = true;
    expect(busy.run(200)).toMatchObject({ count, estimated: true });
    expect(busy.isListenedTo).toBe(false);
  });

  test('a Node that cannot tell counts none', () => {
    expect(watchCollections({}, 0).take(1_000)).toEqual({ count: 0, totalMs: 0, estimated: false });
  });
});
