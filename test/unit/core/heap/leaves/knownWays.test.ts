/** What is remembered of other promises' walks never changes what a promise is said to wait for. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { buildAwaitGraph } from '../../../../../src/core/heap/awaitGraph';
import type { HeapGraph } from '../../../../../src/core/heap/heapGraph';
import { HeapIndex } from '../../../../../src/core/heap/heapIndex';
import { createExplainer } from '../../../../../src/core/heap/leaves/explain';
import type { Explanation } from '../../../../../src/core/heap/leaves/explain';
import { HeapObjects } from '../../../../../src/core/heap/leaves/heapObjects';
import { Walk } from '../../../../../src/core/heap/leaves/walk';
import type { WalkResult } from '../../../../../src/core/heap/leaves/walk';
import { NO_PROGRESS } from '../../../../../src/core/heap/progress';
import type { BuiltNode } from '../snapshotBuilder';
import { nodeHeap } from './nodeHeap';
import type { NodeHeap } from './nodeHeap';

/** Each explained by itself, with nothing known. */
function alone(graph: HeapGraph, promises: readonly BuiltNode[]): Explanation[] {
  return promises.map(({ index }) => createExplainer(new HeapObjects(graph, new HeapIndex(graph))).explain(index));
}

function together(graph: HeapGraph, promises: readonly BuiltNode[]): Explanation[] {
  const explainer = createExplainer(new HeapObjects(graph, new HeapIndex(graph)));
  return promises.map(({ index }) => explainer.explain(index));
}

/** What stands around a resolver that waits in a queue. */
interface Mail {
  readonly form: 'resolver' | 'both' | 'callback' | 'named' | 'timer' | 'listener' | 'then';
  readonly inMap: boolean;
  /** Functions that await this one: methods of the owner of the queue, or others. */
  readonly awaitedBy: 'nobody' | 'a method' | 'a function';
  /** Another mail that the owner of the queue holds by its own variables too. */
  readonly held: boolean;
}

const mails: fc.Arbitrary<Mail[]> = fc.array(
  fc.record({
    form: fc.constantFrom<Mail['form']>('resolver', 'resolver', 'resolver', 'both', 'callback', 'named', 'timer', 'listener', 'then'),
    inMap: fc.boolean(),
    awaitedBy: fc.constantFrom<Mail['awaitedBy']>('nobody', 'nobody', 'a method', 'a function'),
    held: fc.boolean(),
  }),
  { minLength: 3, maxLength: 24 },
);

function entryOf(heap: NodeHeap, promise: BuiltNode, form: Mail['form'], callback: BuiltNode): BuiltNode {
  const resolve = heap.resolverOf(promise);
  switch (form) {
    case 'resolver':
      return heap.object('Object', { resolve });
    case 'both':
      return heap.object('Object', { reject: heap.rejecterOf(promise), resolve });
    case 'callback':
      return heap.object('Object', { resolve: heap.capturing('later', { resolve }) });
    case 'named':
      return heap.object('Mail', { resolve });
    case 'timer':
      return heap.timeout(resolve, 500);
    case 'listener':
      return heap.emitter('Bus', { sent: resolve });
    case 'then': {
      const other = heap.promise();
      heap.then(other, callback.context('resolve', resolve));
      return heap.object('Object', { resolve: heap.resolverOf(other) });
    }
  }
}

/** All mails wait in one queue, whose owner has methods that wait too, so that there is much to see beyond it. */
function outbox(heap: NodeHeap, all: readonly Mail[]): BuiltNode[] {
  const queue = heap.builder.object('Array');
  const table = heap.builder.array();
  const waiting = heap.builder.object('Map').internal('table', table);
  const owner = heap.object('Outbox', { queue, waiting });
  queue.property('owner', owner);
  heap.moduleVariable('outbox', owner);
  for (let i = 0; i < 10; i++) heap.global(`services${String(i)}`, heap.object('Object', { outbox: owner }));
  const method = heap.closure('send');
  const plain = heap.closure('report');
  return all.map(({ form, inMap, awaitedBy, held }, i) => {
    const promise = heap.promise();
    const entry = entryOf(heap, promise, form, heap.closure(`callback${String(i)}`, heap.scope({})));
    if (inMap) table.internal(String(i * 3 + 6), entry);
    else queue.element(i, entry);
    if (awaitedBy !== 'nobody') {
      const call = heap.callOf(awaitedBy === 'a method' ? method : plain, awaitedBy === 'a method' ? owner : undefined);
      call.awaits(promise);
      if (held) call.generator.internal('parameters_and_registers', heap.builder.array().internal('0', owner));
    } else if (held) heap.global(`mail${String(i)}`, entry);
    return promise;
  });
}

test('resolvers that wait in one queue are told as if each was alone', () => {
  fc.assert(
    fc.property(mails, (all) => {
      const heap = nodeHeap();
      const promises = outbox(heap, all);
      const graph = heap.graph();
      expect(together(graph, promises)).toEqual(alone(graph, promises));
    }),
    { numRuns: 300 },
  );
});

test('what many resolvers are in is looked through twice only', () => {
  const heap = nodeHeap();
  const promises = outbox(heap, Array.from({ length: 50 }, () => ({ form: 'resolver', inMap: false, awaitedBy: 'nobody', held: false })));
  const graph = heap.graph();
  const objects = new HeapObjects(graph, new HeapIndex(graph));
  const walk = new Walk(objects, buildAwaitGraph(graph, objects.index, NO_PROGRESS));
  const walks = vi.spyOn(walk, 'run');
  const explainer = createExplainer(objects, {}, walk);
  expect(promises.map(({ index }) => explainer.explain(index))).toEqual(alone(graph, promises));
  const steps = walks.mock.results.map(({ value }) => (value as WalkResult).steps);
  expect(Math.max(...steps.slice(2))).toBeLessThan(Math.min(...steps.slice(0, 2)));
});

test('a function that waits for the promise itself is passed over, and one that waits for another is not', () => {
  const heap = nodeHeap();
  const queue = heap.builder.object('Array');
  const promises = Array.from({ length: 20 }, (_, i) => {
    const promise = heap.promise();
    queue.element(i, heap.object('Object', { resolve: heap.resolverOf(promise) }));
    if (i % 2 === 1) return promise;
    const call = heap.asyncFunction(`waiting${String(i)}`).awaits(promise);
    call.generator.internal('parameters_and_registers', heap.builder.array().internal('0', queue));
    heap.global(`call${String(i)}`, call.promise);
    return promise;
  });
  const graph = heap.graph();
  // the first of them is told by the second function, all others by the first
  fc.assert(
    fc.property(fc.shuffledSubarray(promises, { minLength: 3 }), (order) => {
      expect(together(graph, order)).toEqual(alone(graph, order));
    }),
    // of those that nobody waits for, one before and one after one whose own function is beyond
    { numRuns: 50, examples: [[[1, 0, 3].flatMap((i) => promises[i] ?? [])]] },
  );
  expect(new Set(alone(graph, promises).map(({ waitsFor }) => JSON.stringify(waitsFor.text))).size).toBe(2);
});
