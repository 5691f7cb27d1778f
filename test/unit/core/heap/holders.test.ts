import { describe, expect, it } from 'vitest';
import { analyzeHeap } from '../../../../src/core/heap/analyzeHeap';
import { SCRIPT_ID, asyncHeap, type AsyncHeap } from './asyncHeap';
import type { BuiltNode } from './snapshotBuilder';
import { plainText } from './plainText';

function heldBy(heap: AsyncHeap): string[] {
  return analyzeHeap(heap.graph()).groups.flatMap((group) => group.heldBy.map(({ count, path }) => `${String(count)} by ${plainText(path)}`));
}

describe('what holds a task', () => {
  it('is a property of the global object', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    heap.global('leaks', heap.builder.object('Array').element(0, heap.resolverOf(promise)));
    heap.asyncFunction('load').awaits(promise);
    expect(heldBy(heap)).toEqual(['1 by global leaks']);
  });

  it('is a variable of a module, with its class, and what leads on from it', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    const entry = heap.builder.object('Object').property('settle', heap.builder.object('Object').element(0, heap.resolverOf(promise)));
    heap.moduleVariable('cache', heap.builder.object('Map').internal('table', heap.builder.array().internal('3', entry)));
    heap.asyncFunction('load').awaits(promise);
    expect(heldBy(heap)).toEqual([`1 by Map cache in script ${String(SCRIPT_ID)} › settle`]);
  });

  it('is a timer, by its callback', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    const callback = heap.closure('onTick', heap.builder.functionContext().internal('previous', heap.builder.functionContext().internal('previous', heap.nativeContext)).context('done', heap.resolverOf(promise)));
    heap.global('lists', heap.builder.object('TimersList').property('_idleNext', heap.builder.object('Timeout').property('_onTimeout', callback)));
    heap.asyncFunction('load').awaits(promise);
    expect(heldBy(heap)).toEqual(['1 by Timeout → callback onTick']);
  });

  it('is a listener of an emitter', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    const wrapped = heap.closure('wrapped').property('listener', heap.resolverOf(promise));
    heap.global('bus', heap.builder.object('EventEmitter').property('_events', heap.builder.object('Object').property('done', wrapped)));
    heap.asyncFunction('load').awaits(promise);
    expect(heldBy(heap)).toEqual(["1 by global bus › 'done' listener"]);
  });

  describe('and is reached by a timer first', () => {
    /** A timer without a name leads to the object at once. */
    function heldByTimer(heap: AsyncHeap, object: BuiltNode): void {
      const callback = heap.closure('', heap.builder.functionContext().internal('previous', heap.builder.functionContext().internal('previous', heap.nativeContext)).context('database', object));
      heap.global('lists', heap.builder.object('TimersList').property('_idleNext', heap.builder.object('Timeout').property('_onTimeout', callback)));
    }

    function database(heap: AsyncHeap): BuiltNode {
      const promise = heap.promise();
      heap.asyncFunction('load').awaits(promise);
      return heap.builder.object('Database').property('waiting', heap.builder.object('Object').element(0, heap.resolverOf(promise)));
    }

    function nested(heap: AsyncHeap, object: BuiltNode, depth: number): BuiltNode {
      let value = object;
      for (let i = 0; i < depth; i++) value = heap.builder.object('Object').property(`level${String(i)}`, value);
      return value;
    }

    it('is told by the variable that leads to it as well', () => {
      const heap = asyncHeap();
      const object = database(heap);
      heldByTimer(heap, object);
      heap.moduleVariable('service', nested(heap, object, 2));
      expect(heldBy(heap)).toEqual([`1 by service in script ${String(SCRIPT_ID)} › level1 › Database level0 › waiting`]);
    });

    it('is told by the timer where the way from the variable is much longer, or no way at all', () => {
      const far = asyncHeap();
      const object = database(far);
      heldByTimer(far, object);
      far.moduleVariable('service', nested(far, object, 30));
      expect(heldBy(far)).toEqual(['1 by Timeout › Database database › waiting']);

      const alone = asyncHeap();
      heldByTimer(alone, database(alone));
      expect(heldBy(alone)).toEqual(['1 by Timeout › Database database › waiting']);
    });

    it('is not told by a WeakMap, whose key may be what holds it', () => {
      const heap = asyncHeap();
      const object = database(heap);
      heldByTimer(heap, object);
      heap.moduleVariable('cache', heap.builder.object('WeakMap').internal('table', heap.builder.array().internal('7 / part of key (Object @1) -> value (Database @3) pair in WeakMap (table @5)', object)));
      expect(heldBy(heap)).toEqual(['1 by Timeout › Database database › waiting']);
    });
  });

  it('is counted over a group, the most frequent first', () => {
    const heap = asyncHeap();
    const load = heap.closure('load');
    for (let i = 0; i < 3; i++) {
      const promise = heap.promise();
      heap.callOf(load).awaits(promise);
      heap.global('kept', heap.builder.object('Array').element(0, promise));
      heap.globalObject.property(i === 0 ? 'first' : 'others', heap.builder.object('Set').internal('table', heap.builder.array().internal('1', heap.resolverOf(promise))));
    }
    const analysis = analyzeHeap(heap.graph());
    const counts = analysis.groups.flatMap((group) => group.heldBy.map(({ count }) => count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
  });

  it('is shortened where the path is long', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    let value = heap.builder.object('Object').element(0, heap.resolverOf(promise));
    for (const name of ['f', 'e', 'd', 'c', 'b']) value = heap.builder.object('Object').property(name, value);
    heap.global('a', value);
    heap.asyncFunction('load').awaits(promise);
    expect(heldBy(heap)).toEqual(['1 by global a › … › d › e › f']);
  });
});
