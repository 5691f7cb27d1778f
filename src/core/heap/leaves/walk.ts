/**
 * The way up from a promise to what can settle it: from its resolve and reject functions, and from whatever else of V8's settles it,
 * along the edges by which one thing has another for itself: variables, properties, elements, entries, captured scopes. Breadth
 * first, so what is near comes first.
 *
 * V8 does not say which of the functions that share a scope uses a variable of it. So a function that shares a scope with a resolver
 * counts as one that may call it, unless the scope is a file's own or one that many share: there the variable itself is the answer.
 */
import { promiseOfReaction } from '../awaitGraph';
import type { AwaitGraph } from '../awaitGraph';
import { EDGE_TYPE, NODE_TYPE, NO_NODE } from '../heapGraph';
import type { EdgeIndex, HeapGraph, NodeIndex } from '../heapGraph';
import type { Realm } from '../realm';
import { eachRetainer } from './eachRetainer';
import type { HeapObjects } from './heapObjects';
import type { Beyond, Crossing, Narrow } from './knownWays';
import type { Step } from './leaf';
import { NodeSet } from '../nodeSet';

/** Steps of one walk. What is farther from its promise than this is not found, and the promise is told by what is near. */
export const STEP_LIMIT = 600;
/** Those who refer to one object that are followed, the first ones; of those who refer to a promise, the first that can settle it. */
const RETAINER_LIMIT = 64;
/** Functions that may share a scope before its variables count as held by the scope; Node's own keep to themselves. */
const SHARED_SCOPE_LIMIT = 8;
const SHARED_NODE_SCOPE_LIMIT = 64;
/** Functions that wait for one another above a promise, none of which can be what settles it. */
const AWAITER_LIMIT = 64;

/** What became of an edge to a node. */
export type EdgeVerdict = 'follow' | 'stop';

export interface Visitor {
  /** An edge on the way up; `stop` when what lies behind it is known. */
  edge(from: NodeIndex, edge: EdgeIndex, below: Step): EdgeVerdict;
  /** A node on the way up; `stop` when it is an answer. */
  node(step: Step): EdgeVerdict;
  /** The way ends at a variable of a scope that is not followed, at the global object, or at a suspended function. */
  held(step: Step): void;
  /** Whether no more answers are wanted: the walk ends. */
  enough(): boolean;
  /** The walk can go on from here only: `end` when what lies beyond is known, `watch` to be told of it in the end. */
  alone(crossing: Crossing): 'go on' | 'watch' | 'end';
}

export interface WalkResult {
  /** Whether anything refers to the promise that can settle it. */
  readonly settlers: boolean;
  /** Whether the walk came to its limit. */
  readonly cut: boolean;
  readonly steps: number;
  /** Beyond the first place that the visitor wanted to watch; null without one. */
  readonly beyond: Beyond | null;
}

interface ScopeUser {
  readonly from: NodeIndex;
  readonly edge: EdgeIndex;
}

interface Scope {
  /** Functions that have it, running ones too. */
  readonly users: readonly ScopeUser[];
  /** Scopes inside it, and capabilities. */
  readonly others: readonly ScopeUser[];
  /** Whether it is a file's own, or many have it; undefined until somebody asks. */
  shared: boolean | undefined;
}

export class Walk {
  readonly #objects: HeapObjects;
  readonly #graph: HeapGraph;
  readonly #realm: Realm;
  readonly #reactionPromises: AwaitGraph['reactionPromises'];
  readonly #scopes = new Map<NodeIndex, Scope>();
  /** Of promises that very many refer to: walks come by them again and again. */
  readonly #settlerEdges = new Map<NodeIndex, readonly EdgeIndex[]>();
  /** Of the walk that is under way: its promise, and what was pushed. */
  readonly #seen: NodeSet;
  #queue: Step[] = [];
  /** Promises whose awaiters are being looked for. */
  readonly #awaited: NodeSet;
  #watched: (Narrow & { readonly before: ReadonlySet<number> }) | undefined;
  /** Whether it came upon something from before what is watched. */
  #own = false;
  /** Objects that are known to be generators or not, and those that are. */
  readonly #looked: NodeSet;
  readonly #generators: NodeSet;

  constructor(objects: HeapObjects, { reactionPromises }: Pick<AwaitGraph, 'reactionPromises'>) {
    this.#objects = objects;
    this.#reactionPromises = reactionPromises;
    this.#graph = objects.graph;
    this.#realm = objects.realm;
    this.#seen = new NodeSet(objects.graph);
    this.#awaited = new NodeSet(objects.graph);
    this.#looked = new NodeSet(objects.graph);
    this.#generators = new NodeSet(objects.graph);
  }

  /** Walks up from a promise, one at a time. */
  run(promise: NodeIndex, visitor: Visitor): WalkResult {
    const queue: Step[] = [];
    this.#queue = queue;
    this.#watched = undefined;
    this.#own = false;
    this.#seen.add(promise);
    const result = this.#run(promise, queue, visitor);
    this.#seen.delete(promise);
    for (const { node } of queue) this.#seen.delete(node);
    return result;
  }

  #run(promise: NodeIndex, queue: readonly Step[], visitor: Visitor): WalkResult {
    let known: readonly NodeIndex[] | undefined;
    const awaiters = (): readonly NodeIndex[] => (known ??= this.#awaiters(promise));
    const generators: NodeIndex[] = [];
    this.#settlers(promise, null);
    const settlers = queue.length > 0;
    let at = 0;
    for (; at < queue.length && at < STEP_LIMIT && !visitor.enough(); at++) {
      const step = queue[at] as Step;
      if (at > 0 && at === queue.length - 1 && this.#watched === undefined) {
        const wish = visitor.alone({ step, at, way: queue, awaiters });
        if (wish === 'end') return { settlers, cut: false, steps: at, beyond: null };
        if (wish === 'watch') this.#watched = { step, at, before: new Set([promise, ...queue.slice(0, at).map(({ node }) => node)]) };
      }
      if (this.isGenerator(step.node)) {
        if (awaiters().includes(step.node)) {
          this.#own ||= this.#watched !== undefined;
          continue;
        }
        if (this.#watched !== undefined) generators.push(step.node);
      }
      if (this.#realm.isGlobal(step.node)) visitor.held(step);
      else if (visitor.node(step) === 'follow') this.#expand(step, visitor);
    }
    const beyond = this.#watched === undefined ? null : beyondOf(this.#watched, at, queue, generators, this.#own);
    return { settlers, cut: at < queue.length, steps: at, beyond };
  }

  #push(node: NodeIndex, edge: number, below: Step | null, rejects: boolean): void {
    if (this.#seen.add(node)) this.#queue.push({ node, edge, below, rejects });
    else if (this.#watched?.before.has(node) === true) this.#own = true;
  }

  /** What V8 itself settles a promise by. */
  #settlers(promise: NodeIndex, below: Step | null): void {
    for (const edge of this.#edgesOfSettlers(promise)) this.#push(this.#graph.source(edge), edge, below, below?.rejects ?? false);
  }

  #edgesOfSettlers(promise: NodeIndex): readonly EdgeIndex[] {
    const known = this.#settlerEdges.get(promise);
    if (known !== undefined) return known;
    const graph = this.#graph;
    const { first, edges } = graph.retainers;
    const start = first[promise] ?? 0;
    const end = first[promise + 1] ?? start;
    const found: EdgeIndex[] = [];
    let asked: NodeIndex = NO_NODE;
    // thousands can keep a promise that one timer settles: only those that settle it count for the limit
    for (let i = start; i < end && found.length < RETAINER_LIMIT; i++) {
      const edge = (edges[i] ?? 0) as EdgeIndex;
      const from = graph.source(edge);
      const type = graph.edgeType(edge);
      if (type === EDGE_TYPE.property || (type === EDGE_TYPE.internal && graph.type(from) === NODE_TYPE.array)) {
        // what has it many times, an array of it for one, is asked once: edges of one node are neighbours
        if (from === asked) continue;
        asked = from;
      }
      if (this.#settles(from, edge)) found.push(edge);
    }
    if (end - start > RETAINER_LIMIT) this.#settlerEdges.set(promise, found);
    return found;
  }

  #settles(from: NodeIndex, edge: EdgeIndex): boolean {
    const { names } = this.#objects;
    const graph = this.#graph;
    switch (graph.edgeType(edge)) {
      case EDGE_TYPE.hidden:
        // a context of resolving functions, a capability, a derived reaction, a generator's request, a generator; not an object's property
        return graph.nameIndex(from) !== names.propertyArrayName;
      case EDGE_TYPE.property:
        return this.#objects.internal(from, 'toNative') !== NO_NODE;
      case EDGE_TYPE.internal: {
        // the context of resolving functions that optimized code has made
        if (graph.edgeNameOrIndex(edge) === names.extension) return true;
        const fromType = graph.type(from);
        if (fromType === NODE_TYPE.native || fromType === NODE_TYPE.synthetic) return true;
        return fromType === NODE_TYPE.array && this.#isRetainedBy(from, names.atomicsWaiters);
      }
      default:
        return false;
    }
  }

  #isRetainedBy(node: NodeIndex, name: number): boolean {
    let found = false;
    this.#eachRetainer(node, (_from, edge) => {
      if (this.#graph.edgeNameOrIndex(edge) === name && this.#graph.edgeType(edge) === EDGE_TYPE.internal) found = true;
    });
    return found;
  }

  #expand(step: Step, visitor: Visitor): void {
    const { names } = this.#objects;
    const graph = this.#graph;
    const { node } = step;
    const name = graph.nameIndex(node);
    const type = graph.type(node);
    if (type === NODE_TYPE.native || type === NODE_TYPE.synthetic || type === NODE_TYPE.code) return;
    if (type === NODE_TYPE.object && name === names.promiseName) {
      this.#settlers(node, step);
      return;
    }
    if (type === NODE_TYPE.object && name === names.contextName) {
      this.#expandContext(step, visitor);
      return;
    }
    if (type === NODE_TYPE.hidden && name === names.reactionName) {
      const promise = promiseOfReaction(this.#reactionPromises, node);
      if (promise !== NO_NODE) this.#push(promise, -1, step, step.rejects);
      return;
    }
    if (this.isGenerator(node)) {
      this.#expandGenerator(step, visitor);
      return;
    }
    const { first, edges } = graph.retainers;
    const end = endOfRetainers(first, node, RETAINER_LIMIT);
    for (let i = first[node] ?? 0; i < end; i++) {
      const edge = (edges[i] ?? 0) as EdgeIndex;
      const from = graph.source(edge);
      if (!this.#leads(from, edge) || visitor.edge(from, edge, step) === 'stop') continue;
      this.#push(from, edge, step, step.rejects || this.#isReject(from));
    }
  }

  #expandContext(step: Step, visitor: Visitor): void {
    const { node } = step;
    const { first } = this.#graph.retainers;
    const count = (first[node + 1] ?? 0) - (first[node] ?? 0);
    const byVariable = step.edge >= 0 && this.#graph.edgeType(step.edge as EdgeIndex) === EDGE_TYPE.context;
    if (byVariable && count > SHARED_NODE_SCOPE_LIMIT) {
      visitor.held(step);
      return;
    }
    let scope = this.#scopes.get(node);
    if (scope === undefined) {
      scope = this.#readScope(node);
      // those of one call each are many, and walks come by them once
      if (count > SHARED_SCOPE_LIMIT) this.#scopes.set(node, scope);
    }
    if (byVariable && (scope.shared ??= this.#isShared(node, scope.users))) {
      visitor.held(step);
      return;
    }
    for (const { from, edge } of scope.users) this.#pushScoped(step, from, edge, visitor);
    for (const { from, edge } of scope.others) this.#pushScoped(step, from, edge, visitor);
  }

  #pushScoped(step: Step, from: NodeIndex, edge: EdgeIndex, visitor: Visitor): void {
    if (visitor.edge(from, edge, step) === 'stop') return;
    this.#push(from, edge, step, step.rejects || this.#isReject(from));
  }

  #readScope(context: NodeIndex): Scope {
    const { names } = this.#objects;
    const graph = this.#graph;
    const users: ScopeUser[] = [];
    const others: ScopeUser[] = [];
    const { first, edges } = graph.retainers;
    const end = endOfRetainers(first, context, SHARED_NODE_SCOPE_LIMIT);
    for (let i = first[context] ?? 0; i < end; i++) {
      const edge = (edges[i] ?? 0) as EdgeIndex;
      const from = graph.source(edge);
      const type = graph.edgeType(edge);
      const edgeName = graph.edgeNameOrIndex(edge);
      if (type === EDGE_TYPE.internal && edgeName === names.context) {
        if (graph.type(from) === NODE_TYPE.closure || this.isGenerator(from)) users.push({ from, edge });
      } else if (type === EDGE_TYPE.internal && edgeName === names.previous && graph.nameIndex(from) === names.contextName) {
        others.push({ from, edge });
      } else if (type === EDGE_TYPE.hidden && graph.nameIndex(from) === names.capabilityName) {
        others.push({ from, edge });
      }
    }
    return { users, others, shared: undefined };
  }

  #isShared(context: NodeIndex, users: readonly ScopeUser[]): boolean {
    const located = users.find(({ from }) => this.#objects.position(from) !== null);
    if (located !== undefined && this.#objects.isNodeFunction(located.from)) return false;
    return users.length > SHARED_SCOPE_LIMIT || this.#realm.isFileScope(context);
  }

  #expandGenerator(step: Step, visitor: Visitor): void {
    const graph = this.#graph;
    const edgeType = step.edge < 0 ? EDGE_TYPE.other : graph.edgeType(step.edge as EdgeIndex);
    const settles = edgeType === EDGE_TYPE.hidden;
    if (!settles && !this.#objects.isNodeFunction(step.node)) {
      visitor.held(step);
      return;
    }
    const awaited = this.awaited(step.node);
    if (awaited !== NO_NODE) this.#push(awaited, -1, step, step.rejects);
    else if (!settles) visitor.held(step);
  }

  /** Asked again and again about the same objects, which can be large. */
  isGenerator(node: NodeIndex): boolean {
    if (this.#graph.type(node) !== NODE_TYPE.object) return false;
    if (this.#looked.add(node) && this.#objects.internal(node, 'parameters') !== NO_NODE) this.#generators.add(node);
    return this.#generators.has(node);
  }

  /** The promise that a suspended function awaits; NO_NODE where there is none. */
  awaited(generator: NodeIndex): NodeIndex {
    const { names } = this.#objects;
    const graph = this.#graph;
    let found: NodeIndex = NO_NODE;
    this.#eachRetainer(generator, (context, extension) => {
      if (found !== NO_NODE || graph.edgeNameOrIndex(extension) !== names.extension) return;
      this.#eachRetainer(context, (closure, edge) => {
        if (found !== NO_NODE || graph.edgeNameOrIndex(edge) !== names.context) return;
        this.#eachRetainer(closure, (reaction) => {
          if (found === NO_NODE && graph.nameIndex(reaction) === names.reactionName) found = promiseOfReaction(this.#reactionPromises, reaction);
        });
      });
    });
    return found;
  }

  /** The suspended function that awaits a promise, the first; NO_NODE where there is none. */
  awaiter(promise: NodeIndex): NodeIndex {
    return this.#awaiters(promise)[0] ?? NO_NODE;
  }

  /** The first text among a suspended function's parameters and variables; null where there is none. */
  firstText(generator: NodeIndex): string | null {
    const registers = this.#objects.internal(generator, 'parameters');
    if (registers === NO_NODE) return null;
    for (let edge = this.#graph.firstEdge(registers); edge < this.#graph.endEdge(registers); edge = (edge + 1) as EdgeIndex) {
      const text = this.#objects.text(this.#graph.target(edge));
      if (text !== null && text !== '') return text;
    }
    return null;
  }

  /** The suspended functions that wait for a promise, those that wait for them, and so on. */
  #awaiters(promise: NodeIndex): readonly NodeIndex[] {
    const graph = this.#graph;
    const objects = this.#objects;
    // few, mostly one
    const found: NodeIndex[] = [];
    const promises = [promise];
    this.#awaited.add(promise);
    for (const each of promises) {
      if (found.length >= AWAITER_LIMIT) break;
      let reaction = objects.internal(each, 'reactions');
      for (let n = 0; reaction !== NO_NODE && n < AWAITER_LIMIT; n++) {
        let next: NodeIndex = NO_NODE;
        for (let edge = graph.firstEdge(reaction); edge < graph.endEdge(reaction); edge = (edge + 1) as EdgeIndex) {
          const target = graph.target(edge);
          if (graph.nameIndex(target) === objects.names.reactionName) next = target;
          else if (graph.type(target) === NODE_TYPE.object && graph.nameIndex(target) === objects.names.promiseName) {
            if (graph.edgeType(edge) === EDGE_TYPE.hidden && this.#awaited.add(target)) promises.push(target);
          } else if (graph.type(target) === NODE_TYPE.closure) {
            const generator = objects.internal(objects.internal(target, 'context'), 'extension');
            if (generator === NO_NODE || found.includes(generator)) continue;
            found.push(generator);
            for (let own = graph.firstEdge(generator); own < graph.endEdge(generator); own = (own + 1) as EdgeIndex) {
              const returned = graph.target(own);
              if (graph.edgeType(own) === EDGE_TYPE.hidden && graph.nameIndex(returned) === objects.names.promiseName && this.#awaited.add(returned)) promises.push(returned);
            }
          }
        }
        reaction = next;
      }
    }
    for (const each of promises) this.#awaited.delete(each);
    return found;
  }

  #isReject(node: NodeIndex): boolean {
    const { names } = this.#objects;
    if (this.#graph.type(node) !== NODE_TYPE.closure) return false;
    const code = this.#objects.internal(node, 'code');
    if (code === NO_NODE) return false;
    const name = this.#graph.nameIndex(code);
    return name === names.rejectCode || name === names.rejectHandle;
  }

  /** Whether by this edge `from` has its target for itself. */
  #leads(from: NodeIndex, edge: EdgeIndex): boolean {
    const { names } = this.#objects;
    const graph = this.#graph;
    const name = graph.edgeNameOrIndex(edge);
    const fromType = graph.type(from);
    switch (graph.edgeType(edge)) {
      case EDGE_TYPE.weak:
      case EDGE_TYPE.other:
        return false;
      case EDGE_TYPE.property:
        return (
          name !== names.proto &&
          name !== names.prototype &&
          name !== names.constructorKey &&
          name !== names.ownerSymbol &&
          name !== names.idleNext &&
          name !== names.idlePrev
        );
      case EDGE_TYPE.context:
      case EDGE_TYPE.element:
      case EDGE_TYPE.shortcut:
        return true;
      case EDGE_TYPE.hidden:
        return fromType === NODE_TYPE.hidden ? graph.nameIndex(from) !== names.propertyArrayName : fromType === NODE_TYPE.object;
      case EDGE_TYPE.internal:
        if (fromType === NODE_TYPE.object || fromType === NODE_TYPE.closure) return name !== names.properties && name !== names.elements && name !== names.extension && name !== names.bindings;
        // entries of objects and arrays are there a second time, as their properties and elements
        if (fromType === NODE_TYPE.array) return graph.nameIndex(from) === names.emptyName;
        return fromType === NODE_TYPE.hidden ? !this.#realm.isRealm(from) : fromType === NODE_TYPE.native || fromType === NODE_TYPE.synthetic;
      default:
        return false;
    }
  }

  #eachRetainer(node: NodeIndex, see: (from: NodeIndex, edge: EdgeIndex) => void, limit = RETAINER_LIMIT): void {
    eachRetainer(this.#graph, node, limit, see);
  }
}

function beyondOf({ step, at }: Narrow, end: number, queue: readonly Step[], generators: readonly NodeIndex[], own: boolean): Beyond {
  return { crossing: { step, at }, steps: end - at, pushed: new Set(queue.slice(at + 1).map(({ node }) => node)), generators, own };
}

/** One past the last retainer of a node that is looked at. */
function endOfRetainers(first: Uint32Array, node: NodeIndex, limit: number): number {
  const start = first[node] ?? 0;
  return Math.min(first[node + 1] ?? start, start + limit);
}
