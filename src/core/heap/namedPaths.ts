/**
 * Paths to a node from what a program has a name for: a variable of a file's own, a property of the global object, a listener of the
 * process. Found backwards, along the edges by which one thing has another for itself, the nearest first; so they are real and always
 * the same.
 */
import { EDGE_TYPE, NODE_TYPE, type EdgeIndex, type HeapGraph, type NodeIndex, type StringIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { eachRetainer } from './leaves/eachRetainer';
import type { Realm } from './realm';

/** Those who refer to one node that are followed, the first ones. */
const RETAINER_LIMIT = 64;
/** Nodes that are looked at for one path. Beyond, there is none. */
const NODES_PER_PATH = 500;
/** Nodes that are looked at for all paths of a heap. Beyond, no more paths are looked for. */
const NODES_LIMIT = 500_000;

/** Fields of V8's in which an object, a function or a scope has something for itself. */
const OWN_FIELDS = ['table', 'elements', 'properties', 'context', 'previous'] as const;
/** What leads from an instance to all others, and from timer to timer. */
const SHARED_PROPERTIES = ['__proto__', 'constructor', 'prototype', '_idleNext', '_idlePrev'] as const;

export interface NamedPathSources {
  readonly graph: HeapGraph;
  readonly index: HeapIndex;
  /** Whether a scope is the outermost of one of the program's files. */
  readonly isFileScope: (context: NodeIndex) => boolean;
  readonly realm: Realm;
  /** Whether it is a suspended function. */
  readonly isSuspended: (node: NodeIndex) => boolean;
}

export class NamedPaths {
  readonly #fields: ReadonlySet<number>;
  readonly #shared: ReadonlySet<number>;
  readonly #entryNames = new Map<number, boolean>();
  #looked = 0;

  constructor(readonly sources: NamedPathSources) {
    const { strings } = sources.graph;
    const namesOf = (texts: readonly string[]): ReadonlySet<number> => new Set(strings.find([...texts]).flatMap((name) => name ?? []));
    this.#fields = namesOf(OWN_FIELDS);
    this.#shared = namesOf(SHARED_PROPERTIES);
  }

  /**
   * The edges from what has a name to a node, the first of which is that of the name; undefined where there is no such path of at most
   * `length` edges.
   */
  to(node: NodeIndex, length: number): readonly EdgeIndex[] | undefined {
    const { graph } = this.sources;
    // by which edge each node leads on to the one that is looked for
    const ways = new Map<NodeIndex, EdgeIndex>();
    const found: { at: NodeIndex | undefined } = { at: undefined };
    let level: NodeIndex[] = [node];
    for (let depth = 0; depth < length && level.length > 0; depth++) {
      const next: NodeIndex[] = [];
      for (const each of level) {
        if (ways.size > NODES_PER_PATH || this.#looked > NODES_LIMIT) return undefined;
        eachRetainer(graph, each, RETAINER_LIMIT, (from, edge) => {
          if (found.at !== undefined || from === node || ways.has(from) || !this.#leads(from, edge)) return;
          this.#looked++;
          ways.set(from, edge);
          if (this.#isNamed(from, edge)) found.at = from;
          else if (this.#isPassed(from)) next.push(from);
        });
        if (found.at !== undefined) return path(graph, ways, found.at, node);
      }
      level = next;
    }
    return undefined;
  }

  #leads(from: NodeIndex, edge: EdgeIndex): boolean {
    const { graph } = this.sources;
    switch (graph.edgeType(edge)) {
      case EDGE_TYPE.context:
      case EDGE_TYPE.element:
        return true;
      case EDGE_TYPE.property:
        return !this.#shared.has(graph.edgeNameOrIndex(edge));
      case EDGE_TYPE.internal:
        return graph.type(from) === NODE_TYPE.array ? this.#isEntry(graph.edgeNameOrIndex(edge)) : this.#fields.has(graph.edgeNameOrIndex(edge));
      default:
        return false;
    }
  }

  /** Entries of V8's own arrays are numbered. What a WeakMap has is held by its key as well, and has a name that says so. */
  #isEntry(name: number): boolean {
    let known = this.#entryNames.get(name);
    if (known === undefined) {
      known = /^\d+$/.test(this.sources.graph.strings.get(name as StringIndex));
      this.#entryNames.set(name, known);
    }
    return known;
  }

  #isPassed(node: NodeIndex): boolean {
    const { graph, index, isSuspended } = this.sources;
    const type = graph.type(node);
    if (type === NODE_TYPE.closure || type === NODE_TYPE.array) return true;
    return type === NODE_TYPE.object && !index.named(node, 'Timeout') && !index.named(node, 'Immediate') && !isSuspended(node);
  }

  #isNamed(from: NodeIndex, edge: EdgeIndex): boolean {
    const { graph, isFileScope, realm } = this.sources;
    switch (graph.edgeType(edge)) {
      case EDGE_TYPE.context:
        return isFileScope(from);
      case EDGE_TYPE.property:
        if (graph.type(from) !== NODE_TYPE.object) return false;
        if (realm.isGlobal(from)) return !graph.strings.get(graph.edgeNameOrIndex(edge) as StringIndex).startsWith('<symbol');
        return realm.isProcess(from);
      default:
        return false;
    }
  }
}

function path(graph: HeapGraph, ways: ReadonlyMap<NodeIndex, EdgeIndex>, from: NodeIndex, to: NodeIndex): readonly EdgeIndex[] {
  const edges: EdgeIndex[] = [];
  for (let at = from; at !== to; ) {
    const edge = ways.get(at);
    if (edge === undefined) break;
    edges.push(edge);
    at = graph.target(edge);
  }
  return edges;
}
