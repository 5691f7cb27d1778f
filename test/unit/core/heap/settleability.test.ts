import { describe, expect, it } from 'vitest';
import { analyzeHeap } from '../../../../src/core/heap/analyzeHeap';
import { asyncHeap, type AsyncHeap } from './asyncHeap';
import type { BuiltNode } from './snapshotBuilder';

/** Verdict of the one function that awaits `promise`, which is kept in a global variable. */
function verdict(heap: AsyncHeap, promise: BuiltNode): string | null | undefined {
  heap.global('kept', promise);
  heap.asyncFunction('waits').awaits(promise);
  return analyzeHeap(heap.graph()).groups.find(({ chain }) => chain[0]?.function === 'waits')?.verdict;
}

describe('a promise cannot settle', () => {
  it('when only the program itself stores it', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    const { builder } = heap;
    heap.global('array', builder.object('Array').element(0, promise).internal('elements', builder.array('(object elements)').internal('0', promise)));
    heap.global('object', builder.object('Object').internal('properties', builder.hidden('system / PropertyArray').hidden(0, promise)));
    heap.global('closure', heap.closure('reads', builder.functionContext().context('promise', promise)));
    expect(verdict(heap, promise)).toBe('orphan');
  });

  it('when its resolver is held only by a callback of its own', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    heap.then(promise, heap.closure('callback', heap.builder.functionContext().context('resolve', heap.resolverOf(promise))));
    expect(verdict(heap, promise)).toBe('orphan');
  });

  it('when two wait for each other to settle them', () => {
    const heap = asyncHeap();
    const [a, b] = [heap.promise(), heap.promise()];
    heap.then(a, heap.closure('settlesB', heap.builder.functionContext().context('resolve', heap.resolverOf(b))));
    heap.then(b, heap.closure('settlesA', heap.builder.functionContext().context('resolve', heap.resolverOf(a))));
    heap.global('other', b);
    expect(verdict(heap, a)).toBe('cycle');
  });

  it('when its resolver is held weakly', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    heap.global('reference', heap.builder.object('WeakRef').weak('target', heap.resolverOf(promise)));
    expect(verdict(heap, promise)).toBe('orphan');
  });

  it('when it comes out of an async generator that waits for one that cannot', () => {
    const heap = asyncHeap();
    const never = heap.promise();
    heap.global('never', never);
    const items = heap.asyncGenerator('items', 2);
    items.awaits(never);
    heap.global('iterator', items.generator);
    const [, second] = items.requests;
    expect(verdict(heap, second ?? never)).toBe('orphan');
  });

  it('when all inputs of a combinator are like that', () => {
    const heap = asyncHeap();
    const inputs = [heap.promise(), heap.promise()];
    inputs.forEach((input, i) => heap.global(`input${String(i)}`, input));
    expect(verdict(heap, heap.combinator('All', inputs))).toBe('orphan');
  });

  it('when one input of allSettled cannot, whatever becomes of the others', () => {
    const heap = asyncHeap();
    const [never, later] = [heap.promise(), heap.promise()];
    heap.global('never', never);
    heap.global('resolve', heap.resolverOf(later));
    expect(verdict(heap, heap.combinator('AllSettled', [never, later]))).toBe('orphan');
    const all = asyncHeap();
    const inputs = [all.promise(), all.promise()] as const;
    all.global('never', inputs[0]);
    all.global('resolve', all.resolverOf(inputs[1]));
    expect(verdict(all, all.combinator('All', inputs))).not.toBe('orphan');
  });
});

describe('a promise may settle', () => {
  it('when something live holds its resolver, through whatever waits for another promise', () => {
    const heap = asyncHeap();
    const [first, second] = [heap.promise(), heap.promise()];
    heap.global('resolve', heap.resolverOf(first));
    heap.then(first, heap.closure('settlesSecond', heap.builder.functionContext().context('resolve', heap.resolverOf(second))));
    expect(verdict(heap, second)).not.toBe('orphan');
  });

  it('when native code holds it, or an object that has it as a property', () => {
    const direct = asyncHeap();
    const promise = direct.promise();
    direct.globalHandles.internal('9', promise);
    expect(verdict(direct, promise)).not.toBe('orphan');
    const request = asyncHeap();
    const pending = request.promise();
    request.globalHandles.internal('9', request.builder.object('FSReqPromise').property('promise', pending));
    expect(verdict(request, pending)).not.toBe('orphan');
  });

  it('when V8 holds it for Atomics.waitAsync, in a table of weak references', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    heap.nativeContext.internal('atomics_waitasync_promises', heap.builder.array().internal('5', promise));
    expect(verdict(heap, promise)).not.toBe('orphan');
  });

  it('when something of V8 refers to it that is not known', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    heap.gcRoots.element(2, heap.builder.hidden('system / PromiseResolveThenableJobTask').hidden(1, promise));
    expect(verdict(heap, promise)).not.toBe('orphan');
  });

  it('when one input of a combinator may', () => {
    const heap = asyncHeap();
    const inputs = [heap.promise(), heap.promise()];
    heap.global('input', inputs[0] ?? heap.promise());
    heap.global('resolve', heap.resolverOf(inputs[1] ?? heap.promise()));
    expect(verdict(heap, heap.race(inputs))).not.toBe('orphan');
  });

  it('when the function that settles it runs, and awaits nothing', () => {
    const heap = asyncHeap();
    const running = heap.asyncFunction('running');
    heap.gcRoots.element(2, heap.builder.synthetic('(Stack roots)').internal('1', running.generator));
    expect(verdict(heap, running.promise)).not.toBe('orphan');
  });

  it('when the function runs that was resumed with a value, which stands before its promise', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    const running = heap.builder
      .object('Generator')
      .internal('function', heap.closure('running'))
      .internal('parameters_and_registers', heap.builder.array())
      .hidden(3, heap.builder.object('Object'))
      .hidden(4, promise);
    heap.gcRoots.element(2, heap.builder.synthetic('(Stack roots)').internal('1', running));
    expect(verdict(heap, promise)).not.toBe('orphan');
  });

  it('when an async generator is asked that waits for one that may, though it was reached before', () => {
    const heap = asyncHeap();
    const items = heap.asyncGenerator('items', 1);
    heap.global('iterator', items.generator);
    const later = heap.promise();
    items.awaits(later);
    heap.global('later', later);
    heap.globalHandles.internal('9', heap.resolverOf(later));
    expect(verdict(heap, items.requests[0] ?? later)).not.toBe('orphan');
  });
});
