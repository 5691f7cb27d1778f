/** What one pending promise waits for, in a user's words. */
import type { RawWaitsFor } from '../heapAnalysis';
import { NO_NODE, type HeapGraph, type NodeIndex } from '../heapGraph';
import type { HeapIndex } from '../heapIndex';

/**
 * Who can settle a promise: something live will (a timer, socket, request …); only the program's own code that holds the resolver;
 * native code may; or nothing was found.
 */
export type Settlers = 'in flight' | 'held' | 'native' | 'none';

export interface Explanation {
  readonly waitsFor: RawWaitsFor;
  readonly settlers: Settlers;
  /** The same for waits that are alike: they make one group. */
  readonly key: string;
  /** Another promise that settles this one, such as one whose callback holds the resolver; {@link NO_NODE} when there is none. */
  readonly follows: NodeIndex;
}

export interface Explainer {
  /** @param promise a pending promise that no other task is known to settle */
  explain(promise: NodeIndex): Explanation;
}

export type CreateExplainer = (graph: HeapGraph, index: HeapIndex) => Explainer;

/** Says of every promise that it is one of the program's own. */
export const createExplainer: CreateExplainer = () => {
  const waitsFor: RawWaitsFor = { kind: 'app promise', text: ['a promise of the program'], at: null, details: {} };
  const plain: Explanation = { waitsFor, settlers: 'held', key: 'app promise', follows: NO_NODE };
  return { explain: () => plain };
};
