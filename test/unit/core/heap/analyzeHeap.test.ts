import { describe, expect, it } from 'vitest';
import { analyzeHeap } from '../../../../src/core/heap/analyzeHeap';
import type { HeapAnalysis, RawGroup } from '../../../../src/core/heap/heapAnalysis';
import type { AnalysisPhase } from '../../../../src/core/heap/heapAnalysis';
import { CUT_FRAMES, ENDS_PER_CHAIN, FRAMES_LIMIT } from '../../../../src/core/heap/chains';
import { AnalysisCancelled, NO_PROGRESS } from '../../../../src/core/heap/progress';
import { CROWD_REACTIONS } from '../../../../src/core/verdicts/crowd';
import { SCRIPT_ID, SCRIPT_URL, asyncHeap, type AsyncHeap } from './asyncHeap';
import type { BuiltNode, SnapshotBuilder } from './snapshotBuilder';
import { plainText } from './plainText';

/** One line a group: `2 x stuck: outer > inner | app promise`. */
function lines(analysis: HeapAnalysis): string[] {
  return analysis.groups.map(line).sort();
}

function line({ count, verdict, chain, waitsFor }: RawGroup): string {
  const frames = chain.map(({ kind, detail, function: name, repeats }) => {
    const what = kind === 'async function' || kind === 'combinator' ? '' : `${kind} `;
    return `${what}${detail ?? name ?? '(anonymous)'}${repeats > 1 ? ` x${String(repeats)}` : ''}`;
  });
  return `${String(count)} x ${verdict ?? 'none'}: ${frames.join(' > ')} | ${waitsFor.kind}`;
}

function analyzed(heap: AsyncHeap): HeapAnalysis {
  return analyzeHeap(heap.graph());
}

/** A pending promise whose resolver a global variable holds. */
function held(heap: AsyncHeap, name = 'held'): BuiltNode {
  const promise = heap.promise();
  heap.global(name, heap.resolverOf(promise));
  return promise;
}

describe.each([
  ['Node 22 and later', 1],
  ['Node 20', 0],
])('chains, with the reactions of %s,', (_, lead) => {
  it('lead from the outermost function to what everything hangs on', () => {
    const heap = asyncHeap({ lead });
    const inner = heap.asyncFunction('inner').awaits(held(heap));
    heap.asyncFunction('outer').awaits(inner.promise);
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: outer > inner | app promise']);
  });

  it('go through callbacks, finally, promises that were resolved with others, and combinators of one', () => {
    const heap = asyncHeap({ lead });
    const promise = held(heap);
    const parsed = heap.then(promise, heap.closure('parse'));
    const finallyContext = heap.builder.functionContext().hidden(1, heap.closure('cleanUp'));
    const cleaned = heap.promise();
    heap.reaction(parsed, heap.builtin('PromiseThenFinally', finallyContext), heap.builtin('PromiseCatchFinally', finallyContext), cleaned);
    const passedOn = heap.then(cleaned);
    heap.asyncFunction('waits').awaits(heap.combinator('AllSettled', [passedOn], 2));
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: waits > Promise.allSettled > then cleanUp > then parse | app promise']);
  });

  it('go through the contexts of optimized code', () => {
    const heap = asyncHeap({ lead });
    const { builder } = heap;
    const [inner, outer] = [held(heap), heap.promise()];
    const finallyContext = builder.functionContext().internal('extension', heap.closure('cleanUp'));
    const cleaned = heap.promise();
    heap.reaction(inner, heap.builtin('PromiseThenFinally', finallyContext), heap.builtin('PromiseCatchFinally', finallyContext), cleaned);
    const resolving = builder.functionContext().internal('extension', outer);
    heap.reaction(cleaned, heap.builtin('PromiseCapabilityDefaultResolve', resolving), heap.builtin('PromiseCapabilityDefaultReject', resolving), heap.promise());
    heap.asyncFunction('waits').awaits(outer);
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: waits > then cleanUp | app promise']);
  });

  it('go through the requests of an async generator', () => {
    const heap = asyncHeap({ lead });
    const items = heap.asyncGenerator('items', 3);
    items.awaits(held(heap));
    const [first, , third] = items.requests;
    heap.asyncFunction('first').awaits(first ?? heap.promise());
    heap.asyncFunction('third').awaits(third ?? heap.promise());
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: first > async generator items | app promise', '1 x stuck: third > async generator items | app promise']);
  });

  it('keep the several reactions of one promise apart', () => {
    const heap = asyncHeap({ lead });
    const promise = held(heap);
    heap.asyncFunction('one').awaits(promise);
    heap.then(promise, heap.closure('two'));
    heap.asyncFunction('three').awaits(promise);
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: one | app promise', '1 x stuck: then two | app promise', '1 x stuck: three | app promise']);
  });
});

describe('chains', () => {
  it('fold when they are alike', () => {
    const heap = asyncHeap();
    const promise = held(heap);
    const [load, query] = [heap.closure('load'), heap.closure('query')];
    for (let i = 0; i < 3; i++) heap.callOf(load).awaits(heap.callOf(query).awaits(promise).promise);
    const analysis = analyzed(heap);
    expect(lines(analysis)).toEqual(['3 x stuck: load > query | app promise']);
    expect(analysis.totals).toMatchObject({ suspended: 6, pendingPromises: 7 });
  });

  it('fold a callback that follows itself', () => {
    const heap = asyncHeap();
    const retry = heap.closure('retry');
    let last = held(heap);
    for (let i = 0; i < 5; i++) last = heap.then(last, retry);
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: then retry x5 | app promise']);
  });

  it('end at a combinator of several, whose inputs begin chains of their own', () => {
    const heap = asyncHeap();
    const part = heap.closure('part');
    const parts = [0, 1].map(() => heap.callOf(part).awaits(held(heap)).promise);
    heap.asyncFunction('whole').awaits(heap.combinator('All', parts, 1));
    const analysis = analyzed(heap);
    expect(analysis.groups.find(({ chain }) => chain[0]?.function === 'whole')?.waitsFor).toMatchObject({
      kind: 'combinator',
      details: { settled: 1, of: 3, pending: 2 },
    });
    expect(analysis.groups.find(({ chain }) => chain[0]?.function === 'part')).toMatchObject({ count: 2 });
  });

  it('count a promise that a combinator was given twice as two that have not settled', () => {
    const heap = asyncHeap();
    const [twice, once] = [held(heap, 'twice'), held(heap, 'once')];
    heap.asyncFunction('whole').awaits(heap.combinator('All', [twice, twice, once], 1));
    expect(analyzed(heap).groups[0]?.waitsFor).toMatchObject({ text: ['Promise.all: 1 of 4 settled'], details: { settled: 1, of: 4, pending: 2 } });
  });

  it('know a race by several promises that have the same resolver', () => {
    const heap = asyncHeap();
    heap.asyncFunction('waits').awaits(heap.race([held(heap, 'a'), held(heap, 'b')]));
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: waits > Promise.race | combinator']);
  });

  it.each([
    ['a list of their own', (builder: SnapshotBuilder) => builder.array('system / ArrayList'), 9],
    ['a plain array (Node 20)', (builder: SnapshotBuilder) => builder.array(), 10],
  ])('go from a module to those that import it, in %s', (_, list, slot) => {
    const heap = asyncHeap();
    const { builder } = heap;
    const [top, dependency] = [heap.asyncFunction(''), heap.asyncFunction('')];
    dependency.awaits(held(heap));
    const evaluated = heap.promise();
    const importer = builder.hidden('system / SourceTextModule').hidden(3, evaluated).hidden(4, top.generator);
    const imported = builder.hidden('system / SourceTextModule').hidden(4, dependency.generator).hidden(slot, list(builder).internal('1', importer));
    heap.global('importer', importer);
    const context = builder.functionContext().hidden(0, imported);
    heap.reaction(dependency.promise, heap.builtin('CallAsyncModuleFulfilled', context), heap.builtin('CallAsyncModuleRejected', context), heap.promise());
    heap.asyncFunction('load').awaits(evaluated);
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: load > module (anonymous) | app promise']);
  });

  it('come back to themselves, and whoever waits for a loop waits forever too', () => {
    const heap = asyncHeap();
    const [a, b] = [heap.asyncFunction('a'), heap.asyncFunction('b')];
    a.awaits(b.promise);
    b.awaits(a.promise);
    heap.global('kept', a.promise);
    expect(lines(analyzed(heap))).toEqual(['1 x cycle: a > b | cycle']);

    const entered = asyncHeap();
    const [c, d] = [entered.asyncFunction('c'), entered.asyncFunction('d')];
    c.awaits(d.promise);
    d.awaits(c.promise);
    entered.asyncFunction('victim').awaits(d.promise);
    entered.global('kept', c.promise);
    expect(lines(analyzed(entered))).toEqual(['1 x cycle: victim > d > c | cycle']);
  });

  it('of one function that awaits its own call', () => {
    const heap = asyncHeap();
    const call = heap.asyncFunction('itself');
    call.awaits(call.promise);
    heap.global('kept', call.promise);
    expect(lines(analyzed(heap))).toEqual(['1 x cycle: itself | cycle']);
  });

  it('do not count functions that run, nor generators that nobody asked', () => {
    const heap = asyncHeap();
    const running = heap.asyncFunction('running');
    heap.global('stack', running.generator);
    heap.global('idle', heap.builder.object('items').internal('parameters_and_registers', heap.builder.array()));
    expect(analyzed(heap)).toMatchObject({ totals: { suspended: 0 }, groups: [] });
  });

  it('of the same functions are one when they wait for too many different things of one kind', () => {
    const heap = asyncHeap();
    const job = heap.closure('job');
    for (let i = 0; i < ENDS_PER_CHAIN; i++) heap.callOf(job).awaits(held(heap, `held${String(i)}`));
    expect(analyzed(heap).groups).toHaveLength(ENDS_PER_CHAIN);

    const many = asyncHeap();
    const task = many.closure('task');
    for (let i = 0; i <= ENDS_PER_CHAIN; i++) many.callOf(task).awaits(held(many, `held${String(i)}`));
    const [group, ...others] = analyzed(many).groups;
    expect(others).toEqual([]);
    expect(group).toMatchObject({ count: ENDS_PER_CHAIN + 1, verdict: 'stuck', waitsFor: { kind: 'app promise' } });
    expect(group?.waitsFor.text[0]).toBe(`app promise: ${String(ENDS_PER_CHAIN + 1)} different, such as `);
    expect(group?.members).toHaveLength(ENDS_PER_CHAIN + 1);
  });

  it('are cut where all of them are too long together, and a note says so', () => {
    const heap = asyncHeap();
    const functions = [heap.closure('ping'), heap.closure('pong')] as const;
    const entry = heap.closure('entry');
    let promise = held(heap);
    for (let depth = 0; depth < 1_600; depth++) {
      promise = heap.callOf(functions[depth % 2 === 0 ? 0 : 1]).awaits(promise).promise;
      heap.callOf(entry).awaits(promise);
    }
    const { groups, notes } = analyzed(heap);
    expect(groups.reduce((sum, { chain }) => sum + chain.length, 0)).toBeLessThan(FRAMES_LIMIT + 1_600 * CUT_FRAMES);
    const cut = groups.filter(({ chain }) => chain.length === CUT_FRAMES);
    expect(cut.length).toBeGreaterThan(100);
    expect(notes.join()).toContain('chains are too long together');
  });

  it('end at a function that runs, which may settle its promise at any time', () => {
    const heap = asyncHeap();
    const running = heap.asyncFunction('running');
    heap.gcRoots.element(2, heap.builder.synthetic('(Stack roots)').internal('1', running.generator));
    heap.asyncFunction('waits').awaits(running.promise);
    const [group] = analyzed(heap).groups;
    expect(group).toMatchObject({ verdict: null, waitsFor: { kind: 'app promise' } });
    expect(plainText(group?.waitsFor.text ?? [])).toBe('running, which runs or goes on next');
    expect(group?.heldBy).toEqual([{ count: 1, path: ['running code'] }]);
  });

  it('are followed 20,000 deep', () => {
    const heap = asyncHeap();
    const [ping, pong] = [heap.closure('ping'), heap.closure('pong')];
    let promise = held(heap);
    for (let i = 0; i < 10_000; i++) promise = heap.callOf(ping).awaits(heap.callOf(pong).awaits(promise).promise).promise;
    const [group] = analyzed(heap).groups;
    expect(group).toMatchObject({ count: 1, verdict: 'stuck' });
    expect(group?.chain).toHaveLength(20_000);
    expect(group?.members).toHaveLength(20_000);
  });
});

describe('a group', () => {
  it('knows its suspended functions by their ids, and what each chain hangs on', () => {
    const heap = asyncHeap();
    const promise = held(heap);
    const inner = heap.asyncFunction('inner').awaits(promise);
    const outer = heap.asyncFunction('outer').awaits(heap.then(inner.promise, heap.closure('pass')));
    const [group] = analyzed(heap).groups;
    expect([...(group?.members ?? [])]).toEqual([outer.generator.id, 0, inner.generator.id]);
    expect([...(group?.awaited ?? [])]).toEqual([promise.id]);
  });

  it('tells where its functions are declared', () => {
    const heap = asyncHeap();
    heap.asyncFunction('load').awaits(held(heap));
    const analysis = analyzed(heap);
    expect(analysis.groups[0]?.chain[0]?.declared?.scriptId).toBe(SCRIPT_ID);
    expect(analysis.scripts.get(SCRIPT_ID)).toBe(SCRIPT_URL);
  });

  it('names a method by its class, and a bound function by what it was bound from', () => {
    const heap = asyncHeap();
    const promise = held(heap);
    const load = heap.closure('load');
    const prototype = heap.builder.object('OrderStore').property('constructor', heap.closure('OrderStore')).property('load', load);
    heap.callOf(load, heap.builder.object('Derived').property('__proto__', prototype)).awaits(promise);
    heap.callOf(heap.closure('plain'), heap.builder.object('Server')).awaits(promise);
    heap.then(promise, heap.builder.closure('native_bind').internal('bound_function', heap.closure('parse')));
    expect(lines(analyzed(heap))).toEqual(['1 x stuck: OrderStore.load | app promise', '1 x stuck: plain | app promise', '1 x stuck: then parse | app promise']);
  });

  it('names the collection that holds the resolver, also where a suspended method leads to it', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    const resolvers = heap.builder.object('Map').internal('table', heap.builder.array().internal('3', heap.resolverOf(promise)));
    const payments = heap.builder.object('Payments').property('resolvers', resolvers);
    heap.callOf(heap.closure('collect'), payments).awaits(held(heap));
    heap.asyncFunction('waits').awaits(promise);
    const group = analyzed(heap).groups.find(({ chain }) => chain[0]?.function === 'waits');
    expect(group?.waitsFor.text).toEqual(['its resolver is in Map Payments.resolvers']);
  });

  it('is that of a promise alone when a crowd of callbacks is left on it', () => {
    const heap = asyncHeap();
    const long = held(heap, 'long');
    // What a race leaves behind: the callbacks of a promise that was settled by another
    for (let i = 0; i < CROWD_REACTIONS; i++) heap.reaction(long, heap.resolverOf(heap.promise()), null);
    heap.asyncFunction('waits').awaits(long);
    const analysis = analyzed(heap);
    expect(lines(analysis)).toEqual(['1 x crowd:  | app promise', '1 x crowd: waits | app promise']);
    expect(analysis.groups.find(({ chain }) => chain.length === 0)?.awaited).toEqual(Uint32Array.of(long.id));
    expect(analysis.totals.pendingPromises).toBe(2);
  });

  it('of functions that wait for what the callbacks of a promise settle is no crowd', () => {
    const heap = asyncHeap();
    const connected = held(heap, 'connected');
    const [request, pass] = [heap.closure('request'), heap.closure('pass')];
    for (let i = 0; i < CROWD_REACTIONS; i++) {
      const promise = heap.promise();
      // `connected.then((connection) => resolve(connection))`
      heap.then(connected, heap.closureOf(pass, heap.builder.functionContext().context('resolve', heap.resolverOf(promise))));
      heap.callOf(request).awaits(promise);
    }
    expect(lines(analyzed(heap))).toEqual(['1000 x stuck: request | app promise', '1000 x stuck: then pass | app promise']);
  });
});

describe('a promise', () => {
  it('that something unknown may settle does not wait for nothing', () => {
    const heap = asyncHeap();
    const promise = heap.promise();
    // as optimized code has what it was made for
    heap.global('code', heap.builder.code('load').internal('1', promise));
    heap.asyncFunction('waits').awaits(promise);
    const [group] = analyzed(heap).groups;
    expect(group).toMatchObject({ verdict: null, waitsFor: { kind: 'native', text: ['native code'] } });
  });

  it('that only the function which waits for it would settle has a crowd, too', () => {
    const heap = asyncHeap();
    const call = heap.asyncFunction('itself');
    for (let i = 0; i < CROWD_REACTIONS; i++) heap.reaction(call.promise, heap.resolverOf(heap.promise()), null);
    call.awaits(call.promise);
    heap.global('kept', call.promise);
    expect(lines(analyzed(heap))).toEqual(['1 x crowd:  | nothing', '1 x cycle: itself | cycle']);
  });
});

describe('an analysis', () => {
  it('tells its phases, and stops where it is told to', () => {
    const heap = asyncHeap();
    heap.asyncFunction('load').awaits(held(heap));
    const graph = heap.graph();
    const phases: AnalysisPhase[] = [];
    analyzeHeap(graph, {
      begin: (phase) => {
        phases.push(phase);
        return NO_PROGRESS;
      },
    });
    expect(phases).toEqual(['awaits', 'settleability', 'holders', 'resources']);
    const cancelled = (): never => {
      throw new AnalysisCancelled();
    };
    expect(() => analyzeHeap(graph, { begin: () => ({ report: cancelled, throwIfCancelled: cancelled }) })).toThrow(AnalysisCancelled);
  });

  it('of a heap in which nothing waits is empty', () => {
    expect(analyzed(asyncHeap())).toMatchObject({ groups: [], totals: { suspended: 0, pendingPromises: 0 } });
  });
});
