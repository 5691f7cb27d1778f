/**
 * What other code does in a callback that it gave to `then`: no async resource leads from there to the call that it is done for,
 * and no frame of the user's is on the stack. V8 tells when such a callback begins, by the promise that `then` has derived.
 *
 * Only what is certain is followed: the promise was made by other code during a call of the user's, and its `then` was called by
 * other code during a call of the user's too. What the callback starts is the doing of that second call.
 *
 * No promise is held. V8 is asked to tell of callbacks only while there is one to come: that costs 10 ns for each `await` of the
 * program (Node 20 to 26).
 */
import type { NodeModules } from './host';

/** Promises made since the last poll whose `then` is waited for; later ones take the place of the first. */
const CANDIDATES = 8;
/** So many promises of a site without such a `then` in a row, and there will be none: looking costs 50 ns for each `await`. */
const FRUITLESS_LIMIT = 4;
/** Callbacks that have not run after so many polls are not waited for: what they do stands under the dependency then. */
const PATIENCE_POLLS = 240;

export interface Reactions {
  /** The site of the call that the callback belongs to which runs now, or -1. */
  readonly running: number;
  /** Whether the promises that get a `then` are to be looked at. */
  readonly wanted: boolean;
  /** Whether a promise of a site may be a candidate. */
  isPromising(site: number): boolean;
  /** Other code has made a promise during a call of the user's. */
  made(task: number, site: number): void;
  /** Whether a `then` of this promise is to be looked at. `task` is its task, if it is one. */
  isCandidate(promise: object, task: number | undefined): boolean;
  /** The callback for which `then` has derived a promise belongs to a call. `task` is that of the promise whose `then` it was. */
  expect(derived: object, site: number, task: number | undefined): void;
  /** To be called at every poll. */
  rest(): void;
  /** Waits for nothing more: what would have been found stands under the dependency. */
  forget(): void;
  stop(): void;
}

export function createReactions({ promiseHooks }: NodeModules['v8']): Reactions {
  const sites = new WeakMap<object, number>();
  const find = sites.get.bind(sites);
  const add = sites.set.bind(sites);
  const remove = sites.delete.bind(sites);
  const candidates: number[] = [];
  const candidateSites: number[] = [];
  /** By site: promises without a `then` in a row; -1 once there was one. */
  const fruitless: number[] = [];
  let nextCandidate = 0;
  let running = -1;
  let expected = 0;
  let idlePolls = 0;
  let stopHooks: (() => void) | undefined;

  // These run for every callback of a promise while one is expected, and must not throw.
  function onBefore(promise: object): void {
    try {
      const site = find(promise);
      running = site ?? -1;
      if (site === undefined) return;
      remove(promise);
      if (expected > 0) expected--;
    } catch {
      // the stack is used up: the program gets its own RangeError at its own next call
    }
  }

  function onAfter(): void {
    running = -1;
  }

  function follow(): void {
    if (stopHooks !== undefined) return;
    const stopBefore = promiseHooks.onBefore(onBefore);
    const stopAfter = promiseHooks.onAfter(onAfter);
    stopHooks = () => {
      stopBefore();
      stopAfter();
      running = -1;
    };
  }

  function forgetCandidates(): void {
    if (candidates.length === 0) return;
    candidates.length = 0;
    candidateSites.length = 0;
    nextCandidate = 0;
  }

  function unfollow(): void {
    stopHooks?.();
    stopHooks = undefined;
  }

  return {
    get running() {
      return running;
    },
    get wanted() {
      return candidates.length !== 0 || expected > 0;
    },
    isPromising: (site) => (fruitless[site] ?? 0) < FRUITLESS_LIMIT,
    made(task, site) {
      const count = fruitless[site] ?? 0;
      if (count >= 0) fruitless[site] = count + 1;
      candidates[nextCandidate] = task;
      candidateSites[nextCandidate] = site;
      nextCandidate = (nextCandidate + 1) % CANDIDATES;
    },
    isCandidate(promise, task) {
      if (task === undefined) return expected > 0 && find(promise) !== undefined;
      for (let i = 0; i < candidates.length; i++) if (candidates[i] === task) return true;
      return false;
    },
    expect(derived, site, task) {
      for (let i = 0; i < candidates.length; i++) if (candidates[i] === task) fruitless[candidateSites[i] as number] = -1;
      add(derived, site);
      expected++;
      idlePolls = 0;
      follow();
    },
    forget() {
      forgetCandidates();
      if (stopHooks === undefined || running !== -1) return;
      expected = 0;
      unfollow();
    },
    rest() {
      forgetCandidates();
      // one that was collected never runs, and nobody tells
      if (stopHooks === undefined || (expected > 0 && ++idlePolls < PATIENCE_POLLS) || running !== -1) return;
      expected = 0;
      unfollow();
    },
    stop: unfollow,
  };
}
