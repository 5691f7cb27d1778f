/**
 * What everything of a program hangs on: the global object, `process`, the realm, and the scopes of files. V8 names such objects by their
 * class, and newer versions append more to it: the global object is `global / ` on Node 20 to 24, and `global (global*) / ` on Node 26,
 * the realm `system / NativeContext` and `system / NativeContext / ` (V8: src/profiler/heap-snapshot-generator.cc).
 */
import { EDGE_TYPE, NODE_TYPE, NO_NODE, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { eachRetainer } from './leaves/eachRetainer';

/** Those who refer to what a function is known by that are looked at, the first ones. */
const RETAINER_LIMIT = 64;

/** 0 is what was not looked at yet. */
const KIND = { other: 1, global: 2, process: 3, realm: 4 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

export class Realm {
  /** By string index: walks ask for each object on their way. */
  readonly #kinds: Uint8Array;
  /** By scope info, which all scopes of one function share. */
  readonly #constants = new Map<NodeIndex, boolean>();

  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
  ) {
    this.#kinds = new Uint8Array(graph.strings.count);
  }

  /** The global object, and what it inherits from. */
  isGlobal(node: NodeIndex): boolean {
    return this.#kindOf(node) === KIND.global && this.graph.type(node) === NODE_TYPE.object;
  }

  /** Node's `process`, which is no variable of any file and no plain property of the global object. */
  isProcess(node: NodeIndex): boolean {
    return this.#kindOf(node) === KIND.process && this.graph.type(node) === NODE_TYPE.object;
  }

  /** What V8 calls a native context: it has the tables of all that is built in, and is the scope around those of files. */
  isRealm(node: NodeIndex): boolean {
    return this.#kindOf(node) === KIND.realm && this.graph.type(node) === NODE_TYPE.hidden;
  }

  /**
   * Whether no scope of a file's code is around this one: then its variables can be told by their file. It is the file's own, or, where
   * that holds nothing, one of a function or a block in it, such as the function that a bundler puts around everything.
   */
  isOutermostScope(context: NodeIndex): boolean {
    const outer = this.index.internal(context, 'previous');
    // the top level of a script that is no module has its `let` and `const` there
    return outer !== NO_NODE && (this.isRealm(outer) || this.index.named(outer, 'system / ScriptContext'));
  }

  /**
   * Whether a scope is that of a module, a script, or the function that Node wraps a CommonJS module in: code of the whole file
   * shares it. Of an outermost scope, code around it still names the function as one of its constants, which nothing does for a file's own code.
   */
  isFileScope(context: NodeIndex): boolean {
    if (!this.isOutermostScope(context)) return false;
    const scopeInfo = this.index.internal(context, 'scope_info');
    return scopeInfo === NO_NODE || !this.#isConstant(scopeInfo);
  }

  /** Whether code names the function that has these scopes as one of its constants. */
  #isConstant(scopeInfo: NodeIndex): boolean {
    const { graph, index } = this;
    let known = this.#constants.get(scopeInfo);
    if (known === undefined) {
      let isConstant = false;
      eachRetainer(graph, scopeInfo, RETAINER_LIMIT, (shared, edge) => {
        if (graph.edgeNameOrIndex(edge) !== index.edge.name_or_scope_info || graph.edgeType(edge) !== EDGE_TYPE.internal) return;
        eachRetainer(graph, shared, RETAINER_LIMIT, (from) => {
          if (index.named(from, '(constant pool)')) isConstant = true;
        });
      });
      known = isConstant;
      this.#constants.set(scopeInfo, known);
    }
    return known;
  }

  #kindOf(node: NodeIndex): Kind {
    const name = this.graph.nameIndex(node);
    const known = this.#kinds[name] ?? 0;
    if (known !== 0) return known as Kind;
    const kind = kindOf(this.index.className(node));
    this.#kinds[name] = kind;
    return kind;
  }
}

function kindOf(className: string): Kind {
  if (className === 'global') return KIND.global;
  if (className === 'process') return KIND.process;
  return className.startsWith('system / NativeContext') ? KIND.realm : KIND.other;
}
