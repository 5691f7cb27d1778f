/** What one pending promise waits for, in a user's words: who can settle it, told by the best known thing on the way to it. */
import { buildAwaitGraph } from '../awaitGraph';
import { EDGE_TYPE, NODE_TYPE, NO_NODE } from '../heapGraph';
import type { EdgeIndex, NodeIndex } from '../heapGraph';
import type { RawText, RawWaitsFor } from '../heapAnalysis';
import { NO_PROGRESS } from '../progress';
import type { Reachability } from '../settleability';
import { firstFunction, heldLeaf } from './appPromise';
import { childProcessLeaf } from './childProcess';
import { eachRetainer } from './eachRetainer';
import { FAILURE_EVENT, eventClass, eventLeaf, isListenerList, subscription } from './event';
import type { ListHeads, Subscription } from './event';
import { FEATURE, Features } from './features';
import type { HeapObjects } from './heapObjects';
import { clientRequestLeaf, fetchLeaf, http2Leaf, incomingLeaf, responseLeaf, undiciRequestLeaf } from './httpRequest';
import { KnownWays, isSamePosition } from './knownWays';
import type { Crossing, Narrow } from './knownWays';
import { FAILURE_RANK, RANK, keyOf } from './leaf';
import type { Details, Leaf, Settlers as SettlersOfLeaf, Step } from './leaf';
import { handleLeaf, heldByNative, nativeLeaf, runningLeaf } from './native';
import { hostAndPort, openHandle, remoteAddress, serverLeaf, socketLeaf } from './socket';
import { readlineLeaf, streamLeaf, webStreamLeaf } from './stream';
import { readImmediate, readTimeout, signalTimeoutLeaf, timerLeaf } from './timer';
import { Walk } from './walk';
import type { EdgeVerdict, Visitor } from './walk';
import { broadcastChannelLeaf, messagePortLeaf, workerLeaf } from './worker';

/** Settlers of one promise that are compared; the nearest ones. */
const LEAF_LIMIT = 12;
/** How much less others may tell to be named beside the best: a timer or a stream beside work, an event beside a timer. */
const OTHERS_RANK = 25;
/** Settlers besides the told one that are named in the details. */
const OTHERS_LIMIT = 3;

export type Settlers = SettlersOfLeaf;

export interface Explanation {
  readonly waitsFor: RawWaitsFor;
  readonly settlers: Settlers;
  /** The same for waits that are alike: they make one group. */
  readonly key: string;
  /** Another promise that settles this one, such as one whose callback holds the resolver; {@link NO_NODE} when there is none. */
  readonly follows: NodeIndex;
  /** As in {@link Leaf.peer}; {@link NO_NODE} where there is none. */
  readonly peer: NodeIndex;
}

export interface Explainer {
  /** @param promise a pending promise that no other task is known to settle */
  explain(promise: NodeIndex): Explanation;
}

export interface ExplainOptions {
  /** The process's timer clock (libuv's, since its start) when the snapshot was taken, milliseconds; null when nobody has asked it. */
  readonly timerNow?: number | null;
}

/**
 * @param walk shared with whoever asks it about the same objects: it remembers what it found
 * @param reachability what may settle by a way that no walk knows is not told as settled by nothing; without it, that is not known
 */
export function createExplainer(
  objects: HeapObjects,
  options: ExplainOptions = {},
  walk: Walk = new Walk(objects, buildAwaitGraph(objects.graph, objects.index, NO_PROGRESS)),
  reachability: Pick<Reachability, 'settler'> | null = null,
): Explainer {
  return new PromiseExplainer(objects, options, walk, reachability);
}

interface Found {
  readonly leaf: Leaf;
  readonly rank: number;
  readonly step: Step;
}

/** What a function listens to. */
interface Listened {
  readonly leaf: Leaf;
  /** How much less it tells than others of its sort. */
  readonly penalty: number;
}

/** Walks up from one promise at a time, and is itself what the walk shows its way. */
class PromiseExplainer implements Explainer, Visitor {
  readonly #objects: HeapObjects;
  readonly #features: Features;
  readonly #walk: Walk;
  readonly #ways: KnownWays<Explanation>;
  /** The last explanation of each key. */
  readonly #known = new Map<string, Explanation>();
  /** By the array that listeners are in. */
  readonly #lists = new Map<NodeIndex, Listened | null>();
  readonly #heads: ListHeads = new Map();
  /** How often an explanation stood on more of its promise than the way from it. */
  #promiseReads = 0;
  readonly #timerNow: number | null;
  readonly #reachability: Pick<Reachability, 'settler'> | null;
  /** Of the promise that is being explained: what was found, where the walk was narrow, where it was last, and what was known before. */
  #promise: NodeIndex = NO_NODE;
  readonly #found: Found[] = [];
  readonly #crossings: Narrow[] = [];
  #met: { last: Step | null; answer: Explanation | undefined } = { last: null, answer: undefined };

  constructor(objects: HeapObjects, { timerNow = null }: ExplainOptions, walk: Walk, reachability: Pick<Reachability, 'settler'> | null) {
    this.#objects = objects;
    this.#features = new Features(objects);
    this.#walk = walk;
    this.#ways = new KnownWays(objects);
    this.#timerNow = timerNow;
    this.#reachability = reachability;
  }

  explain(promise: NodeIndex): Explanation {
    const ways = this.#ways;
    const found = this.#found;
    found.length = 0;
    this.#crossings.length = 0;
    this.#promise = promise;
    this.#met = { last: null, answer: undefined };
    const promiseReads = this.#promiseReads;
    const { settlers, steps, beyond } = this.#walk.run(promise, this);
    const { answer, last } = this.#met;
    if (answer !== undefined) return answer;
    // without a step there is nothing but functions that wait for the promise themselves
    if (!settlers || (found.length === 0 && last === null)) return this.#maySettle(promise) ? NOT_KNOWN : NOTHING;
    if (found.length === 0 && last !== null) this.#add(heldLeaf(this.#objects, last), last);
    const explanation = this.#interned(this.#choose(found));
    if (beyond === null) ways.pass(this.#crossings, steps);
    else if (this.#promiseReads === promiseReads && (explanation.follows === NO_NODE || beyond.pushed.has(explanation.follows))) ways.add(beyond, explanation);
    return explanation;
  }

  #maySettle(promise: NodeIndex): boolean {
    return this.#reachability !== null && this.#reachability.settler(promise) !== NO_NODE;
  }

  edge(from: NodeIndex, edge: EdgeIndex, below: Step): EdgeVerdict {
    if (!this.#objects.isClosure(below.node)) return 'follow';
    const listened = isListenerList(this.#objects, from, edge) ? this.#listenedIn(from, edge) : this.#listened(from, edge);
    if (listened === null) return 'follow';
    this.#add(listened.leaf, below, listened.penalty);
    return 'stop';
  }

  /** Those in one array listen to the same event, and can be thousands. */
  #listenedIn(array: NodeIndex, edge: EdgeIndex): Listened | null {
    let known = this.#lists.get(array);
    if (known === undefined) {
      known = this.#listened(array, edge);
      this.#lists.set(array, known);
    }
    return known;
  }

  #listened(from: NodeIndex, edge: EdgeIndex): Listened | null {
    const subscribed = subscription(this.#objects, this.#heads, from, edge);
    return subscribed === null ? null : { leaf: this.#emitterLeaf(subscribed), penalty: this.#penalty(subscribed) };
  }

  node(step: Step): EdgeVerdict {
    this.#met.last = step;
    const leaf = this.#leafAt(step, this.#promise);
    if (leaf === 'follow') return 'follow';
    if (leaf !== null) this.#add(leaf, step);
    return 'stop';
  }

  held(step: Step): void {
    this.#add(heldLeaf(this.#objects, step), step);
  }

  enough(): boolean {
    return this.#found.length >= LEAF_LIMIT;
  }

  alone(crossing: Crossing): 'go on' | 'watch' | 'end' {
    if (this.#found.length > 0) return 'go on';
    this.#met.answer = this.#ways.find(crossing);
    if (this.#met.answer !== undefined) return 'end';
    if (this.#ways.isShared(crossing.step.node)) return 'watch';
    this.#crossings.push({ step: crossing.step, at: crossing.at });
    return 'go on';
  }

  #add(leaf: Leaf, step: Step, penalty = 0): void {
    if (this.#found.length < LEAF_LIMIT) this.#found.push({ leaf, step, rank: leaf.rank + penalty + (step.rejects ? FAILURE_RANK : 0) });
  }

  /** A leaf; `null` for what settles nothing any more, such as a timer that has fired; `follow` for what is on the way only. */
  #leafAt(step: Step, promise: NodeIndex): Leaf | null | 'follow' {
    const objects = this.#objects;
    const { graph, names } = objects;
    const { node } = step;
    const type = graph.type(node);
    const name = graph.nameIndex(node);
    if (type === NODE_TYPE.synthetic && name === names.stackRootsName && step.below !== null) return runningLeaf(node);
    if (type === NODE_TYPE.native || type === NODE_TYPE.synthetic) return heldByNative(objects, node);
    const edge = step.edge as EdgeIndex;
    if (type === NODE_TYPE.array) return step.below === null ? heldByNative(objects, node) : 'follow';
    if (type === NODE_TYPE.hidden) return graph.name(node).includes('Module') ? heldByNative(objects, node) : 'follow';
    if (type !== NODE_TYPE.object) return 'follow';
    if (name === names.contextName) {
      if (step.edge >= 0 && graph.edgeType(edge) === EDGE_TYPE.context && graph.edgeNameOrIndex(edge) === names.unconsumedPromises) return this.#eventsOn(node);
      return 'follow';
    }
    const features = this.#features.of(node);
    if (features === 0) return this.#clientOfSocket(node) ?? 'follow';
    if ((features & FEATURE.timeout) !== 0) {
      const timer = readTimeout(objects, node);
      return timer === null ? null : timerLeaf(objects, node, timer, this.#timerNow);
    }
    if ((features & FEATURE.immediate) !== 0) {
      const timer = readImmediate(objects, node);
      return timer === null ? null : timerLeaf(objects, node, timer, this.#timerNow);
    }
    if ((features & FEATURE.fetch) !== 0) return fetchLeaf(objects, node, '');
    if ((features & FEATURE.fetchParams) !== 0) {
      const request = objects.property(node, 'request');
      if (objects.isObject(request)) return fetchLeaf(objects, request, '');
    }
    if ((features & FEATURE.undiciRequest) !== 0) return undiciRequestLeaf(objects, node);
    if ((features & FEATURE.webState) !== 0) return webStreamLeaf(objects, node, this.#isVia(step, 'ready')) ?? 'follow';
    const viaState = this.#isVia(step, 'writableState') ? 'write' : this.#isVia(step, 'readableState') ? 'readable' : null;
    if (viaState !== null) return this.#emitterLeaf({ emitter: node, event: viaState });
    if ((features & FEATURE.native) !== 0) {
      if ((features & FEATURE.eventTarget) !== 0) return 'follow';
      const [operation, path] = this.#fileOperation(promise, step);
      return nativeLeaf(objects, node, operation, path) ?? 'follow';
    }
    if ((features & FEATURE.readline) !== 0) return readlineLeaf(objects, node, '');
    if ((features & FEATURE.socket) !== 0) return socketLeaf(objects, node, '');
    return this.#clientOfSocket(node) ?? 'follow';
  }

  #isVia(step: Step, key: 'ready' | 'writableState' | 'readableState'): boolean {
    const name = this.#objects.names[key];
    const own = step.edge >= 0 && this.#objects.graph.edgeNameOrIndex(step.edge as EdgeIndex) === name;
    const below = step.below;
    return own || (key === 'ready' && below !== null && below.edge >= 0 && this.#objects.graph.edgeNameOrIndex(below.edge as EdgeIndex) === name);
  }

  #emitterLeaf(subscribed: Subscription): Leaf {
    const objects = this.#objects;
    const { emitter, event } = subscribed;
    const features = this.#features.of(emitter);
    if ((features & FEATURE.clientRequest) !== 0) return clientRequestLeaf(objects, emitter, event);
    if ((features & FEATURE.outgoing) !== 0) return responseLeaf(objects, emitter, event);
    if ((features & FEATURE.incoming) !== 0) return incomingLeaf(objects, emitter, event);
    if ((features & FEATURE.childProcess) !== 0) return childProcessLeaf(objects, emitter, event);
    if ((features & FEATURE.worker) !== 0) return workerLeaf(objects, emitter, event);
    if ((features & FEATURE.readline) !== 0) return readlineLeaf(objects, emitter, event);
    if ((features & FEATURE.socket) !== 0) {
      const child = this.#childOf(emitter);
      return child === NO_NODE ? socketLeaf(objects, emitter, event) : childProcessLeaf(objects, child, event, true);
    }
    if ((features & FEATURE.server) !== 0) return serverLeaf(objects, emitter, event);
    if ((features & FEATURE.http2Stream) !== 0) return http2Leaf(objects, emitter, event);
    if ((features & (FEATURE.readable | FEATURE.writable)) !== 0) return streamLeaf(objects, emitter, event);
    if ((features & FEATURE.eventTarget) !== 0) {
      if ((features & FEATURE.native) !== 0) return messagePortLeaf(objects, emitter, event);
      if (objects.isTrue(objects.property(emitter, 'signalTimeout'))) return signalTimeoutLeaf(objects, emitter, this.#timerNow);
      if (objects.className(emitter) === 'BroadcastChannel') return broadcastChannelLeaf(objects, emitter, event);
    }
    const native = handleLeaf(objects, emitter, event);
    if (native !== null) return native;
    const leaf = eventLeaf(objects, subscribed);
    const socket = this.#socketOf(emitter, 1);
    if (socket === NO_NODE || openHandle(objects, socket) === NO_NODE) return leaf;
    // a library's object whose events come from a socket of its own
    const address = this.#addressOf(emitter, socket);
    return { ...leaf, rank: RANK.work + 1, settlers: 'in flight', details: { ...leaf.details, ...(address === null ? {} : { address }) } };
  }

  /** How much less an event tells than others of the same sort; that a child process ends is what people wait for. */
  #penalty({ emitter, event }: Subscription): number {
    const type = eventClass(event);
    // what waits for the end of any stream listens for this too
    if (event === 'end' && (this.#features.of(emitter) & (FEATURE.readable | FEATURE.writable)) === FEATURE.writable) return FAILURE_EVENT;
    return type === FAILURE_EVENT || (this.#features.of(emitter) & FEATURE.childProcess) === 0 ? type : 0;
  }

  /** The child process whose standard stream a socket is; NO_NODE where it is none. */
  #childOf(socket: NodeIndex): NodeIndex {
    const { graph, names } = this.#objects;
    const found: { child: NodeIndex } = { child: NO_NODE };
    eachRetainer(graph, socket, RETAINER_LIMIT, (from, edge) => {
      const name = graph.edgeNameOrIndex(edge);
      if (graph.edgeType(edge) !== EDGE_TYPE.property || (name !== names.stdout && name !== names.stderr && name !== names.stdin)) return;
      if ((this.#features.of(from) & FEATURE.childProcess) !== 0) found.child = from;
    });
    return found.child;
  }

  /** `events.on` keeps its emitter and event in the scope that holds who waits (node: lib/events.js). */
  #eventsOn(context: NodeIndex): Leaf | 'follow' {
    const objects = this.#objects;
    const emitter = objects.variable(context, 'emitter');
    if (!objects.isObject(emitter)) return 'follow';
    return this.#emitterLeaf({ emitter, event: objects.text(objects.variable(context, 'event')) ?? '' });
  }

  /** An object of a library that has a socket of its own: what it holds resolvers for comes from there. */
  #clientOfSocket(node: NodeIndex): Leaf | null {
    const objects = this.#objects;
    const { graph, names } = objects;
    const name = graph.nameIndex(node);
    if (name === names.objectName || name === names.arrayName || name === names.mapName || name === names.promiseName) return null;
    const socket = this.#socketOf(node, 1);
    if (socket === NO_NODE) return null;
    return socketLeaf(objects, socket, '', this.#addressOf(node, socket));
  }

  /** Where a socket leads, as it knows itself, or as its owner has it. */
  #addressOf(owner: NodeIndex, socket: NodeIndex): string | null {
    const objects = this.#objects;
    const host = objects.textProperty(owner, 'host') ?? objects.textProperty(owner, 'hostname');
    return remoteAddress(objects, socket) ?? (host === null ? null : hostAndPort(host, objects.numberProperty(owner, 'port')));
  }

  #socketOf(node: NodeIndex, levels: number): NodeIndex {
    const { graph } = this.#objects;
    const end = Math.min(graph.endEdge(node), graph.firstEdge(node) + CLIENT_EDGE_LIMIT);
    for (let edge = graph.firstEdge(node); edge < end; edge = (edge + 1) as EdgeIndex) {
      // what stands in a WeakMap under an object, as compiled private fields do, is an internal edge of it
      if (graph.edgeType(edge) !== EDGE_TYPE.property && graph.edgeType(edge) !== EDGE_TYPE.internal) continue;
      const target = graph.target(edge);
      const features = this.#features.of(target);
      if ((features & FEATURE.socket) !== 0 && (features & FEATURE.server) === 0) return target;
      if (levels > 0 && (features & FEATURE.emitter) !== 0 && (features & FEATURE.server) === 0) {
        const inner = this.#socketOf(target, levels - 1);
        if (inner !== NO_NODE) return inner;
      }
    }
    return NO_NODE;
  }

  /** The function of `fs.promises` that awaits a request of its own, and the path that it was given. */
  #fileOperation(promise: NodeIndex, step: Step): [string | null, string | null] {
    const objects = this.#objects;
    const className = objects.className(step.node);
    if (className !== 'FSEvent' && (step.below !== null || className !== 'FSReqPromise')) return [null, null];
    this.#promiseReads++;
    const generator = this.#walk.awaiter(promise);
    if (generator === NO_NODE) return [null, null];
    const closure = objects.internal(generator, 'functionEdge');
    if (!objects.isClosure(closure) || !objects.isNodeFunction(closure)) return [null, null];
    return [className === 'FSEvent' ? null : objects.className(closure), this.#walk.firstText(generator)];
  }

  /** Thousands of promises wait alike: one explanation is kept for all that say the same. */
  #interned(explanation: Explanation): Explanation {
    const known = this.#known.get(explanation.key);
    if (known !== undefined && isSame(known, explanation)) return known;
    this.#known.set(explanation.key, explanation);
    return explanation;
  }

  /** The promise nearest to this one whose callback, a function of the app, is on the way: when that settles, this one does. */
  #followed(end: Step): NodeIndex {
    const objects = this.#objects;
    const { graph, names } = objects;
    let found: NodeIndex = NO_NODE;
    for (let step: Step | null = end; step !== null; step = step.below) {
      const reaction = step.below;
      const callback = reaction?.below ?? null;
      if (reaction === null || callback === null || graph.nameIndex(reaction.node) !== names.reactionName || !objects.isClosure(callback.node)) continue;
      const at = objects.position(callback.node);
      if (at !== null && !objects.isNodeScript(at.scriptId)) found = step.node;
    }
    return found;
  }

  #choose(found: readonly Found[]): Explanation {
    const objects = this.#objects;
    let best = found[0] as Found;
    for (const each of found) if (each.rank < best.rank) best = each;
    const { leaf, step } = best;
    const at = leaf.at ?? firstFunction(objects, step);
    const details: Details = { ...leaf.details };
    const others: string[] = [];
    for (const other of found) {
      if (other.leaf.node === leaf.node || other.rank >= RANK.held || other.rank > best.rank + OTHERS_RANK || eventClass(other.leaf.event ?? '') === FAILURE_EVENT) continue;
      // a library's own events say nothing beside the work that it does
      if (other.leaf.kind === 'event' && leaf.rank < RANK.timer) continue;
      const text = plain(other.leaf);
      if (text === plain(leaf)) continue;
      if (!others.includes(text) && others.length < OTHERS_LIMIT) others.push(text);
    }
    if (others.length > 0) details['or'] = others.join('; ');
    return {
      waitsFor: { kind: leaf.kind, text: leaf.text, at, details },
      settlers: leaf.settlers,
      key: `${leaf.key}\u0000${at === null ? '' : keyOf('', [], at)}`,
      follows: this.#followed(step),
      peer: leaf.peer ?? NO_NODE,
    };
  }
}

/** Objects that refer to a socket that are looked at. */
const RETAINER_LIMIT = 32;
/** Properties of a library's object that are looked at for its socket. */
const CLIENT_EDGE_LIMIT = 128;

/** Without places: details are plain. */
function plain({ text }: Leaf): string {
  return text
    .map((part) => (typeof part === 'string' ? part : 'function' in part ? part.function : ''))
    .join('')
    .replace(/ \(\)/g, '');
}

function isSame(a: Explanation, b: Explanation): boolean {
  if (a.settlers !== b.settlers || a.follows !== b.follows || a.peer !== b.peer) return false;
  const [one, other] = [a.waitsFor, b.waitsFor];
  if (one.kind !== other.kind || !isSamePosition(one.at, other.at)) return false;
  return isSameText(one.text, other.text) && isSameDetails(one.details, other.details);
}

function isSameText(a: RawText, b: RawText): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i] || (typeof part !== 'string' && JSON.stringify(part) === JSON.stringify(b[i])));
}

function isSameDetails(a: RawWaitsFor['details'], b: RawWaitsFor['details']): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && a[name] === b[name]);
}

const NOTHING: Explanation = {
  waitsFor: { kind: 'nothing', text: ['nothing: no resolver is left'], at: null, details: {} },
  settlers: 'none',
  key: 'nothing',
  follows: NO_NODE,
  peer: NO_NODE,
};

/** What is known to settle the promise is nothing that a walk goes to: V8's own, or what native code holds. */
const NOT_KNOWN: Explanation = {
  waitsFor: { kind: 'native', text: ['native code'], at: null, details: {} },
  settlers: 'native',
  key: keyOf('native', ['native code'], null),
  follows: NO_NODE,
  peer: NO_NODE,
};
