/**
 * What keeps tasks in memory, in a user's words: along the path by which a task was reached from a root, from the last thing that a
 * program has a name for down to the task. Paths are named from the root on and kept per node, so what thousands of tasks share
 * is named once.
 */
import type { AwaitGraph, WaiterIndex } from './awaitGraph';
import type { RawText } from './heapAnalysis';
import { EDGE_TYPE, NODE_TYPE, NO_NODE, ROOT, type EdgeIndex, type HeapGraph, type NodeIndex, type StringIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { NamedPaths } from './namedPaths';
import type { Realm } from './realm';
import type { Reachability } from './settleability';

/** Of the names on a path, the first and so many of the last are shown. */
const LAST_NAMES = 3;
/** Different holders of one group that are listed, the most frequent. */
const HOLDERS_LISTED = 5;
/** Characters of a name from the process. */
const NAME_LIMIT = 80;
/** Edges by which a path from what the program has a name for may be longer than one from a timer, or from an object of Node's. */
const NAMED_PATH_EXTRA = 6;
/** Nodes of one class, reached alike, for which no such path was found before none is looked for any more. */
const MISSES_LIMIT = 100;
/** Contexts that are looked through for the file that a variable is in. */
const CONTEXT_DEPTH_LIMIT = 100;
/** Fields of Node's timers that hold what the timer will call. */
const TIMER_CALLBACKS: Readonly<Record<string, string>> = { _onTimeout: 'Timeout', _onImmediate: 'Immediate' };
/** Plumbing of lists, emitters and classes, which says nothing. */
const UNTOLD = new Set(['__proto__', 'constructor', 'prototype', '_idleNext', '_idlePrev', '_events', 'listener', 'next', 'prev', 'head', 'tail']);
/** Node's own symbols, as its code names them. */
const INTERNAL_SYMBOL = /^<symbol (?:k[A-Z]\w*|owner_symbol)>$/u;
/** Number of the path that has no names yet. */
const EMPTY = 0;

export interface Holder {
  readonly count: number;
  readonly path: RawText;
}

interface Path {
  readonly first: RawText | null;
  readonly last: readonly RawText[];
  readonly skipped: boolean;
  /** It begins at something of Node's or V8's for which the program has no name. */
  readonly anonymous: boolean;
}

interface Name {
  readonly text: RawText;
  /** What is further out is not needed: see {@link Path.anonymous}. */
  readonly anchors: false | 'named' | 'anonymous';
}

export class Holders {
  /** One more than the number of the path to each node; 0 where it was not asked for, so that few pages are touched. */
  readonly #pathOf: Uint32Array;
  /** Of the path that is being named, from the task up; kept from one to the next. */
  readonly #unnamed: NodeIndex[] = [];
  readonly #paths: Path[] = [{ first: null, last: [], skipped: false, anonymous: false }];
  readonly #numbers = new Map<string, number>();
  readonly #named: NamedPaths;
  readonly #untold = new Map<StringIndex, boolean>();
  /** Nodes without a named path, by how they were reached and what they are. */
  readonly #misses = new Map<number, Map<StringIndex, number>>();

  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
    readonly awaits: AwaitGraph,
    readonly reachability: Reachability,
    readonly realm: Realm,
  ) {
    this.#named = new NamedPaths({
      graph,
      index,
      isFileScope: (context) => realm.isFileScope(context) && this.#isPrograms(context),
      realm,
      isSuspended: (node) => this.awaits.suspendedNodes.has(node),
    });
    this.#pathOf = new Uint32Array(graph.nodeCount);
  }

  /** Who holds the tasks of a group, the most frequent first. */
  of(outermost: Int32Array): Holder[] {
    const counts = new Map<number, number>();
    for (const waiter of outermost) {
      const path = this.#pathTo(this.awaits.waiters.subject(waiter as WaiterIndex));
      if (path !== EMPTY) counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    return [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, HOLDERS_LISTED)
      .map(([path, count]) => ({ count, path: this.#text(path) }));
  }

  /** Null when no root leads to it, or nothing on the way has a name. */
  pathTo(node: NodeIndex): RawText | null {
    const path = node === NO_NODE ? EMPTY : this.#pathTo(node);
    return path === EMPTY ? null : this.#text(path);
  }

  #pathTo(node: NodeIndex): number {
    const pathOf = this.#pathOf;
    const unnamed = this.#unnamed;
    let count = 0;
    let current = node;
    while (current !== NO_NODE && current !== ROOT && pathOf[current] === 0) {
      unnamed[count++] = current;
      current = this.reachability.parent(current);
    }
    let path = current === NO_NODE || current === ROOT ? EMPTY : (pathOf[current] ?? 1) - 1;
    while (count > 0) {
      const child = unnamed[--count] ?? NO_NODE;
      const name = this.#nameOf(current, this.reachability.edge(child), child);
      if (name !== undefined) path = this.#extended(path, name);
      if (this.#paths[path]?.anonymous === true) path = this.#namedPathTo(child, path) ?? path;
      pathOf[child] = path + 1;
      current = child;
    }
    return path;
  }

  /** Undefined where there is no such path that is not much longer than the one by which the node was reached. */
  #namedPathTo(node: NodeIndex, anonymous: number): number | undefined {
    if (this.graph.type(node) !== NODE_TYPE.object || this.index.named(node, 'Promise') || this.awaits.suspendedNodes.has(node)) return undefined;
    // what stands alike is held alike: thousands of timers are not looked at one by one
    const name = this.graph.nameIndex(node);
    const missesByName = this.#misses.get(anonymous) ?? new Map<StringIndex, number>();
    const misses = missesByName.get(name) ?? 0;
    if (misses >= MISSES_LIMIT) return undefined;
    const edges = this.#named.to(node, this.#lengthTo(node) + NAMED_PATH_EXTRA);
    if (edges === undefined) {
      this.#misses.set(anonymous, missesByName.set(name, misses + 1));
      return undefined;
    }
    let path = EMPTY;
    for (const edge of edges) {
      const from = this.graph.source(edge);
      if (path === EMPTY && this.realm.isProcess(from)) path = this.#extended(path, { text: ['process'], anchors: 'named' });
      const name = this.#nameOf(from, edge, this.graph.target(edge));
      if (name !== undefined) path = this.#extended(path, name);
    }
    return path === EMPTY || this.#paths[path]?.anonymous === true ? undefined : path;
  }

  /** Edges from the timer, or from native code, by which a node was reached. */
  #lengthTo(node: NodeIndex): number {
    let length = 0;
    for (let current = node; current !== NO_NODE && current !== ROOT; current = this.reachability.parent(current)) {
      const type = this.graph.type(current);
      if (type === NODE_TYPE.native || type === NODE_TYPE.synthetic || this.index.named(current, 'Timeout') || this.index.named(current, 'Immediate')) break;
      length++;
    }
    return length;
  }

  #extended(from: number, { text: name, anchors }: Name): number {
    const number = anchors === false ? from : EMPTY;
    const key = `${String(number)} ${JSON.stringify(name)}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const { first, last, skipped, anonymous } = this.#paths[number] ?? { first: null, last: [], skipped: false, anonymous: false };
    const next: Path = first === null ? { first: name, last: [], skipped: false, anonymous: anchors === 'anonymous' } : { anonymous, first, last: [...last, name].slice(-LAST_NAMES), skipped: skipped || last.length === LAST_NAMES };
    // Paths that differ only in what is not shown are one
    const content = JSON.stringify(next);
    let result = this.#numbers.get(content);
    if (result === undefined) {
      result = this.#paths.push(next) - 1;
      this.#numbers.set(content, result);
    }
    this.#numbers.set(key, result);
    return result;
  }

  #text(number: number): RawText {
    const { first, last, skipped } = this.#paths[number] ?? { first: null, last: [], skipped: false };
    return [...(first ?? []), ...(skipped ? [' › …'] : []), ...last.flatMap((name) => [' › ', ...name])];
  }

  /** How a step of a path is called; undefined for V8's plumbing. */
  #nameOf(parent: NodeIndex, edge: EdgeIndex, child: NodeIndex): Name | undefined {
    if (edge === -1 || parent === NO_NODE) return undefined;
    if (this.realm.isProcess(child)) return { text: ['process'], anchors: 'named' };
    switch (this.graph.edgeType(edge)) {
      case EDGE_TYPE.context:
        // What settles a promise is what is held, whatever it is called there
        return this.#settles(child) ? undefined : this.#variable(parent, child, this.#edgeName(edge));
      case EDGE_TYPE.property:
        return this.#property(parent, edge, child);
      default: {
        const parentType = this.graph.type(parent);
        if (parentType === NODE_TYPE.native || parentType === NODE_TYPE.synthetic) return this.#nativelyHeld(child);
        // Whatever is found by way of V8's own tables does not belong to what led to them
        return this.realm.isRealm(child) ? { text: ['V8'], anchors: 'anonymous' } : undefined;
      }
    }
  }

  #property(parent: NodeIndex, edge: EdgeIndex, child: NodeIndex): Name | undefined {
    const isGlobals = this.realm.isGlobal(parent);
    if (!isGlobals && this.#isUntold(this.graph.edgeNameOrIndex(edge) as StringIndex)) return undefined;
    const name = this.#edgeName(edge);
    if (isGlobals) return { text: [`global ${name}`], anchors: 'named' };
    const callback = TIMER_CALLBACKS[name];
    if (callback !== undefined && this.index.className(parent) === callback) return this.#timer(callback, child);
    if (this.#settles(child)) return undefined;
    if (this.#isListenerTable(parent)) {
      const ofProcess = this.realm.isProcess(this.reachability.parent(parent));
      return { text: [`${ofProcess ? 'process ' : ''}'${name}' listener`], anchors: ofProcess ? 'named' : false };
    }
    return { text: [this.graph.type(child) === NODE_TYPE.closure ? name : this.#described(child, name)], anchors: false };
  }

  /** Most properties on a way are called so: each name is looked at once. */
  #isUntold(name: StringIndex): boolean {
    let known = this.#untold.get(name);
    if (known === undefined) {
      const text = this.graph.strings.get(name);
      known = UNTOLD.has(text) || INTERNAL_SYMBOL.test(text);
      this.#untold.set(name, known);
    }
    return known;
  }

  #timer(timer: string, callback: NodeIndex): Name {
    const { name, declared } = this.graph.type(callback) === NODE_TYPE.closure ? this.index.functionOf(callback) : { name: null, declared: null };
    if (name === null) return { text: [timer], anchors: 'anonymous' };
    return { text: [`${timer} → callback `, declared === null ? name : { function: name, declared }], anchors: 'named' };
  }

  /** Whether a file's scope is that of a file of the program. */
  #isPrograms(context: NodeIndex): boolean {
    const script = this.#scriptOf(context);
    return script !== undefined && this.index.script(script)?.startsWith('node:') !== true;
  }

  /** What an emitter keeps under `_events`: an object without a prototype whose properties are the events. */
  #isListenerTable(node: NodeIndex): boolean {
    const edge = this.reachability.edge(node);
    return edge !== -1 && this.graph.edgeType(edge) === EDGE_TYPE.property && this.graph.edgeNameOrIndex(edge) === this.index.edge._events;
  }

  #settles(closure: NodeIndex): boolean {
    const role = this.graph.type(closure) === NODE_TYPE.closure ? this.index.role(closure) : undefined;
    return role === 'resolve' || role === 'reject';
  }

  #edgeName(edge: EdgeIndex): string {
    const name = this.graph.strings.get(this.graph.edgeNameOrIndex(edge) as StringIndex);
    return name.length <= NAME_LIMIT ? name : `${name.slice(0, NAME_LIMIT)}…`;
  }

  #variable(context: NodeIndex, value: NodeIndex, name: string): Name {
    const script = this.realm.isOutermostScope(context) ? this.#scriptOf(context) : undefined;
    if (script === undefined) return { text: [this.#described(value, name)], anchors: false };
    const kind = this.#described(value, '');
    return { text: [...(kind === '' ? [] : [kind]), { variable: name, script, show: 'name' }, ' in ', { variable: name, script, show: 'file' }], anchors: 'named' };
  }

  /** `Map cache`, `function onTick`, `cache`. */
  #described(value: NodeIndex, name: string): string {
    const type = this.graph.type(value);
    if (type === NODE_TYPE.closure) return `function ${name}`;
    const className = this.index.className(value);
    return type !== NODE_TYPE.object || className === 'Object' || className === '' || className.startsWith('system / ') ? name : `${className} ${name}`;
  }

  /** Node's own objects that native code holds, such as handles and requests. */
  #nativelyHeld(child: NodeIndex): Name | undefined {
    if (this.realm.isRealm(child)) return { text: ['V8'], anchors: 'anonymous' };
    if (this.graph.type(child) !== NODE_TYPE.object) return undefined;
    const className = this.index.className(child);
    if (className === '' || className.startsWith('system / ') || className === 'Object' || className === 'Array') return undefined;
    if (this.awaits.suspendedNodes.has(child)) return { text: ['running code'], anchors: 'named' };
    return { text: [className === 'Promise' ? 'native code' : className], anchors: 'anonymous' };
  }

  /** The script of the functions that share this context: by what the walk came through, else by one that the context holds. */
  #scriptOf(context: NodeIndex): number | undefined {
    let current = context;
    for (let depth = 0; depth < CONTEXT_DEPTH_LIMIT; depth++) {
      const parent = this.reachability.parent(current);
      if (parent === NO_NODE) break;
      if (this.graph.type(parent) === NODE_TYPE.closure || this.awaits.suspendedNodes.has(parent)) {
        const closure = this.graph.type(parent) === NODE_TYPE.closure ? parent : this.index.internal(parent, 'function');
        const { declared } = this.index.functionOf(closure);
        if (declared !== null) return declared.scriptId;
      }
      if (!this.index.named(parent, 'system / Context') || this.index.internal(parent, 'previous') !== current) break;
      current = parent;
    }
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const end = this.graph.endEdge(context);
    for (let edge: number = this.graph.firstEdge(context); edge < end; edge++) {
      const value = (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
      if (edgeTypes[edge] !== EDGE_TYPE.context || this.graph.type(value) !== NODE_TYPE.closure) continue;
      if (this.index.internal(value, 'context') !== context) continue;
      const { declared } = this.index.functionOf(value);
      if (declared !== null) return declared.scriptId;
    }
    return undefined;
  }
}
