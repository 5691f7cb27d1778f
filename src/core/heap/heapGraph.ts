/**
 * A V8 heap snapshot as typed arrays: what the passes of this folder read. Nodes and edges are known by their ordinals, which
 * branded types keep apart from everything else that is a number in a snapshot (offsets, heap object ids, strings).
 *
 * The layout of the file is V8's (`src/profiler/heap-snapshot-generator.cc`); types are renumbered here, so that the passes
 * do not depend on the version that wrote it.
 */

/** Ordinal of a node: 0 to `nodeCount - 1`. Node 0 is the synthetic root. */
export type NodeIndex = number & { readonly __brand: 'NodeIndex' };
/** Ordinal of an edge: 0 to `edgeCount - 1`. Edges of one node are neighbours. */
export type EdgeIndex = number & { readonly __brand: 'EdgeIndex' };
/** Index into the string table. */
export type StringIndex = number & { readonly __brand: 'StringIndex' };
/** What V8 calls an object as long as it lives, across snapshots of one process: `SnapshotObjectId`. */
export type HeapObjectId = number & { readonly __brand: 'HeapObjectId' };

export const NO_NODE = -1 as NodeIndex;
export const ROOT = 0 as NodeIndex;

/** Renumbered: the same in every version. `other` is a type that this reader does not know. */
export const NODE_TYPE = {
  hidden: 0,
  array: 1,
  string: 2,
  object: 3,
  code: 4,
  closure: 5,
  regexp: 6,
  number: 7,
  native: 8,
  synthetic: 9,
  concatenatedString: 10,
  slicedString: 11,
  symbol: 12,
  bigint: 13,
  objectShape: 14,
  other: 15,
} as const;
export type NodeType = (typeof NODE_TYPE)[keyof typeof NODE_TYPE];

/** Renumbered, as node types are. Names of `element` and `hidden` edges are numbers, all others are strings. */
export const EDGE_TYPE = { context: 0, element: 1, property: 2, internal: 3, hidden: 4, shortcut: 5, weak: 6, other: 7 } as const;
export type EdgeType = (typeof EDGE_TYPE)[keyof typeof EDGE_TYPE];

/** Strings of the snapshot, decoded when asked for. V8 cuts long ones to 1,024 characters. */
export interface StringTable {
  readonly count: number;
  get(index: StringIndex): string;
  /** Looks all of them up in one pass, or in none if they were looked up before; undefined where the snapshot has no such string. */
  find(texts: readonly string[]): readonly (StringIndex | undefined)[];
}

/** Where a function, or the function of a suspended generator, is declared. All 0-based, as V8 has them. */
export interface ScriptPosition {
  readonly scriptId: number;
  readonly line: number;
  readonly column: number;
}

/** Numbers of one location: see {@link HeapArrays.locations}. */
export const LOCATION_FIELDS = 4;

/** The arrays of a graph; lengths are `nodeCount` and `edgeCount` where nothing else is said. */
export interface HeapArrays {
  readonly nodeTypes: Uint8Array;
  /** String indices. */
  readonly nodeNames: Uint32Array;
  readonly nodeIds: Uint32Array;
  /** `nodeCount + 1` entries: the edges of node n are `firstEdges[n]` up to `firstEdges[n + 1]`. */
  readonly firstEdges: Uint32Array;
  readonly edgeTypes: Uint8Array;
  /** A string index, or the number itself for `element` and `hidden` edges. */
  readonly edgeNames: Uint32Array;
  /** Node ordinals. */
  readonly edgeTargets: Uint32Array;
  /** Of nodes of type `array`, in the order of the file: node and size in bytes by turns. Nobody asks for the sizes of others. */
  readonly arraySizes: Uint32Array;
  /** {@link LOCATION_FIELDS} numbers for each location, in the order of the file: node, script, line, column. */
  readonly locations: Uint32Array;
  /** For each node, one more than the number of its location; 0 where it has none. */
  readonly locationOf: Uint32Array;
}

/**
 * Who refers to whom: the edges of a graph turned around. Whose edge it is, {@link HeapGraph.source} tells. Strings, numbers and object
 * shapes are left out: they take nearly half of all edges, and nobody goes on from one to those who have it.
 */
export interface Retainers {
  /** `nodeCount + 1` entries: the edges that lead to node n are `edges[first[n]]` up to `edges[first[n + 1]]`, none where it is left out. */
  readonly first: Uint32Array;
  /** Edge ordinals, ascending for each node. */
  readonly edges: Uint32Array;
}

export class HeapGraph {
  readonly nodeCount: number;
  readonly edgeCount: number;
  #retainers: Retainers | undefined;
  #blockOwners: Uint32Array | undefined;
  #spare: Uint32Array<ArrayBuffer> | undefined;

  constructor(
    readonly arrays: HeapArrays,
    readonly strings: StringTable,
  ) {
    this.nodeCount = arrays.nodeTypes.length;
    this.edgeCount = arrays.edgeTypes.length;
  }

  type(node: NodeIndex): NodeType {
    return (this.arrays.nodeTypes[node] ?? NODE_TYPE.other) as NodeType;
  }

  name(node: NodeIndex): string {
    return this.strings.get(this.nameIndex(node));
  }

  nameIndex(node: NodeIndex): StringIndex {
    return (this.arrays.nodeNames[node] ?? 0) as StringIndex;
  }

  id(node: NodeIndex): HeapObjectId {
    return (this.arrays.nodeIds[node] ?? 0) as HeapObjectId;
  }

  /** Bytes of a node of type `array`; 0 of any other. */
  arraySize(node: NodeIndex): number {
    const { arraySizes } = this.arrays;
    let low = 0;
    let high = arraySizes.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((arraySizes[2 * middle] ?? 0) < node) low = middle + 1;
      else high = middle;
    }
    return arraySizes[2 * low] === node ? (arraySizes[2 * low + 1] ?? 0) : 0;
  }

  firstEdge(node: NodeIndex): EdgeIndex {
    return (this.arrays.firstEdges[node] ?? this.edgeCount) as EdgeIndex;
  }

  /** One past the node's last edge. */
  endEdge(node: NodeIndex): EdgeIndex {
    return (this.arrays.firstEdges[node + 1] ?? this.edgeCount) as EdgeIndex;
  }

  edgeType(edge: EdgeIndex): EdgeType {
    return (this.arrays.edgeTypes[edge] ?? EDGE_TYPE.other) as EdgeType;
  }

  /** A string index, or the number itself for `element` and `hidden` edges. */
  edgeNameOrIndex(edge: EdgeIndex): number {
    return this.arrays.edgeNames[edge] ?? 0;
  }

  target(edge: EdgeIndex): NodeIndex {
    return (this.arrays.edgeTargets[edge] ?? NO_NODE) as NodeIndex;
  }

  /** The node whose edge it is. The first call makes an index of 4 bytes for every {@link EDGES_PER_BLOCK} edges. */
  source(edge: EdgeIndex): NodeIndex {
    const { firstEdges } = this.arrays;
    const owners = (this.#blockOwners ??= ownersOfBlocks(this.arrays, this.nodeCount, this.edgeCount));
    const block = Math.floor(edge / EDGES_PER_BLOCK);
    let low = owners[block] ?? 0;
    let high = (owners[block + 1] ?? this.nodeCount - 1) + 1;
    // nodes without edges begin where the next one does: the last that begins at or before the edge is its owner
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((firstEdges[middle] ?? 0) <= edge) low = middle;
      else high = middle;
    }
    return low as NodeIndex;
  }

  /** Where the node's function is declared; undefined for what has no place. */
  location(node: NodeIndex): ScriptPosition | undefined {
    const { locations, locationOf } = this.arrays;
    const number = locationOf[node] ?? 0;
    if (number === 0) return undefined;
    const at = (number - 1) * LOCATION_FIELDS;
    return { scriptId: locations[at + 1] ?? 0, line: locations[at + 2] ?? 0, column: locations[at + 3] ?? 0 };
  }

  /** Built at the first call, by counting sort: 4 bytes a node and 4 for each edge that is in it. */
  get retainers(): Retainers {
    return (this.#retainers ??= turnAround(this.arrays, this.nodeCount, this.edgeCount, this.borrowNumbers()));
  }

  /** A number for each node and one more, all 0; whoever needs them for a while only gives them back, so that they are room for the next. */
  borrowNumbers(): Uint32Array<ArrayBuffer> {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.fill(0) ?? new Uint32Array(this.nodeCount + 1);
  }

  /** @param numbers of {@link borrowNumbers}, which the caller no longer uses */
  giveBack(numbers: Uint32Array<ArrayBuffer>): void {
    this.#spare = numbers;
  }
}

/** Edges whose owner is searched for among the same few nodes. */
const EDGES_PER_BLOCK = 8;

/** For each block of edges, the node that its first edge belongs to. */
function ownersOfBlocks({ firstEdges }: HeapArrays, nodeCount: number, edgeCount: number): Uint32Array {
  const owners = new Uint32Array(Math.ceil(edgeCount / EDGES_PER_BLOCK));
  let block = 0;
  for (let node = 0; node < nodeCount && block < owners.length; node++) {
    const end = firstEdges[node + 1] ?? 0;
    while (block < owners.length && block * EDGES_PER_BLOCK < end) owners[block++] = node;
  }
  return owners;
}

/** 1 for the types of nodes that {@link Retainers} leave out. */
const LEFT_OUT = new Uint8Array(NODE_TYPE.other + 1);
for (const type of [NODE_TYPE.string, NODE_TYPE.concatenatedString, NODE_TYPE.slicedString, NODE_TYPE.number, NODE_TYPE.objectShape]) LEFT_OUT[type] = 1;

/** @param first `nodeCount + 1` zeros, which become part of the result */
function turnAround({ nodeTypes, edgeTargets }: HeapArrays, nodeCount: number, edgeCount: number, first: Uint32Array): Retainers {
  for (let edge = 0; edge < edgeCount; edge++) {
    const target = edgeTargets[edge] ?? 0;
    first[target] = (first[target] ?? 0) + 1;
  }
  let sum = 0;
  for (let node = 0; node <= nodeCount; node++) {
    if (LEFT_OUT[nodeTypes[node] ?? NODE_TYPE.other] === 0) sum += first[node] ?? 0;
    first[node] = sum;
  }
  // from the last edge to the first, each node's end moves down to its beginning
  const edges = new Uint32Array(sum);
  for (let edge = edgeCount - 1; edge >= 0; edge--) {
    const target = edgeTargets[edge] ?? 0;
    if (LEFT_OUT[nodeTypes[target] ?? NODE_TYPE.other] === 1) continue;
    const slot = (first[target] ?? 0) - 1;
    first[target] = slot;
    edges[slot] = edge;
  }
  return { first, edges };
}
