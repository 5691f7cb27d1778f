/**
 * What sort of object something is, told by the properties that it has rather than by the name of its class, which the app can
 * extend or rename. Prototypes have none of these as their own.
 */
import { EDGE_TYPE, NODE_TYPE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import type { HeapObjects } from './heapObjects';
import type { NameKey } from './heapNames';

export const FEATURE = {
  timeout: 1 << 0,
  immediate: 1 << 1,
  emitter: 1 << 2,
  eventTarget: 1 << 3,
  abortSignal: 1 << 4,
  readable: 1 << 5,
  writable: 1 << 6,
  socket: 1 << 7,
  server: 1 << 8,
  clientRequest: 1 << 9,
  outgoing: 1 << 10,
  incoming: 1 << 11,
  childProcess: 1 << 12,
  worker: 1 << 13,
  native: 1 << 14,
  broadcastChannel: 1 << 15,
  fetch: 1 << 16,
  undiciRequest: 1 << 17,
  webState: 1 << 18,
  undiciClient: 1 << 19,
  fetchParams: 1 << 20,
  readline: 1 << 21,
  http2Stream: 1 << 22,
} as const;

/** Every feature of an object is one own property. */
const MARKS: readonly (readonly [NameKey, number])[] = [
  ['onTimeout', FEATURE.timeout],
  ['onImmediate', FEATURE.immediate],
  ['events', FEATURE.emitter],
  ['kEvents', FEATURE.eventTarget],
  ['aborted', FEATURE.abortSignal],
  ['readableState', FEATURE.readable],
  ['writableState', FEATURE.writable],
  ['pendingEncoding', FEATURE.socket],
  ['connectionKey', FEATURE.server],
  ['timeoutCb', FEATURE.clientRequest],
  ['outputData', FEATURE.outgoing],
  ['rawHeaders', FEATURE.incoming],
  ['spawnfile', FEATURE.childProcess],
  ['kPublicPort', FEATURE.worker],
  ['urlList', FEATURE.fetch],
  ['idempotent', FEATURE.undiciRequest],
  ['kState', FEATURE.webState],
  ['symbolQueue', FEATURE.undiciClient],
  ['processResponse', FEATURE.fetchParams],
  ['killRing', FEATURE.readline],
  ['http2Origin', FEATURE.http2Stream],
];

/** Edges of an object that are looked at: what matters is set by constructors, so early. */
const EDGE_LIMIT = 512;

export class Features {
  /** One more than the position in {@link MARKS}, by string index: a pass over all edges of a heap asks this for each. */
  readonly #markOf: Uint8Array;
  readonly #objects: HeapObjects;

  constructor(objects: HeapObjects) {
    this.#objects = objects;
    this.#markOf = new Uint8Array(objects.graph.strings.count);
    MARKS.forEach(([key], i) => {
      if (objects.names[key] >= 0) this.#markOf[objects.names[key]] = i + 1;
    });
  }

  /** The features of a node, or'ed; 0 for what is no object. */
  of(node: NodeIndex): number {
    const { graph, names } = this.#objects;
    const { nodeTypes, firstEdges, edgeTypes, edgeNames } = graph.arrays;
    if (nodeTypes[node] !== NODE_TYPE.object) return 0;
    const markOf = this.#markOf;
    let found = 0;
    const first = firstEdges[node] ?? 0;
    const end = Math.min(firstEdges[node + 1] ?? 0, first + EDGE_LIMIT);
    for (let edge = first; edge < end; edge++) {
      const type = edgeTypes[edge];
      if (type === EDGE_TYPE.property) {
        const mark = markOf[edgeNames[edge] ?? 0] ?? 0;
        if (mark !== 0) found |= MARKS[mark - 1]?.[1] ?? 0;
      } else if (type === EDGE_TYPE.internal && edgeNames[edge] === names.toNative) found |= FEATURE.native;
    }
    return found;
  }
}
