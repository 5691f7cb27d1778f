/** What a waiter looks like in a chain, so that alike ones fold. */
import type { FrameKind } from '../model/dump';
import { COMBINATOR_NAMES, WAITER_KIND, WAITER_KINDS, type AwaitGraph, type WaiterIndex, type WaiterKind } from './awaitGraph';
import type { RawFrame } from './heapAnalysis';
import { NODE_TYPE, NO_NODE, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';

/** Frames are interned: alike ones have one number. */
export class Frames {
  /** By what they say. */
  readonly #numbers = new Map<string, number>();
  /** Of functions without a receiver, by closure: a closure is of one kind. */
  readonly #plain = new Map<NodeIndex, number>();
  /** Of functions, by {@link #functionKey}, then by kind and the shape of the receiver: see {@link #function}. */
  readonly #functions = new Map<NodeIndex, Map<number, number>>();
  /** Of callbacks of `then`, by {@link #functionKey}. */
  readonly #callbacks = new Map<NodeIndex, number>();
  readonly #combinators = new Map<WaiterKind, number>();
  readonly #frames: Omit<RawFrame, 'repeats'>[] = [];

  constructor(
    readonly graph: HeapGraph,
    readonly index: HeapIndex,
    readonly awaits: AwaitGraph,
  ) {}

  frame(number: number): Omit<RawFrame, 'repeats'> {
    return this.#frames[number] ?? { function: null, kind: 'native', declared: null, detail: null };
  }

  /** Links have no frame: {@link isFramed} tells. */
  of(waiter: WaiterIndex): number {
    const { waiters } = this.awaits;
    const kind = waiters.kind(waiter);
    const subject = waiters.subject(waiter);
    const combinator = COMBINATOR_NAMES[kind];
    if (combinator !== undefined) return this.#combinator(kind, combinator);
    if (kind === WAITER_KIND.then) return this.#callback(subject);
    const closure = this.index.internal(subject, 'function');
    const receiver = this.index.internal(subject, 'receiver');
    if (receiver !== NO_NODE) return this.#function(kind, closure, receiver);
    let number = this.#plain.get(closure);
    if (number === undefined) {
      number = this.#function(kind, closure, receiver);
      this.#plain.set(closure, number);
    }
    return number;
  }

  #combinator(kind: WaiterKind, name: string): number {
    let number = this.#combinators.get(kind);
    if (number === undefined) {
      number = this.#intern({ function: null, kind: 'combinator', declared: null, detail: name });
      this.#combinators.set(kind, number);
    }
    return number;
  }

  #callback(closure: NodeIndex): number {
    const key = this.#functionKey(closure);
    let number = this.#callbacks.get(key);
    if (number === undefined) {
      number = this.#intern({ ...this.#describe(closure), kind: 'then', detail: null });
      this.#callbacks.set(key, number);
    }
    return number;
  }

  #function(kind: WaiterKind, closure: NodeIndex, receiver: NodeIndex): number {
    const key = this.#functionKey(closure);
    let byReceiver = this.#functions.get(key);
    if (byReceiver === undefined) {
      byReceiver = new Map();
      this.#functions.set(key, byReceiver);
    }
    // Objects of one class share their map, so the class is looked up once for all of them
    const shape = receiver === NO_NODE ? NO_NODE : this.index.internal(receiver, 'map');
    const receiverKey = shape * WAITER_KINDS + kind;
    let number = byReceiver.get(receiverKey);
    if (number === undefined) {
      const described = this.#describe(closure);
      const owner = described.function === null ? undefined : this.index.classOf(closure, receiver);
      const name = owner === undefined ? described.function : `${owner}.${described.function}`;
      number = this.#intern({ function: name, kind: frameKind(kind), declared: described.declared, detail: null });
      byReceiver.set(receiverKey, number);
    }
    return number;
  }

  /** Functions of the same source place are the same, whichever closure of it runs. */
  #functionKey(closure: NodeIndex): NodeIndex {
    let target = closure;
    const bound = this.index.internal(target, 'bound_function');
    if (bound !== NO_NODE) target = bound;
    const shared = this.index.internal(target, 'shared');
    return shared === NO_NODE ? target : shared;
  }

  #describe(closure: NodeIndex): { function: string | null; declared: RawFrame['declared'] } {
    if (closure === NO_NODE || this.graph.type(closure) !== NODE_TYPE.closure) return { function: null, declared: null };
    const { name, declared } = this.index.functionOf(closure);
    return { function: name, declared };
  }

  /** The same function through another shape of its receiver is one frame. */
  #intern(frame: Omit<RawFrame, 'repeats'>): number {
    const { declared } = frame;
    const place = declared === null ? '' : `${declared.scriptId}:${declared.line}:${declared.column}`;
    const content = `${frame.kind} ${frame.function ?? ''} ${place} ${frame.detail ?? ''}`;
    let number = this.#numbers.get(content);
    if (number === undefined) {
      number = this.#frames.push(frame) - 1;
      this.#numbers.set(content, number);
    }
    return number;
  }
}

/** Whether it stands in a chain; links do not. */
export function isFramed(awaits: AwaitGraph, waiter: WaiterIndex): boolean {
  return awaits.waiters.kind(waiter) < WAITER_KIND.link;
}

function frameKind(kind: number): FrameKind {
  if (kind === WAITER_KIND.module) return 'module';
  return kind === WAITER_KIND.asyncGenerator ? 'async generator' : 'async function';
}
