/** A set of nodes as bits, one for each node of a graph: for passes that add and ask very often, and make nothing for a member. */
import type { HeapGraph, NodeIndex } from './heapGraph';

export class NodeSet {
  readonly #bits: Uint8Array;

  constructor(graph: HeapGraph) {
    this.#bits = new Uint8Array((graph.nodeCount >>> 3) + 1);
  }

  has(node: NodeIndex): boolean {
    return ((this.#bits[node >>> 3] ?? 0) & (1 << (node & 7))) !== 0;
  }

  /** @returns whether the node was not in the set before */
  add(node: NodeIndex): boolean {
    const before = this.#bits[node >>> 3] ?? 0;
    const after = before | (1 << (node & 7));
    this.#bits[node >>> 3] = after;
    return after !== before;
  }

  delete(node: NodeIndex): void {
    this.#bits[node >>> 3] = (this.#bits[node >>> 3] ?? 0) & ~(1 << (node & 7));
  }
}
