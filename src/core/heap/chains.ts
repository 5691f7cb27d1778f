/**
 * From each outermost task to what it hangs on in the end, alike chains folded into one. Every waiter waits for one promise, and
 * each promise is settled by one waiter at most, so the chains are paths in a forest with at most one loop at the root of each
 * tree: they are followed once, without recursion, and alike tails are one class.
 *
 * A combinator that waits for several promises ends a chain: it hangs on all of them. Its inputs begin chains of their own.
 */
import { NO_WAITER, WAITER_KIND, isFunction, isUncertain, nextWaiter, producerOf, setProducer, type AwaitGraph, type WaiterIndex } from './awaitGraph';
import type { ChainEnds } from './chainEnds';
import { isFramed, type Frames } from './frames';
import { MEMBER_LIMIT, type RawFrame } from './heapAnalysis';
import { NO_NODE, type HeapGraph, type NodeIndex } from './heapGraph';
import { NodeSet } from './nodeSet';
import { STEPS_PER_REPORT, type Progress } from './progress';

/** Ids of suspended functions that all groups keep together, for look-ups; of the chains beyond that only the count is kept. */
export const MEMBER_IDS_LIMIT = 4_000_000;
/** Frames of all chains together; once they are used up, chains are cut to their outermost {@link CUT_FRAMES}. */
export const FRAMES_LIMIT = 1_000_000;
export const CUT_FRAMES = 100;
/**
 * Chains of the same functions that wait for as many things of one kind stand apart; when there are more, such as sleeps of random
 * length or sockets to thousands of peers, they are one group.
 */
export const ENDS_PER_CHAIN = 32;
/** In a loop of at most so many tasks each has the whole loop as its chain; in a longer one the chain ends where the loop was entered. */
const ROTATION_LIMIT = 64;

export interface ChainGroup {
  readonly count: number;
  readonly chain: readonly RawFrame[];
  readonly members: Uint32Array;
  readonly awaited: Uint32Array;
  /** Number of the end among the {@link ChainEnds}. */
  readonly end: number;
  /** The outermost waiters, `count` of them. */
  readonly outermost: Int32Array;
}

export interface FoldedChains {
  /** The most numerous first. */
  readonly groups: readonly ChainGroup[];
  /** Groups whose chain is longer than what is given of it. */
  readonly cut: number;
}

interface ClassGroup {
  readonly chainClass: number;
  readonly end: number;
  readonly waiters: readonly WaiterIndex[];
}

export function foldChains(graph: HeapGraph, awaits: AwaitGraph, frames: Frames, ends: ChainEnds, progress: Progress): FoldedChains {
  followOn(graph, awaits, ends, progress);
  return new Folder(graph, awaits, frames, ends, progress).fold();
}

/** What a promise waits for takes some ten microseconds to find; a power of two. */
const EXPLAINED_PER_REPORT = 1024;
/** Of the time of this phase, measured with 66,667 promises that are waited for. */
const FOLLOW_SHARE = 0.7;

/** Where code that is no waiter settles one promise when another settles, the chain goes on. */
function followOn(graph: HeapGraph, awaits: AwaitGraph, ends: ChainEnds, progress: Progress): void {
  const { waiters } = awaits;
  const queue: NodeIndex[] = [];
  const seen = new NodeSet(graph);
  const consider = (promise: NodeIndex): void => {
    if (promise === NO_NODE || producerOf(awaits.producers, promise) !== NO_WAITER) return;
    if (seen.add(promise)) queue.push(promise);
  };
  for (let waiter = 0; waiter < waiters.count; waiter++) {
    if ((waiters.pending[waiter] ?? 0) === 1) consider(waiters.source(waiter as WaiterIndex));
  }
  let explained = 0;
  for (let promise = queue.pop(); promise !== undefined; promise = queue.pop()) {
    if ((explained++ & (EXPLAINED_PER_REPORT - 1)) === 0) progress.report((explained / (explained + queue.length)) * FOLLOW_SHARE);
    const { follows } = ends.explanation(promise);
    if (follows === NO_NODE || follows === promise) continue;
    setProducer(awaits.producers, promise, waiters.addCalled(follows, promise));
    consider(follows);
  }
}


// 0 is what was not looked at yet
const ON_PATH = 1;
const DONE = 2;

class Folder {
  readonly #status: Uint8Array;
  /** Class of the chain from this waiter on. */
  readonly #classOf: Int32Array;
  /** 1 where a task with a frame waits for this one. */
  readonly #awaited: Uint8Array;
  /** The promise that the chain hangs on in the end; -1 where there is none. */
  readonly #endOf: Int32Array;
  readonly #classes = new ChainClasses();
  /** The next waiter that has a frame. */
  readonly #nextTask: Int32Array;
  /** Number of the loop that a waiter is in; -1 outside of loops. */
  readonly #loopOf: Int32Array;
  readonly #loops: WaiterIndex[][] = [];

  constructor(
    readonly graph: HeapGraph,
    readonly awaits: AwaitGraph,
    readonly frames: Frames,
    readonly ends: ChainEnds,
    readonly progress: Progress,
  ) {
    const { count } = awaits.waiters;
    this.#status = new Uint8Array(count);
    this.#classOf = new Int32Array(count).fill(-1);
    this.#awaited = new Uint8Array(count);
    this.#endOf = new Int32Array(count).fill(NO_NODE);
    this.#nextTask = new Int32Array(count).fill(NO_WAITER);
    this.#loopOf = new Int32Array(count).fill(-1);
  }

  fold(): FoldedChains {
    const { count } = this.awaits.waiters;
    const tasks: WaiterIndex[] = [];
    for (let index = 0; index < count; index++) {
      if ((index & (STEPS_PER_REPORT - 1)) === 0) this.progress.report(FOLLOW_SHARE + (index / count) * (1 - FOLLOW_SHARE));
      const waiter = index as WaiterIndex;
      if (!this.#isTask(waiter)) continue;
      tasks.push(waiter);
      this.#follow(waiter);
    }
    const entered = new Set<number>();
    for (const task of tasks) {
      const next = this.#nextTask[task] ?? NO_WAITER;
      if (next === NO_WAITER) continue;
      this.#awaited[next] = 1;
      if (this.#loopOf[task] !== this.#loopOf[next]) entered.add(this.#loopOf[next] ?? -1);
    }
    const outermost = tasks.filter((task) => this.#awaited[task] === 0);
    this.#loops.forEach((loop, number) => {
      if (!entered.has(number)) outermost.push(this.#firstDeclared(loop));
    });
    return this.#group(outermost);
  }

  /** What stands in a chain, and is known to wait still. */
  #isTask(waiter: WaiterIndex): boolean {
    const { waiters } = this.awaits;
    if (!isFramed(this.awaits, waiter) || waiters.source(waiter) === NO_NODE) return false;
    return !isUncertain(waiters, waiter) || this.awaits.pendingNodes.has(waiters.product(waiter));
  }

  #follow(start: WaiterIndex): void {
    const path: WaiterIndex[] = [];
    let tail = -1;
    let end = NO_NODE as number;
    let current = start;
    for (;;) {
      const status = this.#status[current] ?? DONE;
      if (status === DONE) {
        tail = this.#classOf[current] ?? -1;
        end = this.#endOf[current] ?? NO_NODE;
        break;
      }
      if (status === ON_PATH) {
        const loop = path.splice(path.indexOf(current));
        this.#closeLoop(loop);
        tail = this.#classOf[current] ?? -1;
        end = this.#endOf[current] ?? NO_NODE;
        break;
      }
      this.#status[current] = ON_PATH;
      path.push(current);
      const next = nextWaiter(this.awaits, current);
      if (next === NO_WAITER) {
        const { waiters } = this.awaits;
        const several = (waiters.pending[current] ?? 0) > 1;
        end = several ? waiters.product(current) : waiters.source(current);
        tail = this.#classes.end(several ? this.ends.ofCombinator(current) : this.ends.ofPromise(waiters.source(current)));
        break;
      }
      current = next;
    }
    let nextTask: number = this.#taskFrom(current, path);
    for (let waiter = path.pop(); waiter !== undefined; waiter = path.pop()) {
      tail = this.#prepend(waiter, tail);
      if (this.awaits.waiters.kind(waiter) === WAITER_KIND.resolverLink) {
        const before = this.#classes.endOf(tail);
        const number = this.ends.ofResolver(waiter, before);
        if (number !== before) {
          tail = this.#classes.end(number);
          end = this.awaits.waiters.product(waiter);
          nextTask = NO_WAITER;
        }
      }
      this.#finish(waiter, tail, end, nextTask);
      if (isFramed(this.awaits, waiter)) nextTask = waiter;
    }
  }

  /** The first task from where a path was left on. */
  #taskFrom(left: WaiterIndex, path: readonly WaiterIndex[]): number {
    // The path ends here, or goes on with what was followed before
    if (path[path.length - 1] === left) return NO_WAITER;
    return isFramed(this.awaits, left) ? left : (this.#nextTask[left] ?? NO_WAITER);
  }

  #closeLoop(loop: readonly WaiterIndex[]): void {
    const framed = loop.filter((waiter) => isFramed(this.awaits, waiter));
    const promise = this.awaits.waiters.source(loop[0] ?? NO_WAITER);
    const last = this.#classes.end(this.ends.ofLoop(promise));
    // A loop of links alone is nobody's task
    if (framed.length > 0) {
      for (const waiter of loop) this.#loopOf[waiter] = this.#loops.length;
      this.#loops.push(framed);
    }
    const rotates = loop.length <= ROTATION_LIMIT;
    let nextTask: number = framed[0] ?? NO_WAITER;
    let tail = last;
    for (let at = loop.length - 1; at >= 0; at--) {
      const waiter = loop[at] ?? NO_WAITER;
      tail = this.#prepend(waiter, tail);
      this.#finish(waiter, rotates ? this.#rotation(loop, at, last) : tail, promise, nextTask);
      if (isFramed(this.awaits, waiter)) nextTask = waiter;
    }
  }

  /** The chain once around a loop, from one of its waiters. */
  #rotation(loop: readonly WaiterIndex[], start: number, last: number): number {
    let tail = last;
    for (let i = loop.length - 1; i >= 0; i--) tail = this.#prepend(loop[(start + i) % loop.length] ?? NO_WAITER, tail);
    return tail;
  }

  #prepend(waiter: WaiterIndex, tail: number): number {
    return isFramed(this.awaits, waiter) ? this.#classes.add(this.frames.of(waiter), tail, isFunction(this.awaits.waiters, waiter)) : tail;
  }

  #finish(waiter: WaiterIndex, chainClass: number, end: number, nextTask: number): void {
    this.#status[waiter] = DONE;
    this.#nextTask[waiter] = nextTask;
    this.#classOf[waiter] = chainClass;
    this.#endOf[waiter] = end;
  }

  /** Of a loop that nobody else waits for: the task whose function is declared first, so that the next dump has the same. */
  #firstDeclared(loop: readonly WaiterIndex[]): WaiterIndex {
    return loop.reduce((first, waiter) => (this.#isDeclaredBefore(waiter, first) ? waiter : first));
  }

  #isDeclaredBefore(a: WaiterIndex, b: WaiterIndex): boolean {
    const left = this.frames.frame(this.frames.of(a)).declared;
    const right = this.frames.frame(this.frames.of(b)).declared;
    if (left === null || right === null) return left !== null;
    return (left.scriptId - right.scriptId || left.line - right.line || left.column - right.column) < 0;
  }

  #group(outermost: readonly WaiterIndex[]): FoldedChains {
    const byClass = new Map<number, WaiterIndex[]>();
    for (const waiter of outermost) {
      const chainClass = this.#classOf[waiter] ?? -1;
      const group = byClass.get(chainClass);
      if (group === undefined) byClass.set(chainClass, [waiter]);
      else group.push(waiter);
    }
    const left = { ids: MEMBER_IDS_LIMIT, frames: FRAMES_LIMIT, cut: 0 };
    const groups = this.#mergeEnds([...byClass].map(([chainClass, waiters]) => ({ chainClass, end: this.#classes.endOf(chainClass), waiters })))
      .sort((a, b) => b.waiters.length - a.waiters.length)
      .map(({ chainClass, end, waiters }) => this.#groupOf(chainClass, end, waiters, left));
    return { groups, cut: left.cut };
  }

  /** Where chains of the same functions wait for the same kind of thing in too many ways, they are one group. */
  #mergeEnds(groups: readonly ClassGroup[]): ClassGroup[] {
    const kinds = new ChainClasses();
    const known = new Map<number, number>();
    const alike = new Map<number, ClassGroup[]>();
    for (const group of groups) {
      const kind = this.#classes.translate(group.chainClass, kinds, known, (end) => this.ends.kindOf(end));
      const others = alike.get(kind);
      if (others === undefined) alike.set(kind, [group]);
      else others.push(group);
    }
    return [...alike.values()].flatMap((same) => {
      if (same.length <= ENDS_PER_CHAIN) return same;
      const [first, ...rest] = same.sort((a, b) => b.waiters.length - a.waiters.length);
      if (first === undefined) return [];
      return [{ chainClass: first.chainClass, end: this.ends.several([first, ...rest].map(({ end }) => end)), waiters: same.flatMap(({ waiters }) => waiters) }];
    });
  }

  #groupOf(chainClass: number, end: number, waiters: readonly WaiterIndex[], left: { ids: number; frames: number; cut: number }): ChainGroup {
    const all = this.#classes.chain(chainClass);
    const frames = all.length <= CUT_FRAMES || all.length <= left.frames ? all : all.slice(0, CUT_FRAMES);
    if (frames.length < all.length) left.cut++;
    left.frames -= frames.length;
    const chain = frames.map(({ frame, repeats }) => ({ ...this.frames.frame(frame), repeats }));
    const length = chain.length;
    const kept = Math.min(waiters.length, MEMBER_LIMIT, Math.floor(left.ids / Math.max(1, length)));
    left.ids -= kept * length;
    const members = new Uint32Array(kept * length);
    const awaited = new Uint32Array(kept);
    for (let i = 0; i < kept; i++) this.#list(waiters[i] ?? NO_WAITER, frames, members.subarray(i * length, (i + 1) * length), awaited, i);
    return { count: waiters.length, chain, members, awaited, end, outermost: Int32Array.from(waiters) };
  }

  #list(outermost: WaiterIndex, frames: readonly { readonly repeats: number }[], ids: Uint32Array, awaited: Uint32Array, at: number): void {
    const { waiters } = this.awaits;
    let current = outermost;
    for (const [i, { repeats }] of frames.entries()) {
      if (current === NO_WAITER) break;
      if (isFunction(waiters, current)) ids[i] = this.graph.id(waiters.subject(current));
      for (let step = 0; step < repeats && current !== NO_WAITER; step++) current = (this.#nextTask[current] ?? NO_WAITER) as WaiterIndex;
    }
    const end = this.#endOf[outermost] ?? NO_NODE;
    awaited[at] = end === NO_NODE ? 0 : this.graph.id(end as NodeIndex);
  }
}

/** Classes that are found again without their key, a power of two: neighbours in a heap are mostly alike. */
const REMEMBERED_CLASSES = 1024;

/** Chains as shared tails: a class is a frame, how often it follows itself, and the class of what comes after. */
class ChainClasses {
  readonly #byKey = new Map<string, number>();
  readonly #frames: number[] = [];
  readonly #repeats: number[] = [];
  readonly #tails: number[] = [];
  readonly #ends: number[] = [];
  readonly #remembered = new Int32Array(REMEMBERED_CLASSES).fill(-1);

  /** The class of a chain without frames. */
  end(end: number): number {
    return this.#intern(-1, end, -1);
  }

  /**
   * @param stands whether it stands at a line: then the innermost of a function that calls itself stays a frame of its own, for it
   * waits for something else, at another line
   */
  add(frame: number, tail: number, stands: boolean): number {
    const next = this.#tails[tail] ?? -1;
    if (this.#frames[tail] === frame && (!stands || this.#frames[next] === frame)) return this.#intern(frame, (this.#repeats[tail] ?? 1) + 1, next);
    return this.#intern(frame, 1, tail);
  }

  chain(chainClass: number): { readonly frame: number; readonly repeats: number }[] {
    const frames: { frame: number; repeats: number }[] = [];
    let current = chainClass;
    while ((this.#frames[current] ?? -1) !== -1) {
      frames.push({ frame: this.#frames[current] ?? -1, repeats: this.#repeats[current] ?? 1 });
      current = this.#tails[current] ?? -1;
    }
    return frames;
  }

  /** The number of the end that a chain has. */
  endOf(chainClass: number): number {
    return this.#ends[chainClass] ?? -1;
  }

  /**
   * The class of the same chain with another end, in another collection.
   * @param known classes that were translated before, and is added to
   */
  translate(chainClass: number, into: ChainClasses, known: Map<number, number>, end: (number: number) => number): number {
    const path: number[] = [];
    let current = chainClass;
    while (!known.has(current) && (this.#frames[current] ?? -1) !== -1) {
      path.push(current);
      current = this.#tails[current] ?? -1;
    }
    let translated = known.get(current) ?? into.end(end(this.#repeats[current] ?? -1));
    known.set(current, translated);
    for (let next = path.pop(); next !== undefined; next = path.pop()) {
      translated = into.#intern(this.#frames[next] ?? -1, this.#repeats[next] ?? 1, translated);
      known.set(next, translated);
    }
    return translated;
  }

  #intern(frame: number, repeats: number, tail: number): number {
    const slot = (frame * 31 + repeats * 17 + tail) & (REMEMBERED_CLASSES - 1);
    const remembered = this.#remembered[slot] ?? -1;
    if (this.#frames[remembered] === frame && this.#repeats[remembered] === repeats && this.#tails[remembered] === tail) return remembered;
    const key = `${String(frame)} ${String(repeats)} ${String(tail)}`;
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.#frames.push(frame) - 1;
      this.#repeats.push(repeats);
      this.#tails.push(tail);
      this.#ends.push(frame === -1 ? repeats : this.endOf(tail));
      this.#byKey.set(key, number);
    }
    this.#remembered[slot] = number;
    return number;
  }
}
