/**
 * Heaps with suspended work, in a few lines: what V8 writes for promises, reactions and suspended functions, as Node 24 does.
 *
 *   const heap = asyncHeap();
 *   const never = heap.promise();
 *   heap.global('held', heap.resolverOf(never));
 *   heap.asyncFunction('load').awaits(never);
 */
import { snapshot, type BuiltNode, type SnapshotBuilder } from './snapshotBuilder';

/** Script of all functions here. */
export const SCRIPT_ID = 7;
export const SCRIPT_URL = 'file:///app/main.mjs';

export interface HeapForm {
  /** Hidden edges of a reaction before `next`: Node 20 has 0. */
  readonly lead?: number;
}

/** A suspended async function. */
export interface SuspendedFunction {
  readonly generator: BuiltNode;
  /** What a call of it returned. */
  readonly promise: BuiltNode;
  awaits(promise: BuiltNode): SuspendedFunction;
}

export class AsyncHeap {
  readonly builder: SnapshotBuilder = snapshot();
  readonly globalObject: BuiltNode;
  readonly gcRoots: BuiltNode;
  readonly globalHandles: BuiltNode;
  readonly nativeContext: BuiltNode;
  readonly #script: BuiltNode;
  readonly #code = new Map<string, BuiltNode>();
  readonly #reactions = new Map<BuiltNode, BuiltNode[]>();
  readonly #moduleContext: BuiltNode;
  #line = 0;

  constructor(readonly form: HeapForm = {}) {
    const { builder } = this;
    this.gcRoots = builder.synthetic('(GC roots)');
    this.globalHandles = builder.synthetic('(Global handles)');
    this.globalObject = builder.object('global / ');
    this.nativeContext = builder.hidden('system / NativeContext');
    builder.root.element(1, this.gcRoots).shortcut('2', this.globalObject);
    this.gcRoots.element(1, this.globalHandles);
    this.globalHandles.internal('1', this.nativeContext);
    this.#script = builder.code(SCRIPT_URL).internal('name', builder.string(SCRIPT_URL));
    this.#moduleContext = builder.functionContext().internal('previous', this.nativeContext);
  }

  /** A property of the global object. */
  global(name: string, value: BuiltNode): this {
    this.globalObject.property(name, value);
    return this;
  }

  /** A variable of the module, which is reached from native code. */
  moduleVariable(name: string, value: BuiltNode): this {
    this.#moduleContext.context(name, value);
    this.globalHandles.internal(name, this.closure('user', this.#moduleContext));
    return this;
  }

  promise(name = 'Promise'): BuiltNode {
    return this.builder.object(name);
  }

  /** A function of the program; each on a line of its own. */
  closure(name: string, context: BuiltNode = this.#moduleContext): BuiltNode {
    const shared = this.builder.code(name).internal('script', this.#script);
    return this.builder
      .closure(name)
      .at(SCRIPT_ID, this.#line++, 0)
      .internal('shared', shared)
      .internal('context', context)
      .internal('code', this.#codeOf('CompileLazy'));
  }

  /** Another closure of the same function. */
  closureOf(closure: BuiltNode, context: BuiltNode): BuiltNode {
    const { name, edges, location } = closure;
    const other = this.builder.closure(name).internal('context', context);
    other.location = location;
    for (const { type, name: edge, to } of edges) if (edge !== 'context') other.edge(type, edge, to);
    return other;
  }

  /** A function of V8's own. */
  builtin(name: string, context: BuiltNode): BuiltNode {
    return this.builder.closure('').internal('context', context).internal('code', this.#codeOf(name));
  }

  /** The context that a promise's resolve and reject functions share. */
  resolving(promise: BuiltNode): BuiltNode {
    return this.builder.functionContext().hidden(1, promise);
  }

  resolverOf(promise: BuiltNode): BuiltNode {
    return this.builtin('PromiseCapabilityDefaultResolve', this.resolving(promise));
  }

  rejecterOf(promise: BuiltNode): BuiltNode {
    return this.builtin('PromiseCapabilityDefaultReject', this.resolving(promise));
  }

  asyncFunction(name: string, receiver?: BuiltNode): SuspendedFunction {
    return this.callOf(this.closure(name), receiver);
  }

  /** One more call of a function. */
  callOf(closure: BuiltNode, receiver?: BuiltNode): SuspendedFunction {
    const promise = this.promise();
    const generator = this.builder.object('Generator').internal('function', closure).internal('parameters_and_registers', this.builder.array()).hidden(3, promise);
    if (receiver !== undefined) generator.internal('receiver', receiver);
    const call: SuspendedFunction = {
      generator,
      promise,
      awaits: (awaited) => {
        this.awaiting(generator, awaited, 'AsyncFunction');
        return call;
      },
    };
    return call;
  }

  /** An async generator with so many requests that wait for it: their promises. */
  asyncGenerator(name: string, requests: number): { readonly generator: BuiltNode; readonly requests: readonly BuiltNode[]; awaits(promise: BuiltNode): void } {
    const promises = Array.from({ length: requests }, () => this.promise());
    const generator = this.builder.object(name).internal('function', this.closure(name)).internal('parameters_and_registers', this.builder.array());
    let before = generator;
    promises.forEach((promise, i) => {
      const request = this.builder.hidden('system / AsyncGeneratorRequest').hidden(2, promise);
      before.hidden(i === 0 ? 3 : 0, request);
      before = request;
    });
    return { generator, requests: promises, awaits: (promise) => { this.awaiting(generator, promise, 'AsyncGenerator'); } };
  }

  awaiting(generator: BuiltNode, promise: BuiltNode, kind: 'AsyncFunction' | 'AsyncGenerator'): void {
    const context = this.builder.functionContext().internal('extension', generator);
    this.reaction(promise, this.builtin(`${kind}AwaitResolveClosure`, context), this.builtin(`${kind}AwaitRejectClosure`, context));
  }

  /** `promise.then(callback)`: what it returned. */
  then(promise: BuiltNode, callback: BuiltNode | null = null): BuiltNode {
    const derived = this.promise();
    this.reaction(promise, callback, null, derived);
    return derived;
  }

  /** `Promise.all(inputs)`, of which `settled` more are settled already: what it returned. */
  combinator(name: 'All' | 'AllSettled', inputs: readonly BuiltNode[], settled = 0): BuiltNode {
    const result = this.promise();
    const resolving = this.resolving(result);
    const reject = this.builtin('PromiseCapabilityDefaultReject', resolving);
    const capability = this.builder
      .hidden('system / PromiseCapability')
      .hidden(0, result)
      .hidden(1, this.builtin('PromiseCapabilityDefaultResolve', resolving))
      .hidden(2, reject);
    const values = this.builder.array().withSize(16 + 8 * (inputs.length + settled));
    const context = this.builder.functionContext().hidden(1, capability).hidden(2, values);
    for (const input of inputs) {
      const rejected = name === 'All' ? reject : this.builtin('PromiseAllSettledRejectElementClosure', context);
      this.reaction(input, this.builtin(`Promise${name}ResolveElementClosure`, context), rejected);
    }
    return result;
  }

  race(inputs: readonly BuiltNode[]): BuiltNode {
    const result = this.promise();
    const context = this.resolving(result);
    const resolve = this.builtin('PromiseCapabilityDefaultResolve', context);
    const reject = this.builtin('PromiseCapabilityDefaultReject', context);
    for (const input of inputs) this.reaction(input, resolve, reject, this.promise());
    return result;
  }

  /** Adds to the list of reactions, as V8 does: at its front. The list is written by {@link graph}. */
  reaction(promise: BuiltNode, fulfilled: BuiltNode | null, rejected: BuiltNode | null, derived: BuiltNode | null = null): void {
    const { lead = 1 } = this.form;
    const list = this.#reactions.get(promise) ?? [];
    const base = lead + (list.length === 0 ? 0 : 1);
    const reaction = this.builder.hidden('system / PromiseReaction');
    const next = list[list.length - 1];
    if (next !== undefined) reaction.hidden(lead, next);
    if (rejected !== null) reaction.hidden(base, rejected);
    if (fulfilled !== null) reaction.hidden(base + 1, fulfilled);
    if (derived !== null) reaction.hidden(base + 2, derived);
    list.push(reaction);
    this.#reactions.set(promise, list);
  }

  graph(): ReturnType<SnapshotBuilder['graph']> {
    for (const [promise, list] of this.#reactions) {
      const first = list[list.length - 1];
      if (first !== undefined) promise.internal('reactions_or_result', first);
    }
    this.#reactions.clear();
    return this.builder.graph();
  }

  #codeOf(builtin: string): BuiltNode {
    let code = this.#code.get(builtin);
    if (code === undefined) {
      code = this.builder.code(`(${builtin} builtin code)`);
      this.#code.set(builtin, code);
    }
    return code;
  }
}

export function asyncHeap(form?: HeapForm): AsyncHeap {
  return new AsyncHeap(form);
}
