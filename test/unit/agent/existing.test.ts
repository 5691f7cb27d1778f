import { describe, expect, test } from 'vitest';
import { createExisting } from '../../../src/agent/existing.ts';
import type { TargetProcess } from '../../../src/agent/host.ts';
import type { Stacks } from '../../../src/agent/stacks.ts';

const ASYNC_ID = Symbol('asyncId');
const FIRST_ID = 1_000_000;
const TIMERS_ID = 500_000;
/** After this another count is due, whatever the last one took. */
const LATER = 1e9;

/** Node's object behind a socket. */
class TCP {
  constructor(readonly id: number) {}
}

/** A ring, as Node keeps timers of one duration in. */
function ringOf(count: number): object {
  const ring: Record<string, unknown> = {};
  let next: object = ring;
  for (let i = count; i > 0; i--) next = { _onTimeout: () => undefined, _repeat: null, _idleNext: next, [ASYNC_ID]: TIMERS_ID + i };
  ring._idleNext = next;
  return ring;
}

/** A process with so many sockets and timers, none of which has a site yet. */
function watched(sockets: number, timers: number) {
  const handles = Array.from({ length: sockets }, (_, i) => ({ _handle: new TCP(i + 1) }));
  const followed = new Set<number>();
  let siteCount = 0;
  const existing = createExisting({
    process: { _getActiveHandles: () => handles } as unknown as TargetProcess,
    isProxy: () => false,
    stacks: { addExisting: () => siteCount++ } as unknown as Stacks,
    ledger: { firstId: FIRST_ID, follow: (id) => (followed.add(id), true), follows: (id) => followed.has(id) },
    own: {},
    getAsyncId(this: object) {
      return (this as TCP).id;
    },
    clock: () => 0,
    loopOffset: 0,
    running: { reveal: () => undefined, resource: () => undefined },
  });
  existing.adopt({ timerListMap: { 1000: ringOf(timers) } });
  const ids = [...followed];
  return { existing, sockets: ids.filter((id) => id < TIMERS_ID).length, timers: ids.filter((id) => id >= TIMERS_ID).length };
}

describe('what was there before the attach', () => {
  test('is followed where it is not too much', () => {
    const { existing, ...followed } = watched(9_000, 5_000);
    expect(followed).toEqual({ sockets: 9_000, timers: 5_000 });
    expect(existing.more(LATER)).toBe(0);
  });

  test('very many sockets leave half of the room to timers, and are counted', () => {
    const { existing, ...followed } = watched(30_000, 5_000);
    expect(followed).toEqual({ sockets: 10_000, timers: 5_000 });
    expect(existing.more(0)).toBe(20_000);
    expect(existing.more(LATER)).toBe(20_000);
    expect(existing.complete).toBe(true);
  });

  test('timers beyond the limit are counted again', () => {
    const { existing, ...followed } = watched(15_000, 12_000);
    expect(followed).toEqual({ sockets: 10_000, timers: 10_000 });
    expect(existing.more(0)).toBe(7_000);
    expect(existing.more(LATER)).toBe(7_000);
  });
});
