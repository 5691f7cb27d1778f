/**
 * Who awaits what: all suspended functions, callbacks and combinators of a heap, each with the one promise that it waits for and
 * the one that it settles.
 *
 * The shapes are V8's (`src/objects/promise.tq`, `src/builtins/promise-*.tq`): a pending promise has a list of PromiseReactions,
 * the newest first, linked by `next`. A reaction has two handlers and the promise that they settle. The handlers of an `await` are
 * builtins whose context's extension is the generator object of the suspended function.
 */
import { EDGE_TYPE, NODE_TYPE, NO_NODE, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { NodeSet } from './nodeSet';
import { STEPS_PER_REPORT, type Progress } from './progress';

/** Index of a waiter: 0 to `count - 1`. */
export type WaiterIndex = number & { readonly __brand: 'WaiterIndex' };
export const NO_WAITER = -1 as WaiterIndex;

/**
 * What waits. Links stand for no code: one promise was resolved with another (`link`), or the resolving function of one is the
 * callback of another, or is called in one (`resolverLink`): something else may call it too.
 */
export const WAITER_KIND = { asyncFunction: 0, asyncGenerator: 1, module: 2, then: 3, all: 4, allSettled: 5, any: 6, race: 7, link: 8, resolverLink: 9 } as const;
export type WaiterKind = (typeof WAITER_KIND)[keyof typeof WAITER_KIND];
/** How many kinds there are. */
export const WAITER_KINDS = WAITER_KIND.resolverLink + 1;

/** How combinators are called. */
export const COMBINATOR_NAMES: Readonly<Partial<Record<WaiterKind, string>>> = {
  [WAITER_KIND.all]: 'Promise.all',
  [WAITER_KIND.allSettled]: 'Promise.allSettled',
  [WAITER_KIND.any]: 'Promise.any',
  [WAITER_KIND.race]: 'Promise.race',
};

/** Size of the header of V8's FixedArray, and of an element, in bytes, in Node's builds (no pointer compression). */
const ARRAY_HEADER_BYTES = 16;
const ARRAY_ELEMENT_BYTES = 8;
/** Slots of the contexts of V8's promise builtins. */
const RESOLVER_PROMISE_SLOT = 1;
const COMBINATOR_CAPABILITY_SLOT = 1;
const COMBINATOR_VALUES_SLOT = 2;
const FINALLY_CALLBACK_SLOT = 1;
const CAPABILITY_PROMISE_SLOT = 0;
/** Field of a SourceTextModule on Node 20: the modules that wait for it. Later they are in its only ArrayList. */
const MODULE_PARENTS_SLOT = 10;
/** Beyond this many modules that wait for one, the rest is not looked at. */
const MODULE_LIMIT = 10_000;

/** Everything that waits, in columns. Nodes are {@link NO_NODE} where there is none. */
export class Waiters {
  count = 0;
  kinds = new Uint8Array(1024);
  /**
   * The generator object, the callback of a `then`, the shared context of a combinator, the promise of a link; the context of the resolving
   * functions of a race and of a `resolverLink`, where these are callbacks themselves.
   */
  subjects = new Int32Array(1024);
  /** The pending promise that it waits for; of a combinator the first of them. */
  sources = new Int32Array(1024);
  /** The promise that it settles; of an async generator the first that was asked for. */
  products = new Int32Array(1024);
  /** Of combinators: how many different pending promises they wait for; 1 for all others that wait. */
  pending = new Int32Array(1024);

  add(kind: WaiterKind, subject: NodeIndex, source: NodeIndex, product: NodeIndex): WaiterIndex {
    if (this.count === this.kinds.length) this.#grow();
    const index = this.count++;
    this.kinds[index] = kind;
    this.subjects[index] = subject;
    this.sources[index] = source;
    this.products[index] = product;
    this.pending[index] = source === NO_NODE ? 0 : 1;
    return index as WaiterIndex;
  }

  /** A callback of one promise calls the resolving function of another. */
  addCalled(source: NodeIndex, product: NodeIndex): WaiterIndex {
    return this.add(WAITER_KIND.resolverLink, NO_NODE, source, product);
  }

  kind(waiter: WaiterIndex): WaiterKind {
    return (this.kinds[waiter] ?? WAITER_KIND.link) as WaiterKind;
  }

  subject(waiter: WaiterIndex): NodeIndex {
    return (this.subjects[waiter] ?? NO_NODE) as NodeIndex;
  }

  source(waiter: WaiterIndex): NodeIndex {
    return (this.sources[waiter] ?? NO_NODE) as NodeIndex;
  }

  product(waiter: WaiterIndex): NodeIndex {
    return (this.products[waiter] ?? NO_NODE) as NodeIndex;
  }

  #grow(): void {
    const kinds = new Uint8Array(this.kinds.length * 2);
    kinds.set(this.kinds);
    this.kinds = kinds;
    this.subjects = doubled(this.subjects);
    this.sources = doubled(this.sources);
    this.products = doubled(this.products);
    this.pending = doubled(this.pending);
  }
}

export interface AwaitGraph {
  readonly waiters: Waiters;
  /** Pending promises that have reactions, in ascending order. That a promise without any is pending cannot be told from the heap. */
  readonly pending: Uint32Array;
  /** The same promises. */
  readonly pendingNodes: NodeSet;
  /** For each node, one more than the waiter that settles this promise; 0 for all others, so that few pages are touched. See {@link producerOf}. */
  readonly producers: Uint32Array;
  /** For each generator node, the waiter that it is. */
  readonly generators: ReadonlyMap<number, WaiterIndex>;
  /** The same nodes, for those who only ask whether a node is one. */
  readonly suspendedNodes: NodeSet;
  /** The promises that an async generator owes, by waiter. */
  readonly requests: ReadonlyMap<number, readonly number[]>;
  /** The inputs of combinators: see {@link inputsOf}. */
  readonly inputs: CombinatorInputs;
  /** Suspended calls of async functions and async generators. */
  readonly suspended: number;
  /** Promises that are known to be pending. */
  readonly pendingPromises: number;
  /** Promises of `Atomics.waitAsync`, which V8 settles. */
  readonly waitAsync: readonly NodeIndex[];
  /** Reactions of each of `pending`, in the same order. */
  readonly reactionCounts: Uint32Array;
  /** For each node, one more than the promise whose settling runs this reaction; 0 for what is none. See {@link promiseOfReaction}. */
  readonly reactionPromises: Uint32Array;
}

/** Whether the promise that it settles may have been settled already by another way. */
export function isUncertain(waiters: Waiters, waiter: WaiterIndex): boolean {
  const kind = waiters.kind(waiter);
  return kind === WAITER_KIND.all || kind === WAITER_KIND.any || kind === WAITER_KIND.race || kind === WAITER_KIND.resolverLink;
}

/** Whether it is a suspended function, which stands at a line. */
export function isFunction(waiters: Waiters, waiter: WaiterIndex): boolean {
  return waiters.kind(waiter) <= WAITER_KIND.module;
}

/** Linked lists: the inputs of waiter w begin at `first.get(w)`. */
export interface CombinatorInputs {
  readonly first: ReadonlyMap<number, number>;
  readonly promises: readonly number[];
  readonly next: readonly number[];
  /** By waiter: how often it was given a promise that it had been given before. */
  readonly repeats: ReadonlyMap<number, number>;
}

/** How many promises a combinator was given: k of n settled. */
export interface CombinatorCounts {
  readonly settled: number;
  readonly of: number;
}

export function buildAwaitGraph(graph: HeapGraph, index: HeapIndex, progress: Progress): AwaitGraph {
  const found = scan(graph, index, progress);
  return new Builder(graph, index, found, progress).build();
}

/** The waiter that settles a promise; {@link NO_WAITER} where none is known to. */
export function producerOf(producers: AwaitGraph['producers'], promise: NodeIndex): WaiterIndex {
  return ((producers[promise] ?? 0) - 1) as WaiterIndex;
}

export function setProducer(producers: AwaitGraph['producers'], promise: NodeIndex, waiter: WaiterIndex): void {
  producers[promise] = waiter + 1;
}

/** The promise whose settling runs a reaction; {@link NO_NODE} for one in no list of a pending promise. */
export function promiseOfReaction(reactionPromises: AwaitGraph['reactionPromises'], reaction: NodeIndex): NodeIndex {
  return ((reactionPromises[reaction] ?? 0) - 1) as NodeIndex;
}

/** What a waiter waits for next; {@link NO_WAITER} where its chain ends. */
export function nextWaiter({ waiters, producers }: AwaitGraph, waiter: WaiterIndex): WaiterIndex {
  if ((waiters.pending[waiter] ?? 0) > 1) return NO_WAITER;
  const source = waiters.source(waiter);
  if (source === NO_NODE) return NO_WAITER;
  const next = producerOf(producers, source);
  // A function that runs, or goes on next, waits for nothing
  return next !== NO_WAITER && waiters.source(next) === NO_NODE ? NO_WAITER : next;
}

/** The different pending promises that a combinator waits for. */
export function inputsOf({ inputs }: AwaitGraph, waiter: WaiterIndex): NodeIndex[] {
  const result: NodeIndex[] = [];
  for (let at = inputs.first.get(waiter) ?? -1; at !== -1; at = inputs.next[at] ?? -1) result.push((inputs.promises[at] ?? NO_NODE) as NodeIndex);
  return result;
}

/** Undefined where the heap does not tell: `Promise.any` and `Promise.race` keep no list. */
export function combinatorCounts(graph: HeapGraph, index: HeapIndex, awaits: AwaitGraph, waiter: WaiterIndex): CombinatorCounts | undefined {
  const { waiters } = awaits;
  const kind = waiters.kind(waiter);
  const pending = waiters.pending[waiter] ?? 0;
  if (kind === WAITER_KIND.race) return { settled: 0, of: pending };
  if (kind !== WAITER_KIND.all && kind !== WAITER_KIND.allSettled) return undefined;
  const values = index.hidden(waiters.subject(waiter), COMBINATOR_VALUES_SLOT);
  if (values === NO_NODE) return undefined;
  const of = Math.floor((graph.arraySize(values) - ARRAY_HEADER_BYTES) / ARRAY_ELEMENT_BYTES);
  // The same promise can be given more than once; each time it has a reaction
  const reactions = awaits.inputs.first.has(waiter) ? pending + (awaits.inputs.repeats.get(waiter) ?? 0) : 0;
  return of >= reactions ? { settled: of - reactions, of } : undefined;
}

interface Scan {
  readonly pending: readonly number[];
  /** Nodes with `parameters_and_registers`. */
  readonly generators: readonly number[];
  readonly modules: readonly number[];
  readonly waitAsyncTables: readonly number[];
}

/** One pass over all edges of objects. */
function scan(graph: HeapGraph, index: HeapIndex, progress: Progress): Scan {
  const { nodeTypes, nodeNames, firstEdges, edgeTypes, edgeNames, edgeTargets } = graph.arrays;
  const { nodeCount } = graph;
  const reactions = index.edge.reactions_or_result;
  const registers = index.edge.parameters_and_registers;
  const waitAsync = index.edge.atomics_waitasync_promises;
  const reaction = index.node['system / PromiseReaction'];
  const module = index.node['system / SourceTextModule'];
  const pending: number[] = [];
  const generators: number[] = [];
  const modules: number[] = [];
  const waitAsyncTables: number[] = [];
  for (let node = 0; node < nodeCount; node++) {
    if ((node & (STEPS_PER_REPORT - 1)) === 0) progress.report((node / nodeCount) * SCAN_SHARE);
    const type = nodeTypes[node];
    if (type === NODE_TYPE.object) {
      const end = firstEdges[node + 1] ?? 0;
      for (let edge = firstEdges[node] ?? 0; edge < end; edge++) {
        if (edgeTypes[edge] !== EDGE_TYPE.internal) continue;
        const name = edgeNames[edge];
        if (name === reactions) {
          if (nodeNames[edgeTargets[edge] ?? 0] === reaction) pending.push(node);
        } else if (name === registers) generators.push(node);
      }
    } else if (type === NODE_TYPE.hidden) {
      if (nodeNames[node] === module) modules.push(node);
      else if (waitAsync !== -1) {
        const end = firstEdges[node + 1] ?? 0;
        for (let edge = firstEdges[node] ?? 0; edge < end; edge++) {
          if (edgeNames[edge] === waitAsync && edgeTypes[edge] === EDGE_TYPE.internal) waitAsyncTables.push(edgeTargets[edge] ?? 0);
        }
      }
    }
  }
  return { pending, generators, modules, waitAsyncTables };
}

/** Of the time of this phase, measured on heaps with 200,000 suspended functions. */
const SCAN_SHARE = 0.4;

class Builder {
  readonly #waiters = new Waiters();
  readonly #producers: Uint32Array;
  /**
   * One more than whose list a reaction or a request was seen in, a promise's or a generator's: each is in one, once, and in a corrupted
   * heap no list is endless.
   */
  readonly #listed: Uint32Array;
  readonly #generators = new Map<number, WaiterIndex>();
  readonly #suspendedNodes: NodeSet;
  readonly #pendingNodes: NodeSet;
  readonly #combinators = new Map<number, WaiterIndex>();
  readonly #inputs = { first: new Map<number, number>(), promises: [] as number[], next: [] as number[], repeats: new Map<number, number>() };
  readonly #requests = new Map<number, number[]>();
  readonly #moduleGenerators = new Set<number>();
  /** Hidden edges of a PromiseReaction before `next`: 1 where V8 keeps async context there (Node 22 and later). */
  #lead: number;

  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
    readonly found: Scan,
    readonly progress: Progress,
  ) {
    this.#producers = new Uint32Array(graph.nodeCount);
    this.#listed = new Uint32Array(graph.nodeCount);
    this.#suspendedNodes = new NodeSet(graph);
    this.#pendingNodes = new NodeSet(graph);
    this.#lead = this.#reactionLead();
  }

  build(): AwaitGraph {
    const { found } = this;
    const pending = Uint32Array.from(found.pending);
    const reactionCounts = new Uint32Array(pending.length);
    for (const module of found.modules) this.#noteModuleGenerator(module as NodeIndex);
    for (const generator of found.generators) this.#addGenerator(generator as NodeIndex);
    for (let i = 0; i < pending.length; i++) {
      if ((i & 4095) === 0) this.progress.report(SCAN_SHARE + (i / pending.length) * (1 - SCAN_SHARE));
      const promise = pending[i] as NodeIndex;
      this.#pendingNodes.add(promise);
      let count = 0;
      let reaction = this.index.internal(promise, 'reactions_or_result');
      while (reaction !== NO_NODE && this.#listed[reaction] === 0) {
        this.#listed[reaction] = promise + 1;
        reaction = this.#addReaction(promise, reaction);
        count++;
      }
      reactionCounts[i] = count;
    }
    const suspended = this.#countSuspended();
    return {
      waiters: this.#waiters,
      pending,
      pendingNodes: this.#pendingNodes,
      suspendedNodes: this.#suspendedNodes,
      producers: this.#producers,
      generators: this.#generators,
      requests: this.#requests,
      inputs: this.#inputs,
      suspended,
      pendingPromises: pending.length + this.#countQuiet(),
      waitAsync: found.waitAsyncTables.flatMap((table) => this.#objectsIn(table as NodeIndex)),
      reactionCounts,
      reactionPromises: this.#listed,
    };
  }

  /** A function counts as suspended once it is known what it awaits; one that runs, or that goes on next, awaits nothing. */
  #countSuspended(): number {
    const { sources, count } = this.#waiters;
    let suspended = 0;
    for (let i = 0; i < count; i++) {
      if (isFunction(this.#waiters, i as WaiterIndex) && sources[i] !== NO_NODE) suspended++;
    }
    return suspended;
  }

  /**
   * What an unfinished waiter settles is pending, also where nobody waits for it; but a combinator or a resolving function may have
   * been through already, and its other inputs still know it.
   */
  #countQuiet(): number {
    const { count, sources } = this.#waiters;
    let quiet = 0;
    for (let i = 0; i < count; i++) {
      const waiter = i as WaiterIndex;
      if (sources[i] === NO_NODE || isUncertain(this.#waiters, waiter)) continue;
      const requests = this.#waiters.kind(waiter) === WAITER_KIND.asyncGenerator ? this.#requests.get(waiter) : undefined;
      if (requests === undefined) {
        if (this.#isQuiet(this.#waiters.product(waiter), waiter)) quiet++;
      } else for (const promise of new Set(requests)) if (this.#isQuiet(promise as NodeIndex, waiter)) quiet++;
    }
    return quiet;
  }

  #isQuiet(promise: NodeIndex, waiter: WaiterIndex): boolean {
    return promise !== NO_NODE && producerOf(this.#producers, promise) === waiter && !this.#pendingNodes.has(promise);
  }

  #noteModuleGenerator(module: NodeIndex): void {
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const end = this.graph.endEdge(module);
    for (let edge: number = this.graph.firstEdge(module); edge < end; edge++) {
      const target = edgeTargets[edge] ?? NO_NODE;
      if (edgeTypes[edge] === EDGE_TYPE.hidden && this.graph.type(target as NodeIndex) === NODE_TYPE.object) this.#moduleGenerators.add(target);
    }
  }

  /**
   * Hidden edges tell the sorts apart: an async function's promise, an async generator's queue of requests, of others nothing. While
   * it runs, what it was resumed with stands before; behind the promise Node 26 has the functions that resume it.
   */
  #addGenerator(generator: NodeIndex): void {
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const end = this.graph.endEdge(generator);
    let promise = NO_NODE;
    for (let edge: number = this.graph.firstEdge(generator); edge < end; edge++) {
      if (edgeTypes[edge] !== EDGE_TYPE.hidden) continue;
      const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
      if (this.index.named(target, 'system / AsyncGeneratorRequest')) {
        this.#addAsyncGenerator(generator, target);
        return;
      }
      if (this.graph.type(target) === NODE_TYPE.object) promise = target;
    }
    if (promise === NO_NODE) return;
    const kind = this.#moduleGenerators.has(generator) ? WAITER_KIND.module : WAITER_KIND.asyncFunction;
    const waiter = this.#waiters.add(kind, generator, NO_NODE, promise);
    this.#addSuspended(generator, waiter);
    setProducer(this.#producers, promise, waiter);
  }

  #addSuspended(generator: NodeIndex, waiter: WaiterIndex): void {
    this.#generators.set(generator, waiter);
    this.#suspendedNodes.add(generator);
  }

  #addAsyncGenerator(generator: NodeIndex, queue: NodeIndex): void {
    const waiter = this.#waiters.add(WAITER_KIND.asyncGenerator, generator, NO_NODE, NO_NODE);
    this.#addSuspended(generator, waiter);
    const { edgeTypes, edgeNames, edgeTargets } = this.graph.arrays;
    const promises: number[] = [];
    this.#requests.set(waiter, promises);
    let request: NodeIndex = queue;
    while (request !== NO_NODE && this.#listed[request] === 0) {
      this.#listed[request] = generator + 1;
      let next = NO_NODE;
      let promise = NO_NODE;
      let slot = -1;
      const end = this.graph.endEdge(request);
      for (let edge: number = this.graph.firstEdge(request); edge < end; edge++) {
        if (edgeTypes[edge] !== EDGE_TYPE.hidden) continue;
        const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
        if (this.index.named(target, 'system / AsyncGeneratorRequest')) next = target;
        else if ((edgeNames[edge] ?? 0) > slot) {
          // next, value, promise: the promise is the last, and always there
          slot = edgeNames[edge] ?? 0;
          promise = target;
        }
      }
      if (promise !== NO_NODE) {
        setProducer(this.#producers, promise, waiter);
        if (promises.length === 0) this.#waiters.products[waiter] = promise;
        promises.push(promise);
      }
      request = next;
    }
  }

  /** @returns the next reaction of the list, or {@link NO_NODE} */
  #addReaction(promise: NodeIndex, reaction: NodeIndex): NodeIndex {
    const { edgeTypes, edgeNames, edgeTargets } = this.graph.arrays;
    const firstEdge = this.graph.firstEdge(reaction);
    const end = this.graph.endEdge(reaction);
    let next = NO_NODE;
    for (let edge: number = firstEdge; edge < end; edge++) {
      if (edgeTypes[edge] !== EDGE_TYPE.hidden || edgeNames[edge] !== this.#lead) continue;
      const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
      if (this.index.named(target, 'system / PromiseReaction')) next = target;
      break;
    }
    const base = this.#lead + (next === NO_NODE ? 0 : 1);
    let rejected = NO_NODE;
    let fulfilled = NO_NODE;
    let result = NO_NODE;
    for (let edge: number = firstEdge; edge < end; edge++) {
      if (edgeTypes[edge] !== EDGE_TYPE.hidden) continue;
      const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
      const slot = (edgeNames[edge] ?? 0) - base;
      if (slot === 0) rejected = target;
      else if (slot === 1) fulfilled = target;
      else if (slot === 2) result = this.#promiseOf(target);
    }
    this.#addHandlers(promise, fulfilled, rejected, result);
    return next;
  }

  #addHandlers(promise: NodeIndex, fulfilled: NodeIndex, rejected: NodeIndex, result: NodeIndex): void {
    const onFulfilled = fulfilled === NO_NODE ? undefined : this.index.role(fulfilled);
    const onRejected = rejected === NO_NODE ? undefined : this.index.role(rejected);
    const main = fulfilled === NO_NODE ? rejected : fulfilled;
    const role = fulfilled === NO_NODE ? onRejected : onFulfilled;
    if (main === NO_NODE) {
      this.#link(promise, result);
      return;
    }
    if (onRejected === 'any') {
      this.#addInput(WAITER_KIND.any, rejected, promise);
      return;
    }
    switch (role) {
      case 'await':
        this.#suspend(promise, main);
        return;
      case 'all':
        this.#addInput(WAITER_KIND.all, main, promise);
        return;
      case 'allSettled':
        this.#addInput(WAITER_KIND.allSettled, main, promise);
        return;
      case 'any':
        this.#addInput(WAITER_KIND.any, main, promise);
        return;
      case 'resolve':
      case 'reject':
        this.#linkResolver(promise, main);
        return;
      case 'finally':
        this.#then(promise, this.#firstSlot(main, FINALLY_CALLBACK_SLOT), result);
        return;
      case 'module':
        this.#linkModules(promise, main);
        return;
      case 'other':
        if (result === NO_NODE) this.#linkContext(promise, main);
        else this.#link(promise, result);
        return;
      case undefined:
        this.#then(promise, main, result);
        // `promise.then(value => resolve(…), reject)` in an executor: the outer promise waits for the inner
        if (onRejected === 'reject' || onRejected === 'resolve') this.#linkResolver(promise, rejected);
    }
  }

  #suspend(promise: NodeIndex, closure: NodeIndex): void {
    const generator = this.index.internal(this.index.internal(closure, 'context'), 'extension');
    if (generator === NO_NODE) return;
    let waiter = this.#generators.get(generator);
    if (waiter === undefined) {
      // Without a promise of its own: an async generator whose requests were all answered, returning
      waiter = this.#waiters.add(WAITER_KIND.asyncGenerator, generator, NO_NODE, NO_NODE);
      this.#addSuspended(generator, waiter);
    }
    this.#waiters.sources[waiter] = promise;
    this.#waiters.pending[waiter] = 1;
  }

  #then(promise: NodeIndex, callback: NodeIndex, result: NodeIndex): void {
    const waiter = this.#waiters.add(WAITER_KIND.then, callback, promise, result);
    if (result !== NO_NODE) setProducer(this.#producers, result, waiter);
  }

  #link(promise: NodeIndex, result: NodeIndex): void {
    if (result === NO_NODE || producerOf(this.#producers, result) !== NO_WAITER) return;
    setProducer(this.#producers, result, this.#waiters.add(WAITER_KIND.link, result, promise, result));
  }

  /** The handler is the resolving function of another promise. When several promises have the same, it is a race. */
  #linkResolver(promise: NodeIndex, closure: NodeIndex): void {
    const result = this.#firstSlot(closure, RESOLVER_PROMISE_SLOT);
    // V8 takes the promise out of the slot once it was settled (Node 26): what is left of a race
    if (result === NO_NODE) return;
    const known = producerOf(this.#producers, result);
    if (known === NO_WAITER) {
      const context = this.index.internal(closure, 'context');
      setProducer(this.#producers, result, this.#waiters.add(WAITER_KIND.resolverLink, context, promise, result));
      return;
    }
    const kind = this.#waiters.kind(known);
    if (kind === WAITER_KIND.resolverLink && this.#waiters.source(known) !== promise) {
      this.#waiters.kinds[known] = WAITER_KIND.race;
      this.#waiters.pending[known] = 0;
      this.#pushInput(known, this.#waiters.source(known));
      this.#pushInput(known, promise);
    } else if (kind === WAITER_KIND.race) this.#pushInput(known, promise);
  }

  #addInput(kind: WaiterKind, closure: NodeIndex, promise: NodeIndex): void {
    const context = this.index.internal(closure, 'context');
    if (context === NO_NODE) return;
    let waiter = this.#combinators.get(context);
    if (waiter === undefined) {
      const result = this.#promiseOf(this.index.hidden(context, COMBINATOR_CAPABILITY_SLOT));
      waiter = this.#waiters.add(kind, context, promise, result);
      this.#waiters.pending[waiter] = 0;
      this.#combinators.set(context, waiter);
      if (result !== NO_NODE) setProducer(this.#producers, result, waiter);
    }
    this.#pushInput(waiter, promise);
  }

  #pushInput(waiter: WaiterIndex, promise: NodeIndex): void {
    const { first, promises, next, repeats } = this.#inputs;
    const head = first.get(waiter) ?? -1;
    // Reactions come promise by promise, so the same promise follows itself
    if (head !== -1 && promises[head] === promise) {
      repeats.set(waiter, (repeats.get(waiter) ?? 0) + 1);
      return;
    }
    first.set(waiter, promises.length);
    next.push(head);
    promises.push(promise);
    this.#waiters.pending[waiter] = (this.#waiters.pending[waiter] ?? 0) + 1;
  }

  /** When the evaluation of a module goes on, its own promise and those of the modules that import it are settled. */
  #linkModules(promise: NodeIndex, closure: NodeIndex): void {
    const { edgeTypes, edgeNames, edgeTargets } = this.graph.arrays;
    const seen = new Set<number>();
    const queue: NodeIndex[] = this.#hiddenTargets(this.index.internal(closure, 'context')).filter((node) => this.index.named(node, 'system / SourceTextModule'));
    for (let module = queue.pop(); module !== undefined && seen.size < MODULE_LIMIT; module = queue.pop()) {
      if (seen.has(module)) continue;
      seen.add(module);
      const moduleEnd = this.graph.endEdge(module);
      for (let edge: number = this.graph.firstEdge(module); edge < moduleEnd; edge++) {
        if (edgeTypes[edge] !== EDGE_TYPE.hidden) continue;
        const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
        if (this.index.named(target, 'Promise')) this.#link(promise, target);
        else if (this.index.named(target, 'system / ArrayList') || (edgeNames[edge] === MODULE_PARENTS_SLOT && this.graph.type(target) === NODE_TYPE.array)) queue.push(...this.#modulesIn(target));
      }
    }
  }

  #modulesIn(list: NodeIndex): NodeIndex[] {
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const modules: NodeIndex[] = [];
    const end = this.graph.endEdge(list);
    for (let edge: number = this.graph.firstEdge(list); edge < end && modules.length < MODULE_LIMIT; edge++) {
      const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
      if (edgeTypes[edge] !== EDGE_TYPE.weak && this.index.named(target, 'system / SourceTextModule')) modules.push(target);
    }
    return modules;
  }

  /** A builtin without a rule of its own, such as those of `Array.fromAsync`: its context holds the promise that it settles. */
  #linkContext(promise: NodeIndex, closure: NodeIndex): void {
    for (const target of this.#hiddenTargets(this.index.internal(closure, 'context'))) {
      const result = this.#promiseOf(target);
      if (result !== promise && this.index.named(result, 'Promise')) {
        this.#link(promise, result);
        return;
      }
    }
  }

  /** What a builtin keeps in the first slot of its context. Optimized code makes these contexts as those of functions, where it has a name. */
  #firstSlot(closure: NodeIndex, slot: number): NodeIndex {
    const context = this.index.internal(closure, 'context');
    const value = this.index.hidden(context, slot);
    return value === NO_NODE ? this.index.internal(context, 'extension') : value;
  }

  #hiddenTargets(node: NodeIndex): NodeIndex[] {
    if (node === NO_NODE) return [];
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const targets: NodeIndex[] = [];
    const end = this.graph.endEdge(node);
    for (let edge: number = this.graph.firstEdge(node); edge < end; edge++) {
      if (edgeTypes[edge] === EDGE_TYPE.hidden) targets.push((edgeTargets[edge] ?? NO_NODE) as NodeIndex);
    }
    return targets;
  }

  /** A promise itself, or that of a capability. */
  #promiseOf(node: NodeIndex): NodeIndex {
    if (node === NO_NODE) return NO_NODE;
    return this.index.named(node, 'system / PromiseCapability') ? this.index.hidden(node, CAPABILITY_PROMISE_SLOT) : node;
  }

  #objectsIn(table: NodeIndex): NodeIndex[] {
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const objects: NodeIndex[] = [];
    const end = this.graph.endEdge(table);
    for (let edge: number = this.graph.firstEdge(table); edge < end; edge++) {
      const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
      if (edgeTypes[edge] !== EDGE_TYPE.weak && this.graph.type(target) === NODE_TYPE.object) objects.push(target);
    }
    return objects;
  }

  /**
   * V8 numbers the fields of a reaction as it visits them, and leaves out `next` at the end of the list. A `then` or an `await`
   * tells how many come before: the await closures are handlers, the derived promise comes after the two.
   */
  #reactionLead(): number {
    const { edgeTypes, edgeNames, edgeTargets } = this.graph.arrays;
    for (const promise of this.found.pending) {
      const reaction = this.index.internal(promise as NodeIndex, 'reactions_or_result');
      let hasNext = 0;
      let result = -1;
      let handler = -1;
      const end = this.graph.endEdge(reaction);
      for (let edge: number = this.graph.firstEdge(reaction); edge < end; edge++) {
        if (edgeTypes[edge] !== EDGE_TYPE.hidden) continue;
        const target = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
        const slot = edgeNames[edge] ?? 0;
        if (this.index.named(target, 'system / PromiseReaction')) hasNext = 1;
        else if (this.index.named(target, 'Promise') || this.index.named(target, 'system / PromiseCapability')) result = slot;
        else if (this.index.role(target) === 'await') handler = slot;
      }
      if (handler !== -1 && result === -1) return handler - 1 - hasNext;
      if (result !== -1) return result - 2 - hasNext;
    }
    return 1;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
