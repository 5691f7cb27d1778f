/**
 * Which pending promises can still be settled, and a path from a root to everything.
 *
 * One breadth-first walk from the roots does not go through the reactions of a pending promise until something was reached that
 * can settle it: then what waits for it can go on, and settle others. What is left over in the end can never settle. This
 * is the rule of Go's goroutine leak detector, and it is sound only as long as nothing that settles promises is overlooked: so every edge
 * to a promise counts as one that may settle it, except for those that are known only to store it. Linear in the edges.
 */
import { NO_WAITER, producerOf, type AwaitGraph } from './awaitGraph';
import { EDGE_TYPE, NODE_TYPE, NO_NODE, ROOT, type EdgeIndex, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { STEPS_PER_REPORT, type Progress } from './progress';
import type { Realm } from './realm';

const REACHED = 1;
const PENDING = 2;
const SETTLEABLE = 4;
/** The edges of the node were followed. */
const EXPANDED = 8;
const GENERATOR = 16;
/** Native code holds the object, and may settle the promises in its properties: `FSReqPromise` has one in `promise`. */
const NATIVELY_HELD = 32;

/** Types of nodes that lead to nothing but their like and their shape: 1 for each. They are half of a heap, and are not looked into. */
const IS_VALUE = new Uint8Array(NODE_TYPE.other + 1);
for (const type of [NODE_TYPE.string, NODE_TYPE.concatenatedString, NODE_TYPE.slicedString, NODE_TYPE.number, NODE_TYPE.bigint]) IS_VALUE[type] = 1;

const NO_EDGE = -1;

export class Reachability {
  constructor(
    readonly graph: HeapGraph,
    readonly states: Uint8Array,
    /** One more than the edge that each node was reached by; 0 for the root, and for what was not reached. */
    readonly edges: Uint32Array,
    /** By promise that may settle: the node that was found first to settle it. */
    readonly settledBy: ReadonlyMap<number, number>,
  ) {}

  /** Whether nothing in the heap can settle this promise, which is known to be pending. False for what no root leads to. */
  cannotSettle(promise: NodeIndex): boolean {
    const state = this.states[promise] ?? 0;
    return (state & (PENDING | SETTLEABLE | REACHED)) === (PENDING | REACHED);
  }

  /** The edge by which the node was reached; -1 for the root, and for what was not reached. */
  edge(node: NodeIndex): EdgeIndex {
    return ((this.edges[node] ?? 0) - 1) as EdgeIndex;
  }

  /** Whose edge it was; {@link NO_NODE} where there is none. */
  parent(node: NodeIndex): NodeIndex {
    const edge = this.edge(node);
    return edge === NO_EDGE ? NO_NODE : this.graph.source(edge);
  }

  /** What was found first that may settle the promise: such as the context of its resolving functions. */
  settler(promise: NodeIndex): NodeIndex {
    return (this.settledBy.get(promise) ?? NO_NODE) as NodeIndex;
  }
}

export function markSettleable(graph: HeapGraph, index: HeapIndex, realm: Realm, awaits: AwaitGraph, progress: Progress): Reachability {
  const { nodeCount } = graph;
  const { nodeTypes, nodeNames, firstEdges, edgeTypes, edgeNames, edgeTargets } = graph.arrays;
  const reactionsName = index.edge.reactions_or_result;
  const states = new Uint8Array(nodeCount);
  const edges = new Uint32Array(nodeCount);
  // First in, first out from the front; what lies behind code and object shapes waits at the back, for it makes poor paths
  const queue = graph.borrowNumbers();
  let head = 0;
  let tail = 0;
  let later = nodeCount;
  let expanded = 0;
  const settledBy = new Map<number, number>();
  // Generators that were reached before the promise that they await could settle, by that promise
  const parked = new Map<number, number[]>();
  const resumable: number[] = [];
  // What an object stores of a promise without settling it; other internal fields belong to native code
  const storing = new Set<number>([index.edge.receiver, reactionsName, index.edge.value, index.edge.bound_this]);
  const stores = new Set<number>(
    (['system / PropertyArray', 'system / Cell', 'system / PropertyCell', 'system / AccessorPair'] as const).map((name) => index.node[name]),
  );
  // In the end the reactions of what can never settle are followed too, only to know what they lead to
  let frozen = false;

  for (const promise of awaits.pending) states[promise] = PENDING;
  for (const generator of awaits.generators.keys()) states[generator] = GENERATOR;
  for (const promise of awaits.waitAsync) settle(promise, NO_NODE);
  // The global object first: what a program can name makes the better path
  states[ROOT] = REACHED;
  for (let edge = firstEdges[ROOT] ?? 0; edge < (firstEdges[ROOT + 1] ?? 0); edge++) {
    if (edgeTypes[edge] === EDGE_TYPE.shortcut) reach(edgeTargets[edge] ?? 0, edge);
  }
  drain();
  expand(ROOT);
  drain();
  frozen = true;
  for (const promise of awaits.pending) {
    if (((states[promise] ?? 0) & (REACHED | SETTLEABLE)) !== REACHED) continue;
    reachReactions(promise);
    drain();
  }
  graph.giveBack(queue);
  return new Reachability(graph, states, edges, settledBy);

  function drain(): void {
    for (;;) {
      const generator = resumable.pop();
      if (generator !== undefined) {
        settleProducts(generator);
        continue;
      }
      let node: number;
      if (head < tail) node = queue[head++] ?? 0;
      else if (later < nodeCount) node = queue[later++] ?? 0;
      else return;
      if ((expanded++ & (STEPS_PER_REPORT - 1)) === 0) progress.report(Math.min(1, expanded / nodeCount));
      expand(node);
    }
  }

  function reach(node: number, edge: number): void {
    states[node] = (states[node] ?? 0) | REACHED;
    edges[node] = edge + 1;
    const type = nodeTypes[node] ?? NODE_TYPE.other;
    if (type === NODE_TYPE.code || type === NODE_TYPE.objectShape) queue[--later] = node;
    else if (IS_VALUE[type] === 0) queue[tail++] = node;
  }

  function expand(node: number): void {
    const state = states[node] ?? 0;
    states[node] = state | EXPANDED;
    const native = (nodeTypes[node] === NODE_TYPE.native || nodeTypes[node] === NODE_TYPE.synthetic) && node !== ROOT && !frozen;
    const skipReactions = (state & (PENDING | SETTLEABLE)) === PENDING && !frozen;
    const end = firstEdges[node + 1] ?? 0;
    for (let edge = firstEdges[node] ?? 0; edge < end; edge++) {
      const target = edgeTargets[edge] ?? 0;
      const targetState = states[target] ?? 0;
      // what most edges lead to
      if (!native && (targetState & (REACHED | PENDING)) === REACHED) continue;
      if (edgeTypes[edge] === EDGE_TYPE.weak) continue;
      if (skipReactions && edgeNames[edge] === reactionsName && edgeTypes[edge] === EDGE_TYPE.internal) continue;
      if ((targetState & REACHED) === 0) reach(target, edge);
      if (native && nodeTypes[target] === NODE_TYPE.object && (targetState & (NATIVELY_HELD | PENDING)) === 0) holdNatively(target);
      if ((targetState & (PENDING | SETTLEABLE)) === PENDING && !frozen && maySettle(node, edge)) settle(target, node);
    }
    if ((state & GENERATOR) !== 0 && !frozen) resume(node);
  }

  function holdNatively(object: number): void {
    states[object] = (states[object] ?? 0) | NATIVELY_HELD;
    if (((states[object] ?? 0) & EXPANDED) === 0) return;
    const end = firstEdges[object + 1] ?? 0;
    for (let edge = firstEdges[object] ?? 0; edge < end; edge++) {
      const target = edgeTargets[edge] ?? 0;
      if (((states[target] ?? 0) & (PENDING | SETTLEABLE)) === PENDING && edgeTypes[edge] !== EDGE_TYPE.weak && maySettle(object, edge)) settle(target, object);
    }
  }

  function maySettle(node: number, edge: number): boolean {
    const type = nodeTypes[node];
    if (type === NODE_TYPE.array) return false;
    if (type === NODE_TYPE.hidden) {
      // Who asked an async generator gets an answer when that goes on: see resume
      if (index.named(node as NodeIndex, 'system / AsyncGeneratorRequest')) return producerOf(awaits.producers, (edgeTargets[edge] ?? 0) as NodeIndex) === NO_WAITER;
      return !stores.has(nodeNames[node] ?? -1);
    }
    if (type !== NODE_TYPE.object && type !== NODE_TYPE.closure && type !== NODE_TYPE.regexp) return true;
    switch (edgeTypes[edge]) {
      case EDGE_TYPE.property:
        // Native code holds these too, but what is in their properties is the program's own
        if (realm.isGlobal(node as NodeIndex) || realm.isProcess(node as NodeIndex)) return false;
        // A request of Node's C++ settles the promise that it keeps as a property, FSReqPromise for one
        return ((states[node] ?? 0) & NATIVELY_HELD) !== 0 || index.internal(node as NodeIndex, 'javascript_to_native') !== NO_NODE;
      case EDGE_TYPE.element:
      case EDGE_TYPE.context:
        return false;
      case EDGE_TYPE.internal:
        return !storing.has(edgeNames[edge] ?? -1);
      case EDGE_TYPE.hidden:
        // A suspended function settles its promise when it goes on: see resume
        return ((states[node] ?? 0) & GENERATOR) === 0 || producerOf(awaits.producers, (edgeTargets[edge] ?? 0) as NodeIndex) !== awaits.generators.get(node);
      default:
        return true;
    }
  }

  function settle(promise: number, by: number): void {
    const state = states[promise] ?? 0;
    if ((state & SETTLEABLE) !== 0) return;
    states[promise] = state | SETTLEABLE;
    if ((state & PENDING) === 0) return;
    settledBy.set(promise, by);
    if ((state & EXPANDED) !== 0) reachReactions(promise);
    const generators = parked.get(promise);
    if (generators === undefined) return;
    parked.delete(promise);
    // Not at once: such functions can wait for each other many thousands deep
    for (const generator of generators) resumable.push(generator);
  }

  function reachReactions(promise: number): void {
    const edge = index.find(promise as NodeIndex, EDGE_TYPE.internal, reactionsName);
    if (edge === NO_EDGE) return;
    const reaction = edgeTargets[edge] ?? 0;
    if (((states[reaction] ?? 0) & REACHED) === 0) reach(reaction, edge);
  }

  /** A suspended function that was reached goes on when what it awaits settles; one that awaits nothing may run at any time. */
  function resume(generator: number): void {
    const waiter = awaits.generators.get(generator);
    const source = waiter === undefined ? NO_NODE : awaits.waiters.source(waiter);
    const state = source === NO_NODE ? SETTLEABLE : (states[source] ?? 0);
    if ((state & (PENDING | SETTLEABLE)) !== PENDING) {
      settleProducts(generator);
      return;
    }
    const others = parked.get(source);
    if (others === undefined) parked.set(source, [generator]);
    else others.push(generator);
  }

  function settleProducts(generator: number): void {
    const waiter = awaits.generators.get(generator);
    if (waiter === undefined) return;
    const requests = awaits.requests.get(waiter);
    if (requests !== undefined) for (const promise of requests) settle(promise, generator);
    const product = awaits.waiters.product(waiter);
    if (product !== NO_NODE) settle(product, generator);
  }
}
