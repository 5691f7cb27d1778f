/** All passes over a heap graph, one after the other. */
import type { HeapAnalysis } from './heapAnalysis';
import type { HeapGraph } from './heapGraph';
import type { AnalysisProgress } from './progress';

/**
 * @throws {AnalysisCancelled} as `progress` does
 */
export function analyzeHeap(graph: HeapGraph, progress: AnalysisProgress): HeapAnalysis {
  progress.begin('awaits');
  return {
    totals: { suspended: 0, pendingPromises: 0, timers: 0, handles: 0, requests: 0 },
    scripts: new Map(),
    groups: [],
    resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] },
    notes: [`The heap has ${graph.nodeCount} objects; what waits in it is not looked for yet.`],
  };
}
