/** Everything that keeps a process busy or grows in it, apart from promises: one pass over the objects of a heap. */
import { NODE_TYPE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import type { RawResources } from '../heapAnalysis';
import { FEATURE, Features } from '../leaves/features';
import type { HeapObjects } from '../leaves/heapObjects';
import { NO_PROGRESS, STEPS_PER_REPORT } from '../progress';
import type { Progress } from '../progress';
import { ResourceGroups } from './groups';
import { NativeResources } from './handles';
import { ListenerCount } from './listeners';
import { StreamCount } from './streams';
import { timerResource } from './timers';

export interface FoundResources {
  readonly resources: RawResources;
  /** The program's own; what Node has for itself is listed with `origin: 'node'` and not counted. */
  readonly totals: { readonly timers: number; readonly handles: number; readonly requests: number };
}

/**
 * @param timerNow what Node's timers took for now, milliseconds; null where it is not known
 * @throws {AnalysisCancelled} as `progress` does
 */
export function findResources(objects: HeapObjects, progress: Progress = NO_PROGRESS, timerNow: number | null = null): FoundResources {
  const { graph } = objects;
  const features = new Features(objects);
  const timers = new ResourceGroups();
  const handles = new ResourceGroups();
  const requests = new ResourceGroups();
  const listeners = new ListenerCount(objects);
  const streams = new StreamCount(objects);
  const natives = new NativeResources(objects, features);
  for (let i = 0; i < graph.nodeCount; i++) {
    if (i % STEPS_PER_REPORT === 0) progress.report(i / graph.nodeCount);
    const node = i as NodeIndex;
    if (graph.type(node) !== NODE_TYPE.object) continue;
    const found = features.of(node);
    if (found === 0) continue;
    if ((found & (FEATURE.timeout | FEATURE.immediate)) !== 0) {
      const timer = timerResource(objects, node, (found & FEATURE.immediate) !== 0, timerNow);
      if (timer !== null) timers.add(timer);
      continue;
    }
    if ((found & (FEATURE.native | FEATURE.clientRequest | FEATURE.childProcess | FEATURE.worker)) !== 0) natives.add(node, found);
    if ((found & FEATURE.emitter) !== 0) listeners.addEmitter(node);
    if ((found & FEATURE.eventTarget) !== 0) listeners.addTarget(node);
    if ((found & (FEATURE.readable | FEATURE.writable)) !== 0) streams.add(node);
  }
  natives.each((sort, resource) => {
    (sort === 'handle' ? handles : requests).add(resource);
  });
  return {
    resources: { timers: timers.rows(), handles: handles.rows(), requests: requests.rows(), listeners: listeners.rows(), streams: streams.rows() },
    totals: { timers: timers.total, handles: handles.total, requests: requests.total },
  };
}
