/** Analyses of heaps made by hand, and a process whose suspended functions stand where a test says. */
import type { HeapAnalysis, RawFrame, RawGroup } from '../../../../src/core/heap/heapAnalysis';
import type { SuspendedFrame, SuspendedFrames } from '../../../../src/cdp/target';

export const SCRIPT = 1;
export const NODE_SCRIPT = 2;

/** A frame that is declared on a line of the script. */
export function frame(name: string, line: number, more: Partial<RawFrame> = {}): RawFrame {
  return { function: name, kind: 'async function', declared: { scriptId: SCRIPT, line, column: 0 }, repeats: 1, detail: null, ...more };
}

/** @param chains ids of the generators of each chain, outermost first, then of the promise that it hangs on */
export function group(chain: readonly RawFrame[], chains: readonly (readonly number[])[], more: Partial<RawGroup> = {}): RawGroup {
  return {
    count: chains.length,
    chain,
    members: Uint32Array.from(chains.flatMap((ids) => ids.slice(0, chain.length))),
    awaited: Uint32Array.from(chains.map((ids) => ids[chain.length] ?? 0)),
    waitsFor: { kind: 'app promise', text: ['a promise'], at: null, details: {} },
    verdict: null,
    why: [],
    heldBy: [],
    ...more,
  };
}

export function analysis(groups: readonly RawGroup[], more: Partial<HeapAnalysis> = {}): HeapAnalysis {
  return {
    totals: { suspended: 0, pendingPromises: 0, timers: 0, handles: 0, requests: 0 },
    scripts: new Map([
      [SCRIPT, '/app/src/orders.js'],
      [NODE_SCRIPT, 'node:internal/timers'],
    ]),
    groups,
    resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] },
    notes: [],
    ...more,
  };
}

/** A process with suspended functions at lines, and the time that it takes. */
export class FakeFrames implements SuspendedFrames {
  readonly located: number[] = [];
  readonly asked: number[] = [];
  readonly released: string[] = [];
  /** Lines by the ids of generators. */
  readonly lines = new Map<number, number>();
  /** Promises that are settled. */
  readonly settled = new Set<number>();
  /** Texts of functions by the ids of generators. */
  readonly sources = new Map<number, string>();
  scope: Awaited<ReturnType<SuspendedFrames['scopes']>>;
  clock = 0;

  constructor(readonly costMs = 10) {}

  locate(id: number): Promise<SuspendedFrame | undefined> {
    this.located.push(id);
    this.clock += this.costMs;
    const line = this.lines.get(id);
    return Promise.resolve(line === undefined ? undefined : { at: { scriptId: SCRIPT, line, column: 2 }, source: this.sources.get(id) ?? null });
  }

  isPending(id: number): Promise<boolean> {
    this.asked.push(id);
    this.clock += this.costMs;
    return Promise.resolve(!this.settled.has(id));
  }

  scopes(): ReturnType<SuspendedFrames['scopes']> {
    return Promise.resolve(this.scope);
  }

  members(): ReturnType<SuspendedFrames['members']> {
    return Promise.resolve([{ name: 'inner', value: { type: 'number', value: 1 }, accessor: false }]);
  }

  release(name: string): Promise<void> {
    this.released.push(name);
    return Promise.resolve();
  }
}
