/** All passes over a heap, one after the other: who waits for what, what can still settle, and who holds it. */
import { formatCount } from '../format/quantity';
import { buildAwaitGraph } from './awaitGraph';
import { ChainEnds } from './chainEnds';
import { CUT_FRAMES, foldChains } from './chains';
import { Frames } from './frames';
import type { HeapAnalysis, RawGroup } from './heapAnalysis';
import type { HeapGraph, NodeIndex } from './heapGraph';
import { HeapIndex } from './heapIndex';
import { Holders } from './holders';
import { createExplainer } from './leaves/explain';
import type { ExplainOptions } from './leaves/explain';
import { NAME_TEXTS } from './leaves/heapNames';
import { HeapObjects } from './leaves/heapObjects';
import { Walk } from './leaves/walk';
import { verdictOf } from '../verdicts/verdictRules';
import { NO_ANALYSIS_PROGRESS, type AnalysisProgress } from './progress';
import { findResources } from './resources/findResources';
import { markSettleable } from './settleability';

/**
 * @throws {AnalysisCancelled} when `progress` says so
 */
export function analyzeHeap(graph: HeapGraph, progress: AnalysisProgress = NO_ANALYSIS_PROGRESS, options: ExplainOptions = {}): HeapAnalysis {
  const index = new HeapIndex(graph, NAME_TEXTS);
  const awaits = buildAwaitGraph(graph, index, progress.begin('awaits'));
  const objects = new HeapObjects(graph, index);
  const { realm } = objects;
  const reachability = markSettleable(graph, index, realm, awaits, progress.begin('settleability'));
  const walk = new Walk(objects, awaits);
  const holders = new Holders(graph, index, awaits, reachability, realm);
  const explainer = createExplainer(objects, options, walk, reachability);
  const frames = new Frames(graph, index, awaits);
  const ends = new ChainEnds({ graph, index, awaits, reachability, explainer, frames, holderOf: (promise) => settlerHolder(holders, reachability.settler(promise)) });
  const chains = foldChains(graph, awaits, frames, ends, progress.begin('holders'));
  const groups: RawGroup[] = chains.groups.map(({ count, chain, members, awaited, end, outermost }) => {
    const { waitsFor, verdict, why } = ends.end(end);
    const sockets = ends.peersOf(awaited);
    return { count, chain, members, awaited, ...(sockets && { sockets }), waitsFor, verdict, why, heldBy: holders.of(outermost) };
  });
  for (const promise of ends.crowds.promises) groups.push(crowdGroup(promise));
  const found = findResources(objects, progress.begin('resources'), options.timerNow);
  return {
    totals: { suspended: awaits.suspended, pendingPromises: awaits.pendingPromises, ...found.totals },
    scripts: index.scripts,
    groups,
    resources: found.resources,
    notes: chains.cut === 0 ? [] : [`${formatCount(chains.cut)} chains are too long together: of each only the outermost ${formatCount(CUT_FRAMES)} functions are shown.`],
  };

  /** The promise itself, whatever waits for it. */
  function crowdGroup(promise: NodeIndex): RawGroup {
    const { waitsFor, settlers } = ends.explanation(promise);
    const { reactions, idle } = ends.crowds.of(promise);
    const rule = verdictOf({ cannotSettle: false, loop: false, reactions, idleReactions: idle, settlers, waitsFor, holder: null });
    const path = holders.pathTo(promise);
    return {
      count: 1,
      chain: [],
      members: new Uint32Array(0),
      awaited: Uint32Array.of(graph.id(promise)),
      waitsFor: { ...waitsFor, details: { ...waitsFor.details, reactions } },
      verdict: rule?.verdict ?? null,
      why: rule?.why({ cannotSettle: false, loop: false, reactions, idleReactions: idle, settlers, waitsFor, holder: null }) ?? [],
      heldBy: path === null ? [] : [{ count: 1, path }],
    };
  }
}

function settlerHolder(holders: Holders, settler: NodeIndex): HeapAnalysis['groups'][number]['why'] | null {
  return holders.pathTo(settler);
}
