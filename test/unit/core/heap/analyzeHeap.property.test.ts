/** Whatever the shape of a heap, an analysis ends, and what it says holds together. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyzeHeap } from '../../../../src/core/heap/analyzeHeap';
import type { HeapAnalysis } from '../../../../src/core/heap/heapAnalysis';
import { asyncHeap } from './asyncHeap';
import { snapshot, type BuiltNode, type V8EdgeType, type V8NodeType } from './snapshotBuilder';

/** Of the nodes that the passes have rules for; the rest is plain. */
const NODES: readonly (readonly [V8NodeType, string])[] = [
  ['object', 'Promise'],
  ['object', 'Promise'],
  ['hidden', 'system / PromiseReaction'],
  ['hidden', 'system / PromiseReaction'],
  ['hidden', 'system / PromiseCapability'],
  ['hidden', 'system / AsyncGeneratorRequest'],
  ['hidden', 'system / SourceTextModule'],
  ['hidden', 'system / NativeContext'],
  ['hidden', 'system / PropertyArray'],
  ['array', 'system / ArrayList'],
  ['array', ''],
  ['object', 'system / Context'],
  ['object', 'Generator'],
  ['object', 'AsyncGenerator'],
  ['object', 'Timeout'],
  ['object', 'global / '],
  ['closure', 'work'],
  ['closure', ''],
  ['closure', 'native_bind'],
  ['code', '(AsyncFunctionAwaitResolveClosure builtin code)'],
  ['code', '(AsyncGeneratorAwaitResolveClosure builtin code)'],
  ['code', '(PromiseCapabilityDefaultResolve builtin code)'],
  ['code', '(PromiseAllResolveElementClosure builtin code)'],
  ['code', '(PromiseThenFinally builtin code)'],
  ['code', '(CallAsyncModuleFulfilled builtin code)'],
  ['code', '(CompileLazy builtin code)'],
  ['synthetic', '(Global handles)'],
  ['native', 'Node / FSReqPromise'],
];
const EDGES: readonly (readonly [V8EdgeType, string | number])[] = [
  ['internal', 'reactions_or_result'],
  ['internal', 'reactions_or_result'],
  ['internal', 'parameters_and_registers'],
  ['internal', 'context'],
  ['internal', 'extension'],
  ['internal', 'previous'],
  ['internal', 'code'],
  ['internal', 'function'],
  ['internal', 'receiver'],
  ['internal', 'bound_function'],
  ['internal', 'shared'],
  ['internal', 'script'],
  ['internal', 'atomics_waitasync_promises'],
  ['hidden', 0],
  ['hidden', 1],
  ['hidden', 2],
  ['hidden', 3],
  ['hidden', 4],
  ['context', 'held'],
  ['property', '__proto__'],
  ['property', 'constructor'],
  ['property', 'held'],
  ['element', 0],
  ['shortcut', '1'],
  ['weak', '1'],
];

const heaps = fc
  .array(fc.nat(NODES.length - 1), { minLength: 1, maxLength: 60 })
  .chain((kinds) => fc.tuple(fc.constant(kinds), fc.array(fc.tuple(fc.nat(kinds.length), fc.nat(EDGES.length - 1), fc.nat(kinds.length)), { maxLength: 240 })));

test('an analysis of any graph ends', () => {
  fc.assert(
    fc.property(heaps, ([kinds, edges]) => {
      const builder = snapshot();
      const nodes: BuiltNode[] = [builder.root];
      kinds.forEach((kind, i) => {
        const [type, name] = NODES[kind] ?? ['object', ''];
        nodes.push(builder.node(type, name).at(i % 3, i, 0));
      });
      for (const [from, edge, to] of edges) {
        const [type, name] = EDGES[edge] ?? ['internal', ''];
        const target = nodes[to];
        if (target !== undefined) nodes[from]?.edge(type, name, target);
      }
      check(analyzeHeap(builder.graph()));
    }),
    { numRuns: 500 },
  );
});

/** Functions that await each other's promises in any way, loops included, some of them settled by a resolver that is held. */
test('every suspended function is in a chain that begins with it or leads to it, and none is lost', () => {
  const calls = fc.array(fc.tuple(fc.nat(30), fc.boolean()), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(calls, (awaited) => {
      const heap = asyncHeap();
      const functions = awaited.map((_, i) => heap.asyncFunction(`f${String(i)}`));
      awaited.forEach(([target, held], i) => {
        const call = functions[i];
        const inner = functions[target];
        const promise = inner?.promise ?? heap.promise();
        if (inner === undefined && held) heap.global(`held${String(i)}`, heap.resolverOf(promise));
        heap.global(`kept${String(i)}`, promise);
        call?.awaits(promise);
      });
      const analysis = analyzeHeap(heap.graph());
      check(analysis);
      const named = new Set(analysis.groups.flatMap(({ chain }) => chain.map((frame) => frame.function)));
      expect(named.size).toBe(awaited.length);
      expect(analysis.totals.suspended).toBe(awaited.length);
    }),
    { numRuns: 500 },
  );
});

function check({ groups, totals }: HeapAnalysis): void {
  for (const { count, chain, members, awaited, verdict, why } of groups) {
    expect(count).toBeGreaterThan(0);
    if (chain.length > 0) {
      expect(members.length % chain.length).toBe(0);
      expect(awaited).toHaveLength(members.length / chain.length);
    }
    expect(why.length > 0).toBe(verdict !== null);
    for (const { repeats } of chain) expect(repeats).toBeGreaterThan(0);
  }
  expect(totals.suspended).toBeGreaterThanOrEqual(0);
}
