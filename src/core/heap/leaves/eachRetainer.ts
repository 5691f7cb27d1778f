import type { EdgeIndex, HeapGraph, NodeIndex } from '../heapGraph';

/** Calls `see` for the first `limit` edges that lead to a node. */
export function eachRetainer(graph: HeapGraph, node: NodeIndex, limit: number, see: (from: NodeIndex, edge: EdgeIndex) => void): void {
  const { first, edges } = graph.retainers;
  const start = first[node] ?? 0;
  const end = Math.min(first[node + 1] ?? start, start + limit);
  for (let i = start; i < end; i++) {
    const edge = (edges[i] ?? 0) as EdgeIndex;
    see(graph.source(edge), edge);
  }
}

/** Whether one of the nodes that refer to a node is so. */
export function someRetainer(graph: HeapGraph, node: NodeIndex, is: (from: NodeIndex) => boolean): boolean {
  const { first, edges } = graph.retainers;
  const end = first[node + 1] ?? 0;
  for (let i = first[node] ?? 0; i < end; i++) if (is(graph.source((edges[i] ?? 0) as EdgeIndex))) return true;
  return false;
}
