/**
 * Which pending promises can still be settled, and a path from a root to everything.
 *
 * One breadth-first walk from the roots does not go through the reactions of a pending promise until something was reached that
 * can settle it: then what waits for it can go on, and settle others. What is left over in the end can never settle. This
 * is the rule of Go's goroutine leak detector, and it is sound only as long as nothing that settles promises is overlooked: so every edge
 * to a promise counts as one that may settle it, except for those that are known only to store it. Linear in the edges.
 */
import type { AwaitGraph } from './awaitGraph';
import { WAITER_KIND } from './awaitGraph';
import { EDGE_TYPE, NODE_TYPE, NO_NODE, ROOT, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { STEPS_PER_REPORT, type Progress } from './progress';

const REACHED = 1;
const PENDING = 2;
const SETTLEABLE = 4;
const EXPANDED = 8;

export class Reachability {
  constructor(
    readonly states: Uint8Array,
    /** The node that each was reached from; -1 for the root, and for what was not reached. */
    readonly parents: Int32Array,
    readonly settledBy: ReadonlyMap<number, number>,
  ) {}

  /** Whether nothing in the heap can settle this promise, which is known to be pending. False for what no root leads to. */
  cannotSettle(promise: NodeIndex): boolean {
    const state = this.states[promise] ?? 0;
    return (state & (PENDING | SETTLEABLE | REACHED)) === (PENDING | REACHED);
  }

  reached(node: NodeIndex): boolean {
    return ((this.states[node] ?? 0) & REACHED) !== 0;
  }

  parent(node: NodeIndex): NodeIndex {
    return (this.parents[node] ?? NO_NODE) as NodeIndex;
  }

  /** What was found first that may settle the promise: such as the context of its resolving functions. */
  settler(promise: NodeIndex): NodeIndex {
    return (this.settledBy.get(promise) ?? NO_NODE) as NodeIndex;
  }
}

export function markSettleable(graph: HeapGraph, index: HeapIndex, awaits: AwaitGraph, progress: Progress): Reachability {
  return new Walk(graph, index, awaits, progress).run();
}

class Walk {
  readonly #states: Uint8Array;
  readonly #parents: Int32Array;
  /** First in, first out from the front; what lies behind code and object shapes waits at the back, for it makes poor paths. */
  readonly #queue: Int32Array;
  #head = 0;
  #tail = 0;
  #later: number;
  #expanded = 0;
  readonly #settledBy = new Map<number, number>();
  /** Generators that were reached before the promise that they await could settle, by that promise. */
  readonly #parked = new Map<number, NodeIndex[]>();
  readonly #harmlessInternal: ReadonlySet<number>;
  readonly #storage: ReadonlySet<number>;
  /** In the end the reactions of what can never settle are followed too, only to know what they lead to. */
  #frozen = false;

  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
    readonly awaits: AwaitGraph,
    readonly progress: Progress,
  ) {
    const { nodeCount } = graph;
    this.#states = new Uint8Array(nodeCount);
    this.#parents = new Int32Array(nodeCount).fill(-1);
    this.#queue = new Int32Array(nodeCount);
    this.#later = nodeCount;
    this.#harmlessInternal = new Set([index.edge.receiver, index.edge.reactions_or_result, index.edge.value, index.edge.bound_this, index.edge.context].filter((name) => name !== -1));
    this.#storage = new Set(
      (['system / PropertyArray', 'system / Cell', 'system / PropertyCell', 'system / AccessorPair', 'system / AsyncGeneratorRequest'] as const).map((name) => index.node[name]),
    );
  }

  run(): Reachability {
    const { pending, waitAsync } = this.awaits;
    for (const promise of pending) this.#states[promise] = PENDING;
    for (const promise of waitAsync) this.#settle(promise, NO_NODE);
    this.#reach(ROOT, NO_NODE);
    // The global object first: what a program can name makes the better path
    const { edgeTypes } = this.graph.arrays;
    const end = this.graph.endEdge(ROOT);
    for (let edge: number = this.graph.firstEdge(ROOT); edge < end; edge++) {
      if (edgeTypes[edge] === EDGE_TYPE.shortcut) this.#reach(this.graph.target(edge as never), ROOT);
    }
    this.#head = 1;
    this.#drain();
    this.#expand(ROOT);
    this.#drain();
    this.#frozen = true;
    for (const promise of pending) {
      if ((this.#state(promise) & (REACHED | SETTLEABLE)) !== REACHED) continue;
      this.#reachReactions(promise as NodeIndex);
      this.#drain();
    }
    return new Reachability(this.#states, this.#parents, this.#settledBy);
  }

  #state(node: number): number {
    return this.#states[node] ?? 0;
  }

  #drain(): void {
    const { nodeCount } = this.graph;
    for (;;) {
      let node: number;
      if (this.#head < this.#tail) node = this.#queue[this.#head++] ?? 0;
      else if (this.#later < nodeCount) node = this.#queue[this.#later++] ?? 0;
      else return;
      if ((this.#expanded++ & (STEPS_PER_REPORT - 1)) === 0) this.progress.report(Math.min(1, this.#expanded / nodeCount));
      this.#expand(node as NodeIndex);
    }
  }

  #reach(node: NodeIndex, from: NodeIndex): void {
    this.#states[node] = this.#state(node) | REACHED;
    this.#parents[node] = from;
    const type = this.graph.arrays.nodeTypes[node];
    if (type === NODE_TYPE.code || type === NODE_TYPE.objectShape) this.#queue[--this.#later] = node;
    else this.#queue[this.#tail++] = node;
  }

  #expand(node: NodeIndex): void {
    const { nodeTypes, nodeNames, firstEdges, edgeTypes, edgeNames, edgeTargets } = this.graph.arrays;
    const states = this.#states;
    const state = states[node] ?? 0;
    states[node] = state | EXPANDED;
    const type = nodeTypes[node];
    const harmless = type === NODE_TYPE.array || (type === NODE_TYPE.hidden && this.#storage.has(nodeNames[node] ?? -1));
    const skipReactions = (state & (PENDING | SETTLEABLE)) === PENDING && !this.#frozen;
    const end = firstEdges[node + 1] ?? 0;
    for (let edge = firstEdges[node] ?? 0; edge < end; edge++) {
      const edgeType = edgeTypes[edge];
      if (edgeType === EDGE_TYPE.weak) continue;
      if (skipReactions && edgeType === EDGE_TYPE.internal && edgeNames[edge] === this.index.edge.reactions_or_result) continue;
      const target = edgeTargets[edge] ?? 0;
      const targetState = states[target] ?? 0;
      if ((targetState & REACHED) === 0) this.#reach(target as NodeIndex, node);
      if ((targetState & (PENDING | SETTLEABLE)) === PENDING && !harmless && !this.#frozen && this.#maySettle(node, type, edge)) {
        this.#settle(target as NodeIndex, node);
      }
    }
    if (type === NODE_TYPE.object) this.#resume(node);
  }

  #maySettle(node: NodeIndex, type: number | undefined, edge: number): boolean {
    const { edgeTypes, edgeNames } = this.graph.arrays;
    if (type !== NODE_TYPE.object && type !== NODE_TYPE.closure && type !== NODE_TYPE.regexp) return true;
    switch (edgeTypes[edge]) {
      case EDGE_TYPE.property:
        // A request of Node's C++ settles the promise that it keeps as a property, FSReqPromise for one
        return this.index.internal(node, 'javascript_to_native') !== NO_NODE;
      case EDGE_TYPE.element:
      case EDGE_TYPE.context:
        return false;
      case EDGE_TYPE.internal:
        return !this.#harmlessInternal.has(edgeNames[edge] ?? -1);
      case EDGE_TYPE.hidden:
        // A suspended function settles its promise when it goes on: see #resume
        return !this.awaits.generators.has(node);
      default:
        return true;
    }
  }

  #settle(promise: NodeIndex, by: NodeIndex): void {
    const state = this.#state(promise);
    if ((state & SETTLEABLE) !== 0) return;
    this.#states[promise] = state | SETTLEABLE;
    if ((state & PENDING) === 0) return;
    this.#settledBy.set(promise, by);
    if ((state & EXPANDED) !== 0) this.#reachReactions(promise);
    const parked = this.#parked.get(promise);
    if (parked === undefined) return;
    this.#parked.delete(promise);
    for (const generator of parked) this.#settleProducts(generator);
  }

  #reachReactions(promise: NodeIndex): void {
    const reaction = this.index.internal(promise, 'reactions_or_result');
    if (reaction !== NO_NODE && (this.#state(reaction) & REACHED) === 0) this.#reach(reaction, promise);
  }

  /** A suspended function that was reached goes on when what it awaits settles; one that awaits nothing may run at any time. */
  #resume(node: NodeIndex): void {
    if (this.#frozen) return;
    const waiter = this.awaits.generators.get(node);
    if (waiter === undefined) return;
    const source = this.awaits.waiters.source(waiter);
    const state = source === NO_NODE ? SETTLEABLE : this.#state(source);
    if ((state & (PENDING | SETTLEABLE)) !== PENDING) {
      this.#settleProducts(node);
      return;
    }
    const parked = this.#parked.get(source);
    if (parked === undefined) this.#parked.set(source, [node]);
    else parked.push(node);
  }

  #settleProducts(generator: NodeIndex): void {
    const waiter = this.awaits.generators.get(generator);
    if (waiter === undefined) return;
    if (this.awaits.waiters.kind(waiter) === WAITER_KIND.asyncGenerator) {
      for (const promise of this.awaits.requests.get(waiter) ?? []) this.#settle(promise as NodeIndex, generator);
      return;
    }
    const product = this.awaits.waiters.product(waiter);
    if (product !== NO_NODE) this.#settle(product, generator);
  }
}
