/**
 * Reads JavaScript objects out of a heap graph, as far as a snapshot holds them: properties, strings, and the numbers of a
 * snapshot that was taken with `captureNumericValue`. What the snapshot does not hold reads as absent, never as something else.
 */
import { EDGE_TYPE, LOCATION_FIELDS, NODE_TYPE, NO_NODE, ROOT } from '../heapGraph';
import type { EdgeIndex, HeapGraph, NodeIndex, StringIndex } from '../heapGraph';
import type { HeapIndex } from '../heapIndex';
import type { RawPosition } from '../heapAnalysis';
import { Realm } from '../realm';
import { clip } from '../../format/text';
import { ABSENT, lookUpNames } from './heapNames';
import type { HeapNames, NameKey } from './heapNames';

/** UTF-16 units of a text from the process that goes into a description; longer ones are cut visibly. */
export const TEXT_LIMIT = 200;
/** Parts of a concatenated string that are put together; a longer one is cut there. */
const STRING_PARTS_LIMIT = 64;
/** Node's own name for what it adds to a snapshot (node: src/memory_tracker-inl.h). */
const NATIVE_PREFIX = 'Node / ';
/** Functions around a function that are looked through. */
const WRAPPER_LIMIT = 4;
/** Edges of an object that are looked at for a property; objects of Node's own that matter have fewer. */
const OWN_EDGE_LIMIT = 2_048;

export interface ScopePlace {
  /** Of a function that uses it. */
  readonly at: RawPosition;
  /** See {@link Realm.isOutermostScope}. */
  readonly isOutermost: boolean;
}

export class HeapObjects {
  readonly names: HeapNames;
  readonly realm: Realm;
  readonly #true: NodeIndex;
  readonly #false: NodeIndex;
  readonly #null: NodeIndex;
  readonly #undefined: NodeIndex;
  readonly #nodeScripts = new Map<number, boolean>();
  readonly #scopePlaces = new Map<number, ScopePlace | null>();
  #scriptNames: ReadonlyMap<number, string> | undefined;

  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
  ) {
    this.names = lookUpNames(graph.strings);
    this.realm = new Realm(graph, index);
    const { trueRoot, falseRoot, nullRoot, undefinedRoot } = this.names;
    // Node 20 has no names for these but those of the roots that point at them.
    const oddballs = findRoots(graph, [trueRoot, falseRoot, nullRoot, undefinedRoot]);
    this.#true = oddballs[0] ?? NO_NODE;
    this.#false = oddballs[1] ?? NO_NODE;
    this.#null = oddballs[2] ?? NO_NODE;
    this.#undefined = oddballs[3] ?? NO_NODE;
  }

  /** The target of the own property `key`, a symbol's as `<symbol name>`; NO_NODE where there is none. */
  property(node: NodeIndex, key: NameKey): NodeIndex {
    return this.#edge(node, EDGE_TYPE.property, this.names[key]);
  }

  internal(node: NodeIndex, key: NameKey): NodeIndex {
    return this.#edge(node, EDGE_TYPE.internal, this.names[key]);
  }

  /** A variable of a context. */
  variable(context: NodeIndex, key: NameKey): NodeIndex {
    return this.#edge(context, EDGE_TYPE.context, this.names[key]);
  }

  #edge(node: NodeIndex, type: number, name: number): NodeIndex {
    if (name === ABSENT || node === NO_NODE) return NO_NODE;
    const { firstEdges, edgeTypes, edgeNames, edgeTargets } = this.graph.arrays;
    const first = firstEdges[node] ?? 0;
    const end = Math.min(firstEdges[node + 1] ?? 0, first + OWN_EDGE_LIMIT);
    for (let edge = first; edge < end; edge++) {
      if (edgeNames[edge] === name && edgeTypes[edge] === type) return (edgeTargets[edge] ?? NO_NODE) as NodeIndex;
    }
    return NO_NODE;
  }

  element(node: NodeIndex, index: number): NodeIndex {
    return this.#edge(node, EDGE_TYPE.element, index);
  }

  /** An entry of V8's own arrays, which are numbered by text: a hash table's, registers'. */
  entry(array: NodeIndex, index: number): NodeIndex {
    const { graph } = this;
    for (let edge = graph.firstEdge(array); edge < graph.endEdge(array); edge = (edge + 1) as EdgeIndex) {
      if (graph.edgeType(edge) === EDGE_TYPE.internal && this.edgeName(edge) === String(index)) return graph.target(edge);
    }
    return NO_NODE;
  }

  edgeName(edge: EdgeIndex): string {
    const name = this.graph.edgeNameOrIndex(edge);
    const type = this.graph.edgeType(edge);
    return type === EDGE_TYPE.element || type === EDGE_TYPE.hidden ? String(name) : this.graph.strings.get(name as StringIndex);
  }

  isClosure(node: NodeIndex): boolean {
    return node !== NO_NODE && this.graph.type(node) === NODE_TYPE.closure;
  }

  isObject(node: NodeIndex): boolean {
    return node !== NO_NODE && this.graph.type(node) === NODE_TYPE.object;
  }

  isTrue(node: NodeIndex): boolean {
    return node !== NO_NODE && (node === this.#true || this.#isHidden(node, this.names.trueName));
  }

  isFalse(node: NodeIndex): boolean {
    return node !== NO_NODE && (node === this.#false || this.#isHidden(node, this.names.falseName));
  }

  isNull(node: NodeIndex): boolean {
    return node !== NO_NODE && (node === this.#null || this.#isHidden(node, this.names.nullName));
  }

  /** Absent, `undefined` or `null`. */
  isNothing(node: NodeIndex): boolean {
    return node === NO_NODE || node === this.#undefined || this.#isHidden(node, this.names.undefinedName) || this.isNull(node);
  }

  #isHidden(node: NodeIndex, name: number): boolean {
    return this.graph.type(node) === NODE_TYPE.hidden && this.graph.nameIndex(node) === name;
  }

  /**
   * A string's text, of which so much is wanted; null for what is not a string, and for a part of another one, whose place in it a snapshot
   * does not tell.
   */
  text(node: NodeIndex, limit = TEXT_LIMIT): string | null {
    if (node === NO_NODE) return null;
    const type = this.graph.type(node);
    if (type === NODE_TYPE.string) return clip(this.graph.name(node), limit);
    if (type !== NODE_TYPE.concatenatedString) return null;
    let text = '';
    const rest = [node];
    for (let parts = 0; rest.length > 0 && parts < STRING_PARTS_LIMIT && text.length <= limit; parts++) {
      const part = rest.pop() ?? NO_NODE;
      const partType = part === NO_NODE ? NODE_TYPE.other : this.graph.type(part);
      if (partType === NODE_TYPE.string) text += this.graph.name(part);
      else if (partType === NODE_TYPE.concatenatedString) rest.push(this.internal(part, 'second'), this.internal(part, 'first'));
      else return null;
    }
    return clip(text, limit);
  }

  textProperty(node: NodeIndex, key: NameKey, limit = TEXT_LIMIT): string | null {
    return this.text(this.property(node, key), limit);
  }

  /** Null for what is not a number, and where the snapshot was taken without the values of numbers. */
  number(node: NodeIndex): number | null {
    if (node === NO_NODE || this.graph.type(node) !== NODE_TYPE.number) return null;
    const value = this.internal(node, 'value');
    if (value === NO_NODE) return null;
    const text = this.graph.name(value);
    const number = Number(text);
    return text === '' || Number.isNaN(number) ? null : number;
  }

  numberProperty(node: NodeIndex, key: NameKey): number | null {
    return this.number(this.property(node, key));
  }

  /** The name of an object's class, or of a function; cut to {@link TEXT_LIMIT}. */
  className(node: NodeIndex): string {
    return clip(this.index.className(node), TEXT_LIMIT);
  }

  /** What an object of Node's C++ is called there, such as `TCPServerWrap`; null for what is none. */
  nativeName(native: NodeIndex): string | null {
    const name = native === NO_NODE ? '' : this.graph.name(native);
    return name.startsWith(NATIVE_PREFIX) ? clip(name.slice(NATIVE_PREFIX.length), TEXT_LIMIT) : null;
  }

  /** Where a scope is; null where no function that uses it is there any more. */
  placeOfScope(context: NodeIndex): ScopePlace | null {
    let known = this.#scopePlaces.get(context);
    if (known === undefined) {
      known = this.#findPlaceOfScope(context);
      this.#scopePlaces.set(context, known);
    }
    return known;
  }

  #findPlaceOfScope(context: NodeIndex): ScopePlace | null {
    const { first, edges } = this.graph.retainers;
    for (let i = first[context] ?? 0; i < (first[context + 1] ?? 0); i++) {
      const edge = (edges[i] ?? 0) as EdgeIndex;
      if (this.graph.edgeNameOrIndex(edge) !== this.names.context) continue;
      const position = this.position(this.graph.source(edge));
      if (position === null) continue;
      return { at: position, isOutermost: this.realm.isOutermostScope(context) };
    }
    return null;
  }

  /** Where a function stands; null for builtins and bound functions. */
  position(node: NodeIndex): RawPosition | null {
    return node === NO_NODE ? null : (this.graph.location(node) ?? null);
  }

  /** The function behind a bound one, and behind the wrapper that `once` makes of a listener. */
  innermost(closure: NodeIndex): NodeIndex {
    let inner = closure;
    for (let i = 0; i < WRAPPER_LIMIT; i++) {
      let wrapped = this.internal(inner, 'boundFunction');
      if (!this.isClosure(wrapped)) wrapped = this.property(inner, 'listener');
      if (!this.isClosure(wrapped)) break;
      inner = wrapped;
    }
    return inner;
  }

  /** URL or path of a script that a function of the heap stands in, as V8 has it. */
  scriptName(scriptId: number): string | undefined {
    return this.scripts.get(scriptId);
  }

  /** All scripts that functions of the heap stand in. */
  get scripts(): ReadonlyMap<number, string> {
    return (this.#scriptNames ??= this.#readScriptNames());
  }

  /** Whether a script is one of Node's own. */
  isNodeScript(scriptId: number): boolean {
    let known = this.#nodeScripts.get(scriptId);
    if (known === undefined) {
      known = this.scriptName(scriptId)?.startsWith('node:') === true;
      this.#nodeScripts.set(scriptId, known);
    }
    return known;
  }

  /** A function of Node's own; builtins and bound functions are nobody's and do not count. */
  isNodeFunction(closure: NodeIndex): boolean {
    const position = this.position(closure);
    return position !== null && this.isNodeScript(position.scriptId);
  }

  #readScriptNames(): ReadonlyMap<number, string> {
    const { graph, index } = this;
    const { locations } = graph.arrays;
    let last = -1;
    for (let at = 0; at < locations.length; at += LOCATION_FIELDS) {
      const script = locations[at + 1] ?? 0;
      // neighbours are mostly from one script, and not every function leads to its name
      if (script === last) continue;
      const node = (locations[at] ?? 0) as NodeIndex;
      if (graph.type(node) !== NODE_TYPE.closure) continue;
      index.rememberScript(node, script);
      if (index.script(script) !== undefined) last = script;
    }
    return index.scripts;
  }
}

/** Targets of edges with these names from the groups of GC roots, the first of each. */
function findRoots(graph: HeapGraph, names: readonly number[]): NodeIndex[] {
  const found: NodeIndex[] = [];
  let missing = names.filter((name) => name !== ABSENT).length;
  const visit = (node: NodeIndex, depth: number): void => {
    // what is looked for stands before the long groups
    for (let edge = graph.firstEdge(node); edge < graph.endEdge(node) && missing > 0; edge = (edge + 1) as EdgeIndex) {
      const target = graph.target(edge);
      if (graph.type(target) === NODE_TYPE.synthetic) {
        if (depth < 2) visit(target, depth + 1);
        continue;
      }
      const at = graph.edgeType(edge) === EDGE_TYPE.internal ? names.indexOf(graph.edgeNameOrIndex(edge)) : -1;
      if (at < 0 || found[at] !== undefined) continue;
      found[at] = target;
      missing--;
    }
  };
  visit(ROOT, 0);
  return found;
}
