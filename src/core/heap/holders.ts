/**
 * What keeps tasks in memory, in a user's words: along the path by which a task was reached from a root, from the outermost thing
 * that a program has a name for down to the task.
 */
import type { AwaitGraph, WaiterIndex } from './awaitGraph';
import type { RawText } from './heapAnalysis';
import { EDGE_TYPE, NODE_TYPE, NO_NODE, ROOT, type EdgeIndex, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import type { Reachability } from './settleability';

/** Steps from a task towards the root that are looked at; what holds it from further away is not told. */
const PATH_LIMIT = 1000;
/** Names on a path: the outermost and the last ones. */
const NAMES_SHOWN = 5;
/** Of a group, so many tasks are asked who holds them; the counts of larger groups are of these. */
export const HOLDER_SAMPLE = 10_000;
/** Different holders of one group that are listed. */
const HOLDERS_LISTED = 5;

export interface Holder {
  readonly count: number;
  readonly path: RawText;
}

export class Holders {
  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
    readonly awaits: AwaitGraph,
    readonly reachability: Reachability,
  ) {}

  /** Who holds the tasks of a group, the most frequent first. */
  of(outermost: Int32Array): Holder[] {
    const byKey = new Map<string, { count: number; path: RawText }>();
    const sample = outermost.length <= HOLDER_SAMPLE ? outermost : outermost.subarray(0, HOLDER_SAMPLE);
    for (const waiter of sample) {
      const found = this.pathTo(this.awaits.waiters.subject(waiter as WaiterIndex));
      if (found === null) continue;
      const known = byKey.get(found.key);
      if (known === undefined) byKey.set(found.key, { count: 1, path: found.path });
      else known.count++;
    }
    return [...byKey.values()].sort((a, b) => b.count - a.count).slice(0, HOLDERS_LISTED);
  }

  /** Null when no root leads to it, or nothing on the way has a name. */
  pathTo(node: NodeIndex): { readonly key: string; readonly path: RawText } | null {
    const names: Name[] = [];
    let current = node;
    for (let step = 0; step < PATH_LIMIT && current !== ROOT; step++) {
      const parent = this.reachability.parent(current);
      if (parent === NO_NODE) break;
      const name = this.#nameOf(parent, current);
      if (name !== undefined) {
        names.push(name);
        if (name.anchors) break;
      }
      current = parent;
    }
    if (names.length === 0) return null;
    return rendered(names.reverse());
  }

  #edge(from: NodeIndex, to: NodeIndex): EdgeIndex {
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    const end = this.graph.endEdge(from);
    for (let edge: number = this.graph.firstEdge(from); edge < end; edge++) {
      if (edgeTargets[edge] === to && edgeTypes[edge] !== EDGE_TYPE.weak) return edge as EdgeIndex;
    }
    return -1 as EdgeIndex;
  }

  /** How a step of the path is called; undefined for V8's plumbing. */
  #nameOf(parent: NodeIndex, child: NodeIndex): Name | undefined {
    const edge = this.#edge(parent, child);
    if (edge === -1) return undefined;
    const type = this.graph.edgeType(edge);
    if (type === EDGE_TYPE.context) return this.#variable(parent, child, this.graph.strings.get(this.graph.edgeNameOrIndex(edge) as never));
    if (type === EDGE_TYPE.property) {
      const name = this.graph.strings.get(this.graph.edgeNameOrIndex(edge) as never);
      if (this.#isGlobal(parent)) return { text: [`global ${name}`], anchors: true };
      return { text: [name], anchors: false };
    }
    if (this.graph.type(parent) === NODE_TYPE.native || this.graph.type(parent) === NODE_TYPE.synthetic) return this.#nativelyHeld(child);
    if (type === EDGE_TYPE.internal && this.graph.type(child) === NODE_TYPE.object && this.index.named(parent, 'system / PropertyCell')) return undefined;
    return undefined;
  }

  #variable(context: NodeIndex, value: NodeIndex, name: string): Name {
    const place = this.#scriptOf(context);
    const described = this.#described(value, name);
    if (!this.#isModuleContext(context) || place === undefined) return { text: [described], anchors: false };
    return { text: [described, ' in ', { file: place }], anchors: true };
  }

  /** `Map cache`, `function onTick`, `cache`. */
  #described(value: NodeIndex, name: string): string {
    const type = this.graph.type(value);
    if (type === NODE_TYPE.closure) return `function ${name}`;
    const className = this.index.className(value);
    return type !== NODE_TYPE.object || className === 'Object' || className === '' || className.startsWith('system / ') ? name : `${className} ${name}`;
  }

  /** Node's own objects that native code holds, such as timers and handles. */
  #nativelyHeld(child: NodeIndex): Name | undefined {
    if (this.graph.type(child) !== NODE_TYPE.object) return undefined;
    const className = this.index.className(child);
    if (className === '' || className.startsWith('system / ') || className === 'Object' || className === 'Array') return undefined;
    return { text: [className], anchors: true };
  }

  #isGlobal(node: NodeIndex): boolean {
    const name = this.graph.name(node);
    return name === 'global' || name.startsWith('global /') || name.startsWith('global (');
  }

  /** The outermost context of a file: a module's, or the function's that Node wraps a CommonJS module in. */
  #isModuleContext(context: NodeIndex): boolean {
    const previous = this.index.internal(context, 'previous');
    if (previous === NO_NODE) return true;
    return this.graph.name(previous).startsWith('system / NativeContext') || this.index.internal(previous, 'previous') === NO_NODE;
  }

  /** The script of a function whose context this is: some variable of it, or what the walk came through. */
  #scriptOf(context: NodeIndex): number | undefined {
    let current = context;
    for (let step = 0; step < PATH_LIMIT; step++) {
      const parent = this.reachability.parent(current);
      if (parent === NO_NODE) break;
      if (this.graph.type(parent) === NODE_TYPE.closure) {
        const { declared } = this.index.functionOf(parent);
        if (declared !== null) return declared.scriptId;
      }
      if (!this.index.named(parent, 'system / Context') || this.index.internal(parent, 'previous') !== current) break;
      current = parent;
    }
    // Functions that the context holds come from the same file, when their own context is this one
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

interface Name {
  readonly text: RawText;
  /** Further out nothing is needed. */
  readonly anchors: boolean;
}

const BETWEEN = ' › ';

/** @param names the outermost first */
function rendered(names: readonly Name[]): { readonly key: string; readonly path: RawText } {
  const shown = names.length <= NAMES_SHOWN ? names : [...names.slice(0, 1), { text: ['…'], anchors: false }, ...names.slice(2 - NAMES_SHOWN)];
  const path = shown.flatMap(({ text }, i) => (i === 0 ? text : [BETWEEN, ...text]));
  return { key: JSON.stringify(path), path };
}

