import { describe, expect, it } from 'vitest';
import { analyzeHeap } from '../../../../src/core/heap/analyzeHeap';
import type { HeapAnalysis, RawGroup } from '../../../../src/core/heap/heapAnalysis';
import { asyncHeap, type AsyncHeap } from './asyncHeap';

/** One line a group: `2 x stuck: outer > inner | app promise`. */
function lines(analysis: HeapAnalysis): string[] {
  return analysis.groups.map(line).sort();
}

function line({ count, verdict, chain, waitsFor }: RawGroup): string {
  const frames = chain.map((frame) => `${frame.detail ?? frame.function ?? '(anonymous)'}${frame.repeats > 1 ? ` x${String(frame.repeats)}` : ''}`);
  return `${String(count)} x ${verdict ?? 'none'}: ${frames.join(' > ')} | ${waitsFor.kind}`;
}

function analyzed(heap: AsyncHeap): HeapAnalysis {
  return analyzeHeap(heap.graph());
}

describe('chains', () => {
  it('lead from the outermost function to what everything hangs on', () => {
    const heap = asyncHeap();
    const never = heap.promise();
    heap.global('held', heap.resolverOf(never));
    const inner = heap.asyncFunction('inner').awaits(never);
    heap.asyncFunction('outer').awaits(inner.promise);
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: outer > inner | app promise']);
  });

  it('fold when they are alike, and when a function calls itself', () => {
    const heap = asyncHeap();
    const never = heap.promise();
    heap.global('held', heap.resolverOf(never));
    const walk = heap.closure('walk');
    for (let i = 0; i < 3; i++) heap.callOf(walk).awaits(heap.callOf(walk).awaits(never).promise);
    const analysis = analyzed(heap);
    expect(lines(analysis)).toEqual(['3 x stuck: walk x2 | app promise']);
    expect(analysis.totals).toMatchObject({ suspended: 6, pendingPromises: 7 });
  });

  it('end where nothing can settle the promise', () => {
    const heap = asyncHeap();
    const never = heap.promise();
    heap.global('pending', never);
    heap.asyncFunction('load').awaits(never);
    expect(lines(analyzed(heap))).toEqual(['1 x orphan: load | nothing']);
  });

  it('come back to themselves', () => {
    const heap = asyncHeap();
    const a = heap.asyncFunction('a');
    const b = heap.asyncFunction('b').awaits(a.promise);
    a.awaits(b.promise);
    heap.global('kept', a.promise);
    expect(lines(analyzed(heap))).toEqual(['1 x cycle: a > b | cycle']);
  });
});
