/**
 * Two promises are resolved through one hub, and the third differs in one thing only, which what it waits for is told by: what is
 * known of the first two must not be taken for it. In a real heap, `#job` stands for private fields of several classes of one object.
 */
import { expect, test } from 'vitest';
import type { HeapGraph } from '../../../../../src/core/heap/heapGraph';
import { HeapIndex } from '../../../../../src/core/heap/heapIndex';
import { createExplainer } from '../../../../../src/core/heap/leaves/explain';
import type { Explanation } from '../../../../../src/core/heap/leaves/explain';
import { HeapObjects } from '../../../../../src/core/heap/leaves/heapObjects';
import { SCRIPT_ID } from '../asyncHeap';
import type { BuiltNode } from '../snapshotBuilder';
import { nodeHeap } from './nodeHeap';
import type { NodeHeap } from './nodeHeap';

/** Steps of a walk are limited to 600: see `STEP_LIMIT`. */
const FAR = 400;

function explain(graph: HeapGraph, promises: readonly BuiltNode[]): Explanation[] {
  const explainer = createExplainer(new HeapObjects(graph, new HeapIndex(graph)));
  return promises.map(({ index }) => explainer.explain(index));
}

/** So many objects that refer to one and that nothing refers to. */
function unused(heap: NodeHeap, node: BuiltNode, count: number): void {
  for (let i = 0; i < count; i++) heap.object('Unused', { of: node });
}

/** Refers to what `hub` is, ten times, so that it is worth to remember what lies beyond it. */
function keepShared(heap: NodeHeap, hub: BuiltNode): void {
  for (let i = 0; i < 10; i++) heap.global(`services${String(i)}`, heap.object('Object', { hub }));
}

function expectToldApart(heap: NodeHeap, alike: readonly BuiltNode[], other: BuiltNode): void {
  const graph = heap.graph();
  const all = [...alike, other];
  const alone = all.map((promise) => explain(graph, [promise])[0]);
  expect(alone[alike.length]).not.toEqual(alone[alike.length - 1]);
  expect(explain(graph, all)).toEqual(alone);
}

interface Entry {
  /** What the hub refers to. */
  readonly node: BuiltNode;
  readonly edge: (hub: BuiltNode, node: BuiltNode) => void;
}

const element = (hub: BuiltNode, node: BuiltNode): void => {
  hub.element(hub.edges.length, node);
};
const property =
  (name: string) =>
  (hub: BuiltNode, node: BuiltNode): void => {
    hub.property(name, node);
  };
const job = property('#job');

/** A call of one function, always the same, whose variables these are. */
function callOf(heap: NodeHeap, scope?: BuiltNode): BuiltNode {
  return heap.closure('onDone', scope).at(SCRIPT_ID, 900, 0);
}

type Make = (heap: NodeHeap, resolve: BuiltNode, promise: BuiltNode) => Entry;

const DIFFERENCES: readonly (readonly [string, { readonly hub?: string; readonly alike: Make; readonly other: Make }])[] = [
  [
    'by the name of a property',
    { alike: (_heap, node) => ({ node, edge: property('left') }), other: (_heap, node) => ({ node, edge: property('right') }) },
  ],
  [
    'by a property and an element',
    { hub: 'Array', alike: (_heap, node) => ({ node, edge: property('first') }), other: (_heap, node) => ({ node, edge: element }) },
  ],
  [
    'by an entry and a private field that was compiled',
    {
      hub: 'Registry',
      alike: (_heap, node) => ({ node, edge: (hub, to) => void hub.internal('table', to) }),
      other: (_heap, node) => ({ node, edge: (hub, to) => void hub.internal('5 / part of key', to) }),
    },
  ],
  [
    'by the class of what is on the way',
    { alike: (heap, resolve) => ({ node: heap.object('Mail', { resolve }), edge: job }), other: (heap, resolve) => ({ node: heap.object('Order', { resolve }), edge: job }) },
  ],
  [
    'by whether a function is on the way',
    {
      alike: (heap, resolve) => ({ node: callOf(heap, heap.scope({ it: heap.object('work', { resolve }) })), edge: job }),
      other: (heap, resolve) => ({ node: callOf(heap, heap.scope({ it: heap.builder.closure('work').property('resolve', resolve) })), edge: job }),
    },
  ],
  [
    'by the place of a function',
    {
      alike: (heap, resolve) => ({ node: callOf(heap).property('resolve', resolve), edge: element }),
      other: (heap, resolve) => ({ node: heap.closure('onDone').at(SCRIPT_ID, 901, 0).property('resolve', resolve), edge: element }),
    },
  ],
  [
    'by the name of a variable',
    {
      alike: (heap, resolve) => ({ node: callOf(heap, heap.scope({ left: heap.object('Mail', { resolve }) })), edge: job }),
      other: (heap, resolve) => ({ node: callOf(heap, heap.scope({ right: heap.object('Mail', { resolve }) })), edge: job }),
    },
  ],
  [
    'by the file that a variable is in',
    {
      alike: (heap, resolve) => {
        const scope = heap.scope({ it: heap.object('Mail', { resolve }) });
        const node = callOf(heap, scope);
        heap.closure('another', scope);
        return { node, edge: job };
      },
      // told by the place of the first function of the scope
      other: (heap, resolve) => {
        const scope = heap.scope({ it: heap.object('Mail', { resolve }) });
        heap.closure('another', scope);
        return { node: callOf(heap, scope), edge: job };
      },
    },
  ],
  [
    'by whether a variable is one of its file',
    {
      alike: (heap, resolve) => ({ node: callOf(heap, heap.scope({ it: heap.object('Mail', { resolve }) })), edge: job }),
      other: (heap, resolve) => {
        const scope = heap.builder.functionContext().internal('previous', heap.nativeContext).internal('scope_info', inConstants(heap));
        return { node: callOf(heap, scope.context('it', heap.object('Mail', { resolve }))), edge: job };
      },
    },
  ],
  [
    'by another promise on the way, although both walks take as many steps',
    {
      alike: (heap, _resolve, promise) => {
        const context = heap.resolving(promise);
        const resolvers = Array.from({ length: 5 }, () => heap.builtin('PromiseCapabilityDefaultResolve', context));
        return { node: resolvers[4] as BuiltNode, edge: element };
      },
      other: (heap, resolve) => {
        const before = heap.promise();
        heap.then(before, heap.closure('goesOn', heap.scope({ resolve })));
        return { node: heap.resolverOf(before), edge: element };
      },
    },
  ],
  [
    'by a listener that was found before',
    {
      alike: (_heap, node) => ({ node, edge: element }),
      other: (heap, node) => {
        heap.global('bus', heap.emitter('Bus', { sent: node }));
        return { node, edge: element };
      },
    },
  ],
  [
    'by which promise they follow',
    {
      alike: (heap, resolve) => ({ node: followed(heap, resolve), edge: element }),
      other: (heap, resolve) => ({ node: followed(heap, resolve), edge: element }),
    },
  ],
];

/** The scope info of a function that code has among its constants. */
function inConstants(heap: NodeHeap): BuiltNode {
  const scopeInfo = heap.builder.hidden('system / ScopeInfo');
  heap.builder.array('(constant pool)').internal('0', heap.builder.code('around').internal('name_or_scope_info', scopeInfo));
  return scopeInfo;
}

/** A resolver of a promise whose callback resolves the next one. */
function followed(heap: NodeHeap, resolve: BuiltNode): BuiltNode {
  const before = heap.promise();
  heap.then(before, callOf(heap, heap.scope({ resolve })));
  return heap.resolverOf(before);
}

test.each(DIFFERENCES)('promises are told apart %s', (_what, { hub: className = 'Object', alike, other }) => {
  const heap = nodeHeap();
  const hub = heap.builder.object(className);
  heap.moduleVariable('hub', hub);
  keepShared(heap, hub);
  const promises = [alike, alike, other].map((make) => {
    const promise = heap.promise();
    const { node, edge } = make(heap, heap.resolverOf(promise), promise);
    edge(hub, node);
    return promise;
  });
  expectToldApart(heap, promises.slice(0, 2), promises[2] as BuiltNode);
});

test('a promise that has a callback and holds its own resolver is reached in two ways', () => {
  const heap = nodeHeap();
  const ready = heap.promise();
  const settles = heap.resolverOf(ready);
  heap.moduleVariable('settles', settles);
  keepShared(heap, settles);
  const alike = [0, 1].map((i) => {
    const promise = heap.promise();
    ready.property(`done${String(i)}`, heap.resolverOf(promise));
    return promise;
  });
  const other = heap.promise();
  heap.then(ready, heap.closure('onReady', heap.scope({ resolve: heap.resolverOf(other) })));
  expectToldApart(heap, alike, other);
});

test('a rejecter goes another way than a resolver where what lies beyond may reject, too', () => {
  const heap = nodeHeap();
  const hub = heap.builder.object('Object');
  keepShared(heap, hub);
  const outer = heap.promise();
  heap.then(outer, heap.closure('rejects', heap.scope({ hub })));
  heap.moduleVariable('reject', heap.rejecterOf(outer));
  const promises = ['resolve', 'resolve', 'reject'].map((settle) => {
    const promise = heap.promise();
    element(hub, settle === 'resolve' ? heap.resolverOf(promise) : heap.rejecterOf(promise));
    return promise;
  });
  expectToldApart(heap, promises.slice(0, 2), promises[2] as BuiltNode);
});

test('a walk that has taken more steps before the same place does not get as far', () => {
  const heap = nodeHeap();
  const hub = heap.builder.object('Array');
  let far = heap.object('Link', { hub });
  for (let i = 0; i < FAR; i++) far = heap.object('Link', { next: far });
  heap.global('timer', heap.timeout(heap.capturing('onTick', { far }), 500));
  const promises = [0, 0, 50].map((dead) => {
    const promise = heap.promise();
    let node = heap.resolverOf(promise);
    for (let depth = 0; depth < 6; depth++) {
      unused(heap, node, dead);
      node = heap.object('Box', { content: node });
    }
    element(hub, node);
    return promise;
  });
  expectToldApart(heap, promises.slice(0, 2), promises[2] as BuiltNode);
});

/** Each goes through boxes to one hub, beyond which are links; those of `meeting` are referred to by the first link, too. */
function throughBoxes(order: readonly ('plain' | 'meeting')[]): { readonly heap: NodeHeap; readonly promises: readonly BuiltNode[] } {
  const heap = nodeHeap();
  const length = 12;
  const resolvers = order.map(() => {
    const promise = heap.promise();
    return { promise, resolve: heap.resolverOf(promise) };
  });
  const first = heap.builder.object('Link');
  // as many steps for each
  const spare = heap.builder.object('Link');
  for (const start of [first, spare]) for (let last = start, i = 0; i < length; i++) last = heap.object('Link', { next: last });
  resolvers.forEach(({ resolve }, i) => (order[i] === 'meeting' ? first : spare).property('mine', resolve));
  const hub = heap.builder.object('Array');
  unused(heap, hub, 10);
  first.property('hub', hub);
  for (const { resolve } of resolvers) {
    let node = resolve;
    for (let depth = 0; depth < length + 6; depth++) node = heap.object('Box', { content: node });
    element(hub, node);
  }
  return { heap, promises: resolvers.map(({ promise }) => promise) };
}

test.each([
  ['one comes by what others find beyond', ['plain', 'plain', 'meeting'] as const],
  ['those before came by themselves beyond', ['meeting', 'meeting', 'plain'] as const],
])('promises are told apart when %s', (_what, order) => {
  const { heap, promises } = throughBoxes(order);
  expectToldApart(heap, promises.slice(0, 2), promises[2] as BuiltNode);
});

test('a promise that comes by itself beyond the hub is told in another way than those that come by it', () => {
  const heap = nodeHeap();
  const hub = heap.builder.object('Array');
  unused(heap, hub, 10);
  const promises = ['plain', 'its callback has the hub', 'plain'].map((kind) => {
    const promise = heap.promise();
    element(hub, heap.resolverOf(promise));
    if (kind !== 'plain') heap.then(promise, heap.closure('again', heap.scope({ hub })));
    return promise;
  });
  expectToldApart(heap, promises.slice(0, 2), promises[2] as BuiltNode);
});

test('a promise that was explained is on the way of the next one all the same', () => {
  const heap = nodeHeap();
  const promise = heap.promise();
  const before = heap.promise();
  heap.then(before, heap.closure('goesOn', heap.scope({ resolve: heap.resolverOf(promise) })));
  heap.moduleVariable('resolve', heap.resolverOf(before));
  expectToldApart(heap, [before], promise);
});

test("what is read off the function that awaits a promise is that promise's alone", () => {
  const heap = nodeHeap();
  const hub = heap.builder.object('Array');
  heap.native('FSEvent', 'FSEvent', { hub });
  keepShared(heap, hub);
  const promises = ['/data/a', '/data/a', '/data/b'].map((path) => {
    const promise = heap.promise();
    const call = heap.callOf(heap.nodeFunction('watch')).awaits(promise);
    call.generator.edges.find(({ name }) => name === 'parameters_and_registers')?.to.internal('0', heap.value(path));
    heap.global(path, call.promise);
    element(hub, heap.resolverOf(promise));
    return promise;
  });
  expectToldApart(heap, promises.slice(0, 2), promises[2] as BuiltNode);
});
