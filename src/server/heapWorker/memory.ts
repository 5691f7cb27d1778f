/** Whether there is memory for an analysis, before it begins: what runs out later takes the whole process along. */
import { freemem } from 'node:os';
import { HeapAnalysisError } from './messages';

/**
 * What the arrays of a graph and of the passes over it take: {@link HeapGraph} has 17 bytes a node, 8 more for each array, and 9
 * an edge, retainers 4 and up to 4.5 more, and the passes keep up to 36 bytes a node. A file of 1.3 GB takes 1.2 GB, a third less than
 * this says.
 */
const BYTES_PER_NODE = 60;
const BYTES_PER_EDGE = 15;
/** A file of V8 has 25 to 45 bytes a node without its edges, 18 to 22 an edge, and what its strings take. */
const NEED_PER_BYTE = 1.5;
/** The thread itself and what every analysis needs. Bytes. */
const BASE = 64 * 1024 * 1024;
/** This much stays free for everything else on the machine. Bytes. */
const RESERVE = 128 * 1024 * 1024;

/** Memory in bytes that the analysis of a snapshot of so many bytes takes at most. */
export function memoryForBytes(snapshotBytes: number): number {
  return BASE + snapshotBytes * NEED_PER_BYTE;
}

/** Memory in bytes that the analysis of a snapshot takes at most, from what it says of itself, without its strings. */
export function memoryForCounts(nodes: number, edges: number): number {
  return BASE + nodes * BYTES_PER_NODE + edges * BYTES_PER_EDGE;
}

/** Bytes that this process can still take: of the machine, or of the container's limit where there is one. */
export function availableMemory(): number {
  // Node 20.13 and later; what is there for new processes without swapping, with the limits of control groups
  const available = (process as { availableMemory?: () => number }).availableMemory?.();
  return available ?? freemem();
}

/**
 * @param need bytes
 * @throws {HeapAnalysisError} `not enough memory`
 */
export function checkMemory(need: number, available = availableMemory()): void {
  if (need + RESERVE <= available) return;
  throw new HeapAnalysisError(
    'not enough memory',
    `Analysing this heap snapshot takes up to ${megabytes(need)} of memory, and ${megabytes(available)} are free. ` +
      'Close other programs, or analyse the file on a larger machine.',
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / (1024 * 1024))} MB`;
}
