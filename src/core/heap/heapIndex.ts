/**
 * What every pass over a heap asks again and again: where well-known names stand in the string table, which of V8's builtins
 * a closure runs, and whose source a function is from. Node's and V8's names here are the same on Node 20 to 26 where nothing
 * else is said.
 */
import { EDGE_TYPE, NODE_TYPE, NO_NODE, type EdgeIndex, type EdgeType, type HeapGraph, type NodeIndex, type ScriptPosition } from './heapGraph';

/** Names of edges, as V8's `heap-snapshot-generator.cc` writes them. */
const EDGE_NAMES = [
  'reactions_or_result',
  'parameters_and_registers',
  'function',
  'context',
  'receiver',
  'extension',
  'previous',
  'scope_info',
  'name_or_scope_info',
  'code',
  'shared',
  'script',
  // Node 20 has one field for both
  'script_or_debug_info',
  'name',
  'bound_function',
  'bound_this',
  'map',
  '__proto__',
  'constructor',
  'elements',
  'properties',
  'table',
  'value',
  'global_object',
  'atomics_waitasync_promises',
  'javascript_to_native',
  '_events',
] as const;
type EdgeNameOf = (typeof EDGE_NAMES)[number];

const NODE_NAMES = [
  'system / PromiseReaction',
  'system / PromiseCapability',
  'system / AsyncGeneratorRequest',
  'system / Context',
  'system / ScriptContext',
  'system / SourceTextModule',
  'system / ArrayList',
  'system / PropertyArray',
  'system / Cell',
  'system / PropertyCell',
  'system / AccessorPair',
  'native_bind',
  'Promise',
  'Timeout',
  'Immediate',
  '(constant pool)',
] as const;
type NodeNameOf = (typeof NODE_NAMES)[number];

/** What a closure of V8's own does when a promise settles; `other` is a builtin that has no rule here. */
export type BuiltinRole =
  /** Goes on with a suspended async function or async generator: context › extension. */
  | 'await'
  /** Settles the promise in slot 1 of its context. */
  | 'resolve'
  | 'reject'
  /** One input of a combinator, whose capability is in slot 1 of the shared context. */
  | 'all'
  | 'allSettled'
  | 'any'
  /** Calls the function in slot 1 of its context, and passes on what came. */
  | 'finally'
  /** Goes on with the evaluation of the module in its context. */
  | 'module'
  | 'other';

/** V8 builtins by the name of their code, `src/builtins`. */
const BUILTIN_ROLES: Readonly<Record<string, Exclude<BuiltinRole, 'other'>>> = {
  AsyncFunctionAwaitResolveClosure: 'await',
  AsyncFunctionAwaitRejectClosure: 'await',
  AsyncGeneratorAwaitResolveClosure: 'await',
  AsyncGeneratorAwaitRejectClosure: 'await',
  AsyncGeneratorYieldWithAwaitResolveClosure: 'await',
  AsyncGeneratorReturnClosedResolveClosure: 'await',
  AsyncGeneratorReturnClosedRejectClosure: 'await',
  AsyncGeneratorReturnResolveClosure: 'await',
  PromiseCapabilityDefaultResolve: 'resolve',
  PromiseCapabilityDefaultReject: 'reject',
  PromiseAllResolveElementClosure: 'all',
  PromiseAllSettledResolveElementClosure: 'allSettled',
  PromiseAllSettledRejectElementClosure: 'allSettled',
  PromiseAnyRejectElementClosure: 'any',
  PromiseThenFinally: 'finally',
  PromiseCatchFinally: 'finally',
  CallAsyncModuleFulfilled: 'module',
  CallAsyncModuleRejected: 'module',
};

/** How the code of a builtin is named in a snapshot: `builtin handle` on Node 20. */
const BUILTIN_SUFFIXES = [' builtin code)', ' builtin handle)'] as const;

/** A function of the program, or of Node, as far as the heap tells. */
export interface FunctionInfo {
  /** Null for an anonymous function. */
  readonly name: string | null;
  /** Where it is declared; null for builtins. */
  readonly declared: ScriptPosition | null;
}

/** Names of classes that say nothing about a method. */
const PLAIN_RECEIVERS = new Set(['Object', 'global', 'Window', 'Array', '']);
/** Prototypes that are searched for a method; beyond that its class is not told. */
const PROTOTYPE_LIMIT = 8;

export class HeapIndex {
  /** A string index of each name, -1 where the snapshot has none. */
  readonly edge: Readonly<Record<EdgeNameOf, number>>;
  readonly node: Readonly<Record<NodeNameOf, number>>;
  /** Code nodes of the builtins with a role. */
  readonly #roles = new Map<number, BuiltinRole>();
  readonly #roleOfName = new Map<number, BuiltinRole>();
  readonly #scripts = new Map<number, string>();
  readonly #functions = new Map<number, FunctionInfo>();

  /** @param alsoWanted strings that will be looked up later: all are found in one pass */
  constructor(
    readonly graph: HeapGraph,
    alsoWanted: readonly string[] = [],
  ) {
    const builtins = Object.entries(BUILTIN_ROLES).flatMap(([name, role]) => BUILTIN_SUFFIXES.map((suffix) => ({ text: `(${name}${suffix}`, role })));
    const texts = [...EDGE_NAMES, ...NODE_NAMES, ...builtins.map(({ text }) => text)];
    const found = graph.strings.find([...texts, ...alsoWanted]);
    const at = (index: number): number => found[index] ?? -1;
    this.edge = Object.fromEntries(EDGE_NAMES.map((name, index) => [name, at(index)])) as Record<EdgeNameOf, number>;
    this.node = Object.fromEntries(NODE_NAMES.map((name, index) => [name, at(EDGE_NAMES.length + index)])) as Record<NodeNameOf, number>;
    builtins.forEach(({ role }, index) => {
      const name = at(EDGE_NAMES.length + NODE_NAMES.length + index);
      if (name !== -1) this.#roleOfName.set(name, role);
    });
  }

  /** Target of the first edge of this type and name; {@link NO_NODE} when there is none. */
  follow(node: NodeIndex, type: EdgeType, name: number): NodeIndex {
    const edge = this.find(node, type, name);
    return edge === -1 ? NO_NODE : this.graph.target(edge);
  }

  /** Target of the first internal edge of this name. */
  internal(node: NodeIndex, name: EdgeNameOf): NodeIndex {
    const index = this.edge[name];
    return index === -1 ? NO_NODE : this.follow(node, EDGE_TYPE.internal, index);
  }

  /** Target of the first hidden edge with this number. */
  hidden(node: NodeIndex, number: number): NodeIndex {
    return this.follow(node, EDGE_TYPE.hidden, number);
  }

  /** The first edge of this type and name; -1 when there is none. */
  find(node: NodeIndex, type: EdgeType, name: number): EdgeIndex {
    const { edgeTypes, edgeNames } = this.graph.arrays;
    const end = this.graph.endEdge(node);
    for (let edge: number = this.graph.firstEdge(node); edge < end; edge++) {
      // names first: few are the same, and types stand elsewhere in memory
      if (edgeNames[edge] === name && edgeTypes[edge] === type) return edge as EdgeIndex;
    }
    return -1 as EdgeIndex;
  }

  named(node: NodeIndex, name: NodeNameOf): boolean {
    const index = this.node[name];
    return index !== -1 && this.graph.arrays.nodeNames[node] === index;
  }

  /** What a closure of V8's own does; undefined for a function of a program or of Node, and for what is no closure. */
  role(closure: NodeIndex): BuiltinRole | undefined {
    if (this.graph.type(closure) !== NODE_TYPE.closure || this.named(closure, 'native_bind')) return undefined;
    const code = this.internal(closure, 'code');
    if (code === NO_NODE) return undefined;
    const known = this.#roles.get(code);
    if (known !== undefined) return known;
    const role = this.#roleOfName.get(this.graph.nameIndex(code));
    if (role !== undefined) {
      this.#roles.set(code, role);
      return role;
    }
    return this.graph.location(closure) === undefined && this.#isBuiltin(closure, code) ? 'other' : undefined;
  }

  /** Name and place of the function that a closure runs; of a bound function, of what it was bound from. */
  functionOf(closure: NodeIndex): FunctionInfo {
    let target = closure;
    for (let depth = 0; depth < PROTOTYPE_LIMIT; depth++) {
      const bound = this.internal(target, 'bound_function');
      if (bound === NO_NODE) break;
      target = bound;
    }
    const known = this.#functions.get(target);
    if (known !== undefined) return known;
    const declared = this.graph.location(target) ?? null;
    const name = this.graph.type(target) === NODE_TYPE.closure ? this.#ownName(target) || this.graph.name(target) : '';
    if (declared !== null) this.rememberScript(target, declared.scriptId);
    const info = { name: name === '' ? null : name, declared };
    this.#functions.set(target, info);
    return info;
  }

  /** What a function was given as its name: a method with a computed one, and what bundlers do to keep names that they shorten. */
  #ownName(closure: NodeIndex): string {
    const name = this.follow(closure, EDGE_TYPE.property, this.edge.name);
    return name !== NO_NODE && this.graph.type(name) === NODE_TYPE.string ? this.graph.name(name) : '';
  }

  /**
   * The class whose method a closure is, as seen from its receiver: `OrderStore` for `load` called on an OrderStore. Undefined for
   * plain functions, and for receivers whose class says nothing.
   */
  classOf(closure: NodeIndex, receiver: NodeIndex): string | undefined {
    if (receiver === NO_NODE) return undefined;
    const { edgeTypes, edgeTargets } = this.graph.arrays;
    let holder = receiver;
    for (let depth = 0; depth < PROTOTYPE_LIMIT && holder !== NO_NODE; depth++) {
      const end = this.graph.endEdge(holder);
      for (let edge: number = this.graph.firstEdge(holder); edge < end; edge++) {
        if (edgeTypes[edge] !== EDGE_TYPE.property || edgeTargets[edge] !== closure) continue;
        const owner = this.follow(holder, EDGE_TYPE.property, this.edge.constructor);
        const name = depth > 0 && owner !== NO_NODE ? (this.functionOf(owner).name ?? '') : this.className(receiver);
        return PLAIN_RECEIVERS.has(name) ? undefined : name;
      }
      holder = this.follow(holder, EDGE_TYPE.property, this.edge.__proto__);
    }
    // private methods are in no prototype, and are called on objects of their class alone
    const name = this.functionOf(closure).name?.startsWith('#') === true ? this.className(receiver) : '';
    return PLAIN_RECEIVERS.has(name) ? undefined : name;
  }

  /** Class of an object, without what newer versions of V8 append: `Object (prototype) / file.js` is `Object`. */
  className(node: NodeIndex): string {
    const name = this.graph.name(node);
    const end = name.search(/ \(|\s*\/ /u);
    return end === -1 || name.startsWith('system / ') ? name : name.slice(0, end);
  }

  /** URL or path of a script; undefined while no function of it was looked at with {@link rememberScript}. */
  script(scriptId: number): string | undefined {
    return this.#scripts.get(scriptId);
  }

  /** All that are known so far. */
  get scripts(): ReadonlyMap<number, string> {
    return this.#scripts;
  }

  /** Finds the URL of a script by a closure that comes from it. */
  rememberScript(closure: NodeIndex, scriptId: number): void {
    if (this.#scripts.has(scriptId)) return;
    const shared = this.internal(closure, 'shared');
    if (shared === NO_NODE) return;
    const direct = this.internal(shared, 'script');
    const script = direct === NO_NODE ? this.internal(shared, 'script_or_debug_info') : direct;
    if (script === NO_NODE) return;
    // A script stands under its name; with the debugger on, a DebugInfo stands before it
    const url = this.internal(script, 'name');
    const name = url === NO_NODE ? this.graph.name(script) : this.graph.name(url);
    if (name !== '' && !name.startsWith('system / ')) this.#scripts.set(scriptId, name);
  }

  #isBuiltin(closure: NodeIndex, code: NodeIndex): boolean {
    // A function that was compiled or is still to be compiled stands under a builtin's name too, but has a script
    const shared = this.internal(closure, 'shared');
    if (shared !== NO_NODE && (this.internal(shared, 'script') !== NO_NODE || this.internal(shared, 'script_or_debug_info') !== NO_NODE)) return false;
    const name = this.graph.name(code);
    return BUILTIN_SUFFIXES.some((suffix) => name.endsWith(suffix));
  }
}
