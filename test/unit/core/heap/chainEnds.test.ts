import { describe, expect, it } from 'vitest';
import { analyzeHeap } from '../../../../src/core/heap/analyzeHeap';
import { nodeHeap, type NodeHeap } from './leaves/nodeHeap';
import type { BuiltNode } from './snapshotBuilder';

/** One line a group: `outer > inner: timer, in flight`. */
function ends(heap: NodeHeap): string[] {
  return analyzeHeap(heap.graph())
    .groups.map(({ chain, waitsFor, verdict }) => `${chain.map(({ function: name, detail }) => name ?? detail ?? '').join(' > ')}: ${waitsFor.kind}, ${verdict ?? 'none'}`)
    .sort();
}

/** A promise that nothing can settle. */
function dead(heap: NodeHeap, name = 'dead'): BuiltNode {
  const promise = heap.promise();
  heap.global(name, promise);
  return promise;
}

/** A promise whose resolver a global variable holds. */
function held(heap: NodeHeap, name = 'held'): BuiltNode {
  const promise = heap.promise();
  heap.global(name, heap.resolverOf(promise));
  return promise;
}

interface PassedOn {
  readonly promise: BuiltNode;
  readonly reject: BuiltNode;
}

/** `new Promise((resolve, reject) => source.then(resolve, reject))` */
function passedOn(heap: NodeHeap, ...sources: readonly BuiltNode[]): PassedOn {
  const promise = heap.promise();
  const context = heap.resolving(promise);
  const resolve = heap.builtin('PromiseCapabilityDefaultResolve', context);
  const reject = heap.builtin('PromiseCapabilityDefaultReject', context);
  for (const source of sources) heap.reaction(source, resolve, reject, heap.promise());
  return { promise, reject };
}

/** The same with a timer that rejects it. */
function timed(heap: NodeHeap, ...sources: readonly BuiltNode[]): BuiltNode {
  const { promise, reject } = passedOn(heap, ...sources);
  heap.global(`timer${String(promise.id)}`, heap.timeout(heap.capturing('expire', { reject }), 60_000));
  return promise;
}

describe('a promise whose resolving function is a callback of another', () => {
  it('waits for the other as long as nothing else settles it', () => {
    const heap = nodeHeap();
    heap.asyncFunction('orphan').awaits(passedOn(heap, dead(heap)).promise);
    heap.asyncFunction('stuck').awaits(passedOn(heap, held(heap)).promise);
    heap.asyncFunction('raced').awaits(passedOn(heap, dead(heap, 'a'), dead(heap, 'b')).promise);
    expect(ends(heap)).toEqual(['orphan: nothing, orphan', 'raced > Promise.race: combinator, orphan', 'stuck: app promise, stuck']);
  });

  it.each([
    ['cannot settle', (heap: NodeHeap) => [dead(heap)], 'waits'],
    ['is not known to be settled by anything in flight', (heap: NodeHeap) => [held(heap)], 'waits'],
    ['is one of several that cannot settle', (heap: NodeHeap) => [dead(heap, 'a'), dead(heap, 'b')], 'waits > Promise.race'],
    ['is one of several of which none is known to be settled by anything in flight', (heap: NodeHeap) => [dead(heap), held(heap)], 'waits > Promise.race'],
  ])('waits for a timer that settles it when the other %s', (_, sources, chain) => {
    const heap = nodeHeap();
    heap.asyncFunction('waits').awaits(timed(heap, ...sources(heap)));
    expect(ends(heap)).toEqual([`${chain}: timer, in flight`]);
  });

  it('waits for a timer that settles it when the other leads into a loop', () => {
    const heap = nodeHeap();
    const itself = heap.asyncFunction('itself');
    itself.awaits(itself.promise);
    heap.global('kept', itself.promise);
    heap.asyncFunction('waits').awaits(timed(heap, itself.promise));
    expect(ends(heap)).toEqual(['itself: cycle, cycle', 'waits: timer, in flight']);
  });

  it('waits for the function behind the other only where something in flight settles that', () => {
    const heap = nodeHeap();
    const answer = heap.promise();
    heap.global('answers', heap.timeout(heap.resolverOf(answer), 1_000));
    for (const [name, promise] of [['soon', answer], ['someday', held(heap)], ['never', dead(heap)]] as const) {
      heap.asyncFunction(`${name}Timed`).awaits(timed(heap, heap.asyncFunction(name).awaits(promise).promise));
    }
    expect(ends(heap)).toEqual(['never: nothing, orphan', 'neverTimed: timer, in flight', 'someday: app promise, stuck', 'somedayTimed: timer, in flight', 'soonTimed > soon: timer, in flight']);
  });

  it('waits for the other that it was resolved with, though a timer has the function from before that, which does nothing any more', () => {
    const heap = nodeHeap();
    const { promise } = passedOn(heap, held(heap));
    heap.global('timer', heap.timeout(heap.rejecterOf(promise), 60_000));
    heap.asyncFunction('waits').awaits(promise);
    expect(ends(heap)).toEqual(['waits: app promise, stuck']);
  });

  it('is in flight with its timer as an input of a combinator', () => {
    const heap = nodeHeap();
    heap.asyncFunction('waits').awaits(heap.combinator('All', [timed(heap, dead(heap)), timed(heap, held(heap))]));
    expect(ends(heap)).toEqual(['waits > Promise.all: combinator, in flight']);
  });
});

describe('a promise whose resolving function a callback of another calls', () => {
  it('is no orphan when the other cannot settle and somebody else holds the function', () => {
    const heap = nodeHeap();
    const { promise, reject } = passedOn(heap);
    heap.global('registry', reject);
    // the other's resolver is a variable of a function that waits for ever
    const other = heap.promise();
    heap.then(other, heap.capturing('pass', { reject }));
    heap.asyncFunction('lost', heap.object('Job', { resolve: heap.resolverOf(other) })).awaits(dead(heap));
    heap.asyncFunction('waits').awaits(promise);
    expect(ends(heap)).toContain('waits: app promise, stuck');
  });
});
