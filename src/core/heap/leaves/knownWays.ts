/**
 * Remembers what was found beyond an object that many walks come to, such as the array that thousands of resolvers are in: the walks
 * of the next ones end there. Only what is exactly the same is taken over: see {@link KnownWays.find}.
 */
import type { RawPosition } from '../heapAnalysis';
import { EDGE_TYPE } from '../heapGraph';
import type { EdgeIndex, EdgeType, NodeIndex } from '../heapGraph';
import { NodeSet } from '../nodeSet';
import type { HeapObjects } from './heapObjects';
import type { Step } from './leaf';

/** Steps from an object on, its own too, from which it is worth to remember what they found. A walk that ends there is made again. */
const LEAST_STEPS = 2;
/** From so many steps on it is worth most: the second half of the room is kept for these. */
const MANY_STEPS = 8;
/** Objects that were pushed beyond; a walk that has more is made again each time. */
const MOST_PUSHED = 2_048;
/** Ways to one object that are told apart; others are walked each time. */
const WAYS_PER_NODE = 8;
/** Ways that are kept together, each with at most {@link MOST_PUSHED} numbers; others are walked each time. */
const WAYS_LIMIT = 2_000;

/** The only object that a walk could go on from. */
export interface Narrow {
  readonly step: Step;
  /** Steps before this one. */
  readonly at: number;
}

/** How a walk came to a {@link Narrow}. */
export interface Crossing extends Narrow {
  /** What was seen on the way, this object too. */
  readonly way: readonly Step[];
  /** Functions that wait for the promise: walks pass them over. */
  awaiters(): readonly NodeIndex[];
}

/** What a walk met beyond a {@link Narrow}. */
export interface Beyond {
  readonly crossing: Narrow;
  readonly steps: number;
  readonly pushed: ReadonlySet<number>;
  /** Suspended functions that the walk came by, other than those that wait for the promise. */
  readonly generators: readonly NodeIndex[];
  /** It came upon something of its own promise again, so that another promise's walk would be another one. */
  readonly own: boolean;
}

interface Way<Answer> {
  readonly beyond: Beyond;
  readonly answer: Answer;
}

export class KnownWays<Answer> {
  readonly #objects: HeapObjects;
  readonly #ways = new Map<NodeIndex, Way<Answer>[]>();
  /** Objects that a walk came by, and those of them with many steps beyond: with the second walk, what lies beyond is remembered. */
  readonly #passed: NodeSet;
  readonly #passedFar: NodeSet;
  #count = 0;
  /** Edge names that tell something also where they are V8's own. */
  readonly #telling: ReadonlySet<number>;

  constructor(objects: HeapObjects) {
    this.#objects = objects;
    this.#passed = new NodeSet(objects.graph);
    this.#passedFar = new NodeSet(objects.graph);
    const { names } = objects;
    this.#telling = new Set([names.table, names.ready, names.readableState, names.writableState, objects.index.edge.receiver]);
  }

  /**
   * The answer of a walk that went on from here before. It is the same for this one when both came the same way, by objects of the same
   * names and functions of the same places, and when neither meets beyond what is the other's alone.
   */
  find(crossing: Crossing): Answer | undefined {
    const { step, at, way: seen } = crossing;
    const way = this.#ways.get(step.node)?.find(({ beyond }) => beyond.crossing.at === at && this.#isSameWay(step, beyond.crossing.step));
    if (way === undefined) return undefined;
    const { pushed, generators } = way.beyond;
    // who came by this promise went on to what settles it, with which each way begins
    if (seen.some(({ node }) => pushed.has(node))) return undefined;
    if (generators.length > 0) {
      const awaiters = crossing.awaiters();
      if (generators.some((generator) => awaiters.includes(generator))) return undefined;
    }
    return way.answer;
  }

  /** Whether what lies beyond is worth to be remembered this time. */
  isShared(node: NodeIndex): boolean {
    const limit = this.#passedFar.has(node) ? WAYS_LIMIT : WAYS_LIMIT / 2;
    return this.#passed.has(node) && this.#count < limit && (this.#ways.get(node)?.length ?? 0) < WAYS_PER_NODE;
  }

  /** @param crossings the objects that a walk of so many steps came by */
  pass(crossings: readonly Narrow[], steps: number): void {
    for (const { step, at } of crossings) {
      if (steps - at >= LEAST_STEPS) this.#passed.add(step.node);
      if (steps - at >= MANY_STEPS) this.#passedFar.add(step.node);
    }
  }

  add(beyond: Beyond, answer: Answer): void {
    if (beyond.own || beyond.steps < LEAST_STEPS || beyond.pushed.size > MOST_PUSHED) return;
    const { node } = beyond.crossing.step;
    const others = this.#ways.get(node);
    if (others === undefined) this.#ways.set(node, [{ beyond, answer }]);
    else others.push({ beyond, answer });
    this.#count++;
  }

  /** Whether everything that is read off the way is the same. */
  #isSameWay(one: Step, other: Step): boolean {
    let a: Step | null = one;
    let b: Step | null = other;
    while (a !== null && b !== null && a !== b) {
      if (!this.#isAlike(a, b)) return false;
      a = a.below;
      b = b.below;
    }
    return a === b;
  }

  #isAlike(a: Step, b: Step): boolean {
    const { graph } = this.#objects;
    if (a.rejects !== b.rejects) return false;
    if (a.node !== b.node) {
      if (graph.type(a.node) !== graph.type(b.node) || graph.nameIndex(a.node) !== graph.nameIndex(b.node)) return false;
      if (!this.#isSamePlace(a.node, b.node)) return false;
    }
    if (a.edge === b.edge) return true;
    const type = this.#edgeType(a);
    if (this.#edgeType(b) !== type) return false;
    switch (type) {
      case EDGE_TYPE.element:
      case EDGE_TYPE.hidden:
        return true;
      case EDGE_TYPE.context:
        // the scope may be named by its file
        return this.#isSameName(a, b) && (a.node === b.node || this.#isSameScope(a.node, b.node));
      case EDGE_TYPE.internal:
        // entries of tables are named by their numbers, and few other names tell anything
        return this.#isSameName(a, b) || !(this.#isTelling(a) || this.#isTelling(b));
      default:
        return this.#isSameName(a, b);
    }
  }

  #edgeType({ edge }: Step): EdgeType {
    return edge < 0 ? EDGE_TYPE.other : this.#objects.graph.edgeType(edge as EdgeIndex);
  }

  #isSameName(a: Step, b: Step): boolean {
    const { graph } = this.#objects;
    return graph.edgeNameOrIndex(a.edge as EdgeIndex) === graph.edgeNameOrIndex(b.edge as EdgeIndex);
  }

  #isTelling({ edge }: Step): boolean {
    return this.#telling.has(this.#objects.graph.edgeNameOrIndex(edge as EdgeIndex));
  }

  #isSameScope(a: NodeIndex, b: NodeIndex): boolean {
    const one = this.#objects.placeOfScope(a);
    const other = this.#objects.placeOfScope(b);
    if (one === null || other === null) return one === other;
    return one.isOutermost === other.isOutermost && isSamePosition(one.at, other.at);
  }

  #isSamePlace(a: NodeIndex, b: NodeIndex): boolean {
    return isSamePosition(this.#objects.position(a), this.#objects.position(b));
  }
}

export function isSamePosition(a: RawPosition | null, b: RawPosition | null): boolean {
  if (a === null || b === null) return a === b;
  return a.scriptId === b.scriptId && a.line === b.line && a.column === b.column;
}
