/** Timers and immediates (node: lib/internal/timers.js). */
import { NO_NODE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import { formatDuration } from '../../format/quantity';
import { callbackOf, callbackText } from './callback';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';

export type TimerType = 'timeout' | 'interval' | 'immediate';

export interface Timer {
  readonly type: TimerType;
  readonly callback: NodeIndex;
  /** Milliseconds; null where the snapshot has no numbers. */
  readonly delayMs: number | null;
  /** On libuv's clock, milliseconds since the process began. */
  readonly startedAt: number | null;
  readonly refed: boolean | null;
}

/** What a timer or immediate is; null for one that was cleared or has fired. */
export function readTimeout(objects: HeapObjects, node: NodeIndex): Timer | null {
  const callback = objects.property(node, 'onTimeout');
  // a prototype may have such a method: net.Socket's does
  if (!objects.isClosure(callback) || objects.property(node, 'refed') === NO_NODE || objects.isTrue(objects.property(node, 'destroyedField'))) return null;
  const isTimeout = objects.isNull(objects.property(node, 'repeat'));
  // off its list: an interval while its own callback runs, a timeout that has fired
  if (isTimeout && !objects.isObject(objects.property(node, 'idleNext'))) return null;
  const delayMs = objects.numberProperty(node, 'idleTimeout');
  if (delayMs === -1) return null;
  return {
    type: isTimeout ? 'timeout' : 'interval',
    callback,
    delayMs,
    startedAt: objects.numberProperty(node, 'idleStart'),
    refed: refed(objects, node),
  };
}

export function readImmediate(objects: HeapObjects, node: NodeIndex): Timer | null {
  const callback = objects.property(node, 'onImmediate');
  if (!objects.isClosure(callback) || objects.isTrue(objects.property(node, 'destroyedField'))) return null;
  return { type: 'immediate', callback, delayMs: null, startedAt: null, refed: refed(objects, node) };
}

function refed(objects: HeapObjects, node: NodeIndex): boolean | null {
  const value = objects.property(node, 'refed');
  if (value === NO_NODE) return null;
  return objects.isTrue(value);
}

export function timerLeaf(objects: HeapObjects, node: NodeIndex, timer: Timer, now: number | null): Leaf {
  const callback = callbackOf(objects, timer.callback);
  const noun = timer.type === 'timeout' ? 'timer' : timer.type;
  const text = [timer.delayMs === null ? noun : `${noun}: ${formatDuration(timer.delayMs)}`, ...callbackText(callback)];
  const details: Details = { timer: timer.type };
  if (timer.delayMs !== null) details['delayMs'] = timer.delayMs;
  if (timer.refed === false) details['refed'] = false;
  if (now !== null && timer.startedAt !== null && timer.delayMs !== null) details['dueInMs'] = Math.round(timer.startedAt + timer.delayMs - now);
  const at = callback.isNode ? null : callback.at;
  return { kind: 'timer', rank: RANK.timer, settlers: 'in flight', text, at, details, key: keyOf(`timer ${timer.delayMs ?? ''}`, text, at), node };
}
