/** What chains hang on in the end, with its verdict; alike ends are one. */
import { formatCount } from '../format/quantity';
import { verdictOf } from '../verdicts/verdictRules';
import type { Evidence } from '../verdicts/verdictRule';
import type { Verdict } from '../model/dump';
import { COMBINATOR_NAMES, NO_WAITER, WAITER_KIND, combinatorCounts, inputsOf, producerOf, type AwaitGraph, type WaiterIndex } from './awaitGraph';
import { findCrowds, type Crowds } from './crowds';
import type { Frames } from './frames';
import type { RawText, RawWaitsFor } from './heapAnalysis';
import { NODE_TYPE, NO_NODE, type HeapGraph, type NodeIndex } from './heapGraph';
import type { HeapIndex } from './heapIndex';
import { someRetainer } from './leaves/eachRetainer';
import type { Explainer, Explanation, Settlers } from './leaves/explain';
import { commonDetails } from './leaves/leaf';
import type { Reachability } from './settleability';

/** Of a combinator with many inputs, so many are looked at to tell whether something in flight settles it. */
const INPUT_LIMIT = 1000;

export interface ChainEnd {
  readonly waitsFor: RawWaitsFor;
  readonly verdict: Verdict | null;
  readonly why: RawText;
}

/** What ends stand on. */
export interface EndSources {
  readonly graph: HeapGraph;
  readonly index: HeapIndex;
  readonly awaits: AwaitGraph;
  readonly reachability: Reachability;
  readonly explainer: Explainer;
  readonly frames: Frames;
  /** Says what keeps the function that settles a promise, for the sentence of a verdict. */
  holderOf(promise: NodeIndex): RawText | null;
}

/** What is known of a promise. */
interface PromiseEnd {
  explanation: Explanation | undefined;
  /** Of its end; -1 while nobody has asked. */
  number: number;
}

/** Ends are interned: alike ones have one number. */
export class ChainEnds {
  readonly #ends: ChainEnd[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  readonly #promises = new Map<NodeIndex, PromiseEnd>();
  readonly #peers = new Map<number, number>();
  readonly #calledElsewhere = new Map<NodeIndex, boolean>();
  #crowds: Crowds | undefined;

  constructor(readonly sources: EndSources) {}

  /** Counted with the first end: by then the links are known by which functions wait for what a callback settles. */
  get crowds(): Crowds {
    return (this.#crowds ??= findCrowds(this.sources.awaits));
  }

  end(number: number): ChainEnd {
    return this.#ends[number] ?? NOTHING_KNOWN;
  }

  explanation(promise: NodeIndex): Explanation {
    return (this.#of(promise).explanation ??= this.sources.explainer.explain(promise));
  }

  #of(promise: NodeIndex): PromiseEnd {
    let known = this.#promises.get(promise);
    if (known === undefined) {
      known = { explanation: undefined, number: -1 };
      this.#promises.set(promise, known);
    }
    return known;
  }

  /** The same for ends of one kind that have one verdict. */
  kindOf(number: number): number {
    const { waitsFor, verdict } = this.end(number);
    const key = `${waitsFor.kind} ${verdict ?? ''}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = this.#kinds.size;
      this.#kinds.set(key, kind);
    }
    return kind;
  }

  /** @param numbers different ends of one kind and verdict, the most frequent first: it is the example */
  several(numbers: readonly number[]): number {
    const [first = -1, ...others] = numbers;
    const end = this.end(first);
    const text: RawText = [`${end.waitsFor.kind}: ${formatCount(numbers.length)} different, such as `, ...end.waitsFor.text];
    const number = this.#ends.push({ ...end, waitsFor: { ...end.waitsFor, text } }) - 1;
    for (const other of others) this.#keepCommonDetails(number, this.end(other).waitsFor.details);
    return number;
  }

  /** A promise that no waiter settles, or that something else settles, too. */
  ofPromise(promise: NodeIndex): number {
    const known = this.#of(promise);
    if (known.number !== -1) return known.number;
    const { graph, reachability } = this.sources;
    const explanation = this.#running(promise) ?? this.explanation(promise);
    const cannotSettle = reachability.cannotSettle(promise);
    const { reactions, idle } = this.crowds.of(promise);
    const settlers = cannotSettle ? 'none' : explanation.settlers;
    const waitsFor = cannotSettle && SAYS_LITTLE.has(explanation.waitsFor.kind) ? NOTHING : explanation.waitsFor;
    const evidence: Evidence = { cannotSettle, loop: false, reactions, idleReactions: idle, settlers, waitsFor, holder: null };
    const number = this.#add(waitsFor === NOTHING ? 'nothing' : explanation.key, evidence, () =>
      settlers === 'held' ? this.sources.holderOf(promise) : null,
    );
    known.number = number;
    if (waitsFor === explanation.waitsFor && explanation.peer !== NO_NODE) this.#peers.set(graph.id(promise), graph.id(explanation.peer));
    return number;
  }

  /**
   * For each of these promises that chains hang on, by their ids, the socket whose address the heap does not hold; 0 where there is none,
   * and undefined where there is none for all of them.
   */
  peersOf(promises: Uint32Array): Uint32Array | undefined {
    if (this.#peers.size === 0 || !promises.some((id) => this.#peers.has(id))) return undefined;
    return promises.map((id) => this.#peers.get(id) ?? 0);
  }

  /** The promise of a call that awaits nothing: it runs while the snapshot is taken, or goes on next. */
  #running(promise: NodeIndex): Explanation | undefined {
    const { awaits, frames } = this.sources;
    const producer = producerOf(awaits.producers, promise);
    if (producer === NO_WAITER || awaits.waiters.source(producer) !== NO_NODE) return undefined;
    const { function: name, declared } = frames.frame(frames.of(producer));
    const text: RawText = [name === null ? 'a function' : declared === null ? name : { function: name, declared }, ', which runs or goes on next'];
    const at = declared === null ? '' : `${String(declared.scriptId)}:${String(declared.line)}:${String(declared.column)}`;
    return { waitsFor: { kind: 'app promise', text, at: declared, details: {} }, settlers: 'native', key: `${name ?? ''} runs ${at}`, follows: NO_NODE, peer: NO_NODE };
  }

  /** A combinator that waits for several promises. */
  ofCombinator(waiter: WaiterIndex): number {
    const { graph, index, awaits, reachability } = this.sources;
    const { waiters } = awaits;
    const name = COMBINATOR_NAMES[waiters.kind(waiter)] ?? 'Promise.all';
    const pending = waiters.pending[waiter] ?? 0;
    const counts = combinatorCounts(graph, index, awaits, waiter);
    const text = counts === undefined ? `${name}: ${String(pending)} pending` : `${name}: ${String(counts.settled)} of ${String(counts.of)} settled`;
    const waitsFor: RawWaitsFor = {
      kind: 'combinator',
      text: [text],
      at: null,
      details: { combinator: name, pending, settled: counts?.settled ?? null, of: counts?.of ?? null },
    };
    const inputs = inputsOf(awaits, waiter);
    const cannot = (input: NodeIndex): boolean => reachability.cannotSettle(input);
    // allSettled needs each of them; the others are settled by any one, `all` when it is rejected
    const cannotSettle = waiters.kind(waiter) === WAITER_KIND.allSettled ? inputs.some(cannot) : inputs.every(cannot);
    const settlers = cannotSettle ? 'none' : this.#combinedSettlers(waiters.kind(waiter) === WAITER_KIND.all || waiters.kind(waiter) === WAITER_KIND.allSettled, inputs);
    if (waiters.kind(waiter) === WAITER_KIND.race && this.#isSettledOtherwise(waiter, cannotSettle, settlers !== 'in flight')) return this.ofPromise(waiters.product(waiter));
    return this.#add(text, { cannotSettle, loop: false, reactions: 0, idleReactions: 0, settlers, waitsFor, holder: null }, () => null);
  }

  /**
   * A promise whose resolving function is a callback of another promise, or is called in one. Perhaps a timer calls it as well, so that the
   * wait for the other has an end.
   * @param end of the chain from the other promise on
   */
  ofResolver(waiter: WaiterIndex, end: number): number {
    const { awaits, reachability } = this.sources;
    const { verdict } = this.end(end);
    // of a combinator's inputs one may be dead that all wait for, as with allSettled
    const isDead = reachability.cannotSettle(awaits.waiters.source(waiter)) || verdict === 'orphan' || verdict === 'cycle';
    return this.#isSettledOtherwise(waiter, isDead, verdict === 'stuck') ? this.ofPromise(awaits.waiters.product(waiter)) : end;
  }

  /**
   * Whether a promise is told by what else settles it than those whose callbacks its resolving functions are. Where it was resolved with
   * another one while promise hooks were on, the functions from before do nothing any more, which a heap does not tell: an orphan
   * can be missed, and none is false.
   * @param isDead none of those can settle
   * @param isIdle nothing in flight is known to settle those
   */
  #isSettledOtherwise(waiter: WaiterIndex, isDead: boolean, isIdle: boolean): boolean {
    const { awaits, reachability } = this.sources;
    const product = awaits.waiters.product(waiter);
    if (isDead) return !reachability.cannotSettle(product);
    if (!isIdle || !this.#isCalledElsewhere(awaits.waiters.subject(waiter)) || this.explanation(product).settlers !== 'in flight') return false;
    // what is in flight may be one of several that the other promise waits for, which do not suffice
    return awaits.waiters.kind(waiter) !== WAITER_KIND.resolverLink || this.explanation(awaits.waiters.source(waiter)).settlers !== 'in flight';
  }

  /** Whether more refers to the resolving functions of a context than reactions do. */
  #isCalledElsewhere(context: NodeIndex): boolean {
    if (context === NO_NODE) return false;
    let known = this.#calledElsewhere.get(context);
    if (known === undefined) {
      const { graph, index } = this.sources;
      known = someRetainer(graph, context, (closure) => graph.type(closure) === NODE_TYPE.closure && someRetainer(graph, closure, (from) => !index.named(from, 'system / PromiseReaction')));
      this.#calledElsewhere.set(context, known);
    }
    return known;
  }

  /** A chain that comes back to itself. */
  ofLoop(promise: NodeIndex): number {
    const cannotSettle = this.sources.reachability.cannotSettle(promise);
    const waitsFor: RawWaitsFor = { kind: 'cycle', text: ['itself'], at: null, details: {} };
    return this.#add('itself', { cannotSettle, loop: true, reactions: 0, idleReactions: 0, settlers: 'none', waitsFor, holder: null }, () => null);
  }

  /** All of them have to settle: the least certain decides. Or the first does: what is in flight decides. Inputs that tasks settle are followed on. */
  #combinedSettlers(all: boolean, inputs: readonly NodeIndex[]): Settlers {
    const found = new Set<Settlers>(inputs.slice(0, INPUT_LIMIT).map((input) => this.#settlersOf(input)));
    if (inputs.length > INPUT_LIMIT && all) return 'none';
    if (all) return LEAST_CERTAIN_FIRST.find((settlers) => found.has(settlers)) ?? 'none';
    if (found.has('in flight')) return 'in flight';
    const [only = 'none', other] = found;
    return other === undefined ? only : 'none';
  }

  #settlersOf(promise: NodeIndex): Settlers {
    const { awaits, reachability } = this.sources;
    const { waiters } = awaits;
    let current = promise;
    for (let steps = 0; steps < INPUT_LIMIT; steps++) {
      if (reachability.cannotSettle(current)) return 'none';
      const producer = producerOf(awaits.producers, current);
      if (producer === NO_WAITER) return this.explanation(current).settlers;
      if ((waiters.pending[producer] ?? 0) !== 1) return 'none';
      const source = waiters.source(producer);
      if (waiters.kind(producer) === WAITER_KIND.resolverLink && this.#isSettledOtherwise(producer, reachability.cannotSettle(source), true)) {
        return this.explanation(current).settlers;
      }
      current = source;
      if (current === NO_NODE) return 'none';
    }
    return 'none';
  }

  #add(key: string, evidence: Evidence, holder: () => RawText | null): number {
    const rule = verdictOf(evidence);
    const fullKey = `${rule?.verdict ?? ''} ${key}`;
    const known = this.#byKey.get(fullKey);
    if (known !== undefined) {
      this.#keepCommonDetails(known, evidence.waitsFor.details);
      return known;
    }
    const why = rule === null ? [] : rule.why({ ...evidence, holder: holder() });
    const number = this.#ends.push({ waitsFor: evidence.waitsFor, verdict: rule?.verdict ?? null, why }) - 1;
    this.#byKey.set(fullKey, number);
    return number;
  }

  /** Alike ends differ in details, such as how much a stream has buffered: those of one are not said of all. */
  #keepCommonDetails(number: number, details: RawWaitsFor['details']): void {
    const end = this.end(number);
    const common = commonDetails(end.waitsFor.details, details);
    if (common !== end.waitsFor.details) this.#ends[number] = { ...end, waitsFor: { ...end.waitsFor, details: common } };
  }
}

const LEAST_CERTAIN_FIRST: readonly Settlers[] = ['none', 'native', 'held', 'in flight'];
const NOTHING: RawWaitsFor = { kind: 'nothing', text: ['nothing that is alive'], at: null, details: {} };
const NOTHING_KNOWN: ChainEnd = { waitsFor: NOTHING, verdict: null, why: [] };
/** What these kinds say of a promise that cannot settle is less than that it cannot. */
const SAYS_LITTLE: ReadonlySet<string> = new Set(['app promise', 'native', 'nothing']);
