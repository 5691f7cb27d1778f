/**
 * Takes call sites from V8 whatever the program has done to `Error`.
 *
 * V8 reads `stackTraceLimit` from its own `Error`, and only where that is a plain number (v8: src/execution/isolate.cc,
 * GetStackTraceLimit). Node asks `globalThis.Error.prepareStackTrace` what to make of the frames (node: lib/internal/errors.js,
 * prepareStackTraceCallback). Where both can be set for the length of a capture, that is done. Where the program has frozen
 * or guarded `Error`, the global is exchanged instead for that long: nothing of the program runs meanwhile.
 */
import type { CallSite, V8Error } from './host';

/** `cut`: the program has fixed `Error.stackTraceLimit`; `none`: no stack can be taken, tasks are counted without a line. */
export type StackState = 'whole' | 'cut' | 'none';

export interface Capture {
  /**
   * The frames above `above`, innermost first; undefined when none can be taken. A result shorter than `depth` is the whole
   * stack, unless it is as long as {@link most}.
   */
  take(above: unknown, depth: number): CallSite[] | undefined;
  /** Frames that the program allows at most; Infinity when it does not say. */
  readonly most: number;
  /** The worst since the start. */
  readonly state: StackState;
  /** Looks again whether stacks can be taken, where they could not. */
  retry(): void;
  /** Gives back what was changed on `Error`. */
  restore(): void;
}

type Way = 'plain' | 'exchange' | 'none';

const { defineProperty, getOwnPropertyDescriptor, isExtensible, setPrototypeOf, prototype: objectPrototype } = Object;
const { isArray } = Array;
const { hasOwnProperty } = objectPrototype;

/** @param ErrorClass V8's own, whatever the global of that name is now */
export function createCapture(globals: object, ErrorClass: V8Error, captureStackTrace: V8Error['captureStackTrace']): Capture {
  const hadPrepare = hasOwnProperty.call(ErrorClass, 'prepareStackTrace');
  const keepSites = (_error: unknown, sites: CallSite[]): CallSite[] => sites;
  const standIn = { __proto__: null, prepareStackTrace: keepSites };
  let way: Way = 'none';
  let most = Infinity;
  let state: StackState = 'whole';

  function takePlainly(above: unknown, depth: number): unknown {
    const { stackTraceLimit, prepareStackTrace } = ErrorClass;
    const holder: { stack?: unknown } = {};
    try {
      ErrorClass.stackTraceLimit = depth;
      ErrorClass.prepareStackTrace = keepSites;
      captureStackTrace(holder, above);
      return holder.stack;
    } finally {
      ErrorClass.prepareStackTrace = prepareStackTrace;
      ErrorClass.stackTraceLimit = stackTraceLimit as number;
    }
  }

  function takeByExchange(above: unknown, depth: number): unknown {
    const holder: { stack?: unknown } = {};
    const limit = getOwnPropertyDescriptor(ErrorClass, 'stackTraceLimit');
    const error = getOwnPropertyDescriptor(globals, 'Error');
    const mayLimit = canSet(ErrorClass, limit);
    try {
      if (mayLimit) set(ErrorClass, 'stackTraceLimit', depth, limit);
      set(globals, 'Error', standIn, error);
      captureStackTrace(holder, above);
      return holder.stack;
    } finally {
      reset(globals, 'Error', error);
      if (mayLimit) reset(ErrorClass, 'stackTraceLimit', limit);
    }
  }

  /** Finds the way that changes least. Throws nothing. */
  function choose(): void {
    const limit = getOwnPropertyDescriptor(ErrorClass, 'stackTraceLimit');
    const prepare = getOwnPropertyDescriptor(ErrorClass, 'prepareStackTrace');
    const error = getOwnPropertyDescriptor(globals, 'Error');
    const plain =
      error?.value === ErrorClass &&
      limit?.writable === true &&
      (prepare === undefined ? isExtensible(ErrorClass) : prepare.writable === true);
    most = canSet(ErrorClass, limit) ? Infinity : typeof limit?.value === 'number' ? limit.value : 0;
    way = plain ? 'plain' : canSet(globals, error) && most > 0 ? 'exchange' : 'none';
    if (way !== 'none' && attempt(choose, 1) === undefined) way = 'none';
    if (way === 'none') state = 'none';
    else if (most !== Infinity && state === 'whole') state = 'cut';
  }

  function attempt(above: unknown, depth: number): CallSite[] | undefined {
    try {
      const sites = way === 'plain' ? takePlainly(above, depth) : takeByExchange(above, depth);
      return isArray(sites) ? (sites as CallSite[]) : undefined;
    } catch (error) {
      // where the stack is used up, that is no reason to look for another way
      if (error instanceof RangeError) throw error;
      return undefined;
    }
  }

  choose();
  return {
    get most() {
      return most;
    },
    get state() {
      return state;
    },
    take(above, depth) {
      if (way === 'none') return undefined;
      const sites = attempt(above, depth);
      if (sites !== undefined) return sites;
      // the program has changed Error since
      choose();
      return (way as Way) === 'none' ? undefined : attempt(above, depth);
    },
    retry() {
      if (way === 'none') choose();
    },
    restore() {
      if (!hadPrepare && getOwnPropertyDescriptor(ErrorClass, 'prepareStackTrace')?.value === undefined) delete ErrorClass.prepareStackTrace;
    },
  };
}

function canSet(holder: object, at: PropertyDescriptor | undefined): boolean {
  return at === undefined ? isExtensible(holder) : at.configurable === true || at.writable === true;
}

/** A descriptor without a prototype: the program may have put accessors of these names on `Object.prototype`. */
function set(holder: object, key: string, value: unknown, at: PropertyDescriptor | undefined): void {
  const fixed = at !== undefined && at.configurable !== true;
  defineProperty(holder, key, fixed ? bare({ value }) : bare({ value, writable: true, enumerable: false, configurable: true }));
}

function reset(holder: object, key: string, at: PropertyDescriptor | undefined): void {
  if (at === undefined) delete (holder as Record<string, unknown>)[key];
  else defineProperty(holder, key, bare(at));
}

function bare(descriptor: PropertyDescriptor): PropertyDescriptor {
  return setPrototypeOf(descriptor, null) as PropertyDescriptor;
}
