/** How long work over a heap tells how far it is, and how it is stopped in the middle. */
import type { AnalysisPhase } from './heapAnalysis';

/** What one pass reports to. Both calls are cheap enough for every {@link STEPS_PER_REPORT} steps of a loop. */
export interface Progress {
  /**
   * @param share how much of this pass is done, 0 to 1
   * @throws {AnalysisCancelled} when somebody no longer wants the result
   */
  report(share: number): void;
  /** @throws {AnalysisCancelled} when somebody no longer wants the result */
  throwIfCancelled(): void;
}

/** What an analysis of several passes reports to. */
export interface AnalysisProgress {
  /** The phase before ends with this. */
  begin(phase: AnalysisPhase): Progress;
}

/** Nobody wants the result any more. */
export class AnalysisCancelled extends Error {
  override readonly name = 'AnalysisCancelled';
  constructor() {
    super('The analysis was cancelled.');
  }
}

/**
 * A loop over nodes or edges reports once in so many steps, a power of two: `if ((i & (STEPS_PER_REPORT - 1)) === 0)`. At
 * 5 to 50 nanoseconds a step that is once in a few milliseconds at most.
 */
export const STEPS_PER_REPORT = 65_536;

/** For callers that neither wait nor cancel. */
export const NO_PROGRESS: Progress = { report: () => undefined, throwIfCancelled: () => undefined };
export const NO_ANALYSIS_PROGRESS: AnalysisProgress = { begin: () => NO_PROGRESS };
