/** What a verdict is concluded from, and what it says. */
import type { RawText, RawWaitsFor } from '../heap/heapAnalysis';
import type { Settlers } from '../heap/leaves/explain';
import type { Verdict } from '../model/dump';

/** What is known about the end of a chain. */
export interface Evidence {
  /** Nothing that a root leads to can settle it; see `core/heap/settleability`. */
  readonly cannotSettle: boolean;
  /** The chain comes back to itself. */
  readonly loop: boolean;
  /** Callbacks that are registered on the promise at the end, and how many of them nothing waits for. */
  readonly reactions: number;
  readonly idleReactions: number;
  readonly settlers: Settlers;
  readonly waitsFor: RawWaitsFor;
  /** What holds the function that can settle it, as a path; null where that is not known. */
  readonly holder: RawText | null;
}

/** One verdict; the first of `VERDICT_RULES` that applies is the one. */
export interface VerdictRule {
  readonly verdict: Verdict;
  applies(evidence: Evidence): boolean;
  /** What it rests on, and what to do: one to three sentences. */
  why(evidence: Evidence): RawText;
}
