/** Timers and immediates (node: lib/internal/timers.js). */
import { EDGE_TYPE, NO_NODE } from '../heapGraph';
import type { EdgeIndex, NodeIndex } from '../heapGraph';
import { AGENT_TIMER } from '../../base/agentTimer';
import { formatDuration } from '../../format/quantity';
import { callbackOf, callbackText } from './callback';
import type { Callback } from './callback';
import { eachRetainer } from './eachRetainer';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';

/** Timers in a ring that are passed to get to its head. */
const RING_LIMIT = 256;

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
  const delayMs = objects.numberProperty(node, 'idleTimeout') ?? delayOfList(objects, node);
  if (delayMs === -1) return null;
  return {
    type: isTimeout ? 'timeout' : 'interval',
    callback,
    delayMs,
    startedAt: objects.numberProperty(node, 'idleStart'),
    refed: refed(objects, node),
  };
}

/**
 * Timers of one delay are a ring, whose head is kept under that delay. So it can be told where the snapshot has no numbers, as long as
 * the ring is short: null for timers that have too many after them.
 */
function delayOfList(objects: HeapObjects, timer: NodeIndex): number | null {
  const { graph, names } = objects;
  let head = timer;
  for (let i = 0; i < RING_LIMIT; i++) {
    head = objects.property(head, 'idleNext');
    if (!objects.isObject(head)) return null;
    if (objects.property(head, 'onTimeout') !== NO_NODE) continue;
    const { first, edges } = graph.retainers;
    for (let k = first[head] ?? 0; k < (first[head + 1] ?? 0); k++) {
      const edge = (edges[k] ?? 0) as EdgeIndex;
      if (graph.edgeType(edge) === EDGE_TYPE.element && graph.nameIndex(graph.source(edge)) !== names.arrayName) return graph.edgeNameOrIndex(edge);
    }
    return null;
  }
  return null;
}

export function readImmediate(objects: HeapObjects, node: NodeIndex): Timer | null {
  const callback = objects.property(node, 'onImmediate');
  if (!objects.isClosure(callback) || objects.isTrue(objects.property(node, 'destroyedField'))) return null;
  return { type: 'immediate', callback, delayMs: null, startedAt: null, refed: refed(objects, node) };
}

/** Whether a timer calls what is there only because the process is being watched. */
export function isOfAgent(objects: HeapObjects, { at, name }: Callback): boolean {
  return name === AGENT_TIMER && at !== null && (objects.scriptName(at.scriptId) ?? '') === '';
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
  const due = dueInMs(timer, now);
  if (due !== null) details['dueInMs'] = due;
  const at = callback.isNode ? null : callback.at;
  return { kind: 'timer', rank: RANK.timer, settlers: 'in flight', text, at, details, key: keyOf(`timer ${timer.delayMs ?? ''}`, text, at), node };
}

/**
 * Milliseconds, negative when it is late.
 * @param now on the clock of {@link Timer.startedAt}, a moment before the snapshot: a timer may have been started since; null where it is
 *   not known, and nothing can be said
 */
export function dueInMs({ startedAt, delayMs }: Timer, now: number | null): number | null {
  return now === null || startedAt === null || delayMs === null ? null : Math.round(Math.min(startedAt - now, 0) + delayMs);
}

/** Objects that refer to a signal, or to what does so, that are looked at. */
const RETAINER_LIMIT = 32;

/** A signal of `AbortSignal.timeout` (node: lib/internal/abort_controller.js): its timer's callback has it in a weak reference. */
export function signalTimeoutLeaf(objects: HeapObjects, signal: NodeIndex, now: number | null): Leaf {
  const { graph, names } = objects;
  const found: { timer: Timer | null; node: NodeIndex } = { timer: null, node: NO_NODE };
  eachRetainer(graph, signal, RETAINER_LIMIT, (reference) => {
    eachRetainer(graph, reference, RETAINER_LIMIT, (scope, variable) => {
      if (graph.edgeNameOrIndex(variable) !== names.weakRef || graph.edgeType(variable) !== EDGE_TYPE.context) return;
      eachRetainer(graph, scope, RETAINER_LIMIT, (callback) => {
        eachRetainer(graph, callback, RETAINER_LIMIT, (timer, edge) => {
          if (found.timer !== null || graph.edgeNameOrIndex(edge) !== names.onTimeout) return;
          found.timer = readTimeout(objects, timer);
          found.node = timer;
        });
      });
    });
  });
  if (found.timer !== null) return timerLeaf(objects, found.node, found.timer, now);
  const text = ['timer of AbortSignal.timeout'];
  return { kind: 'timer', rank: RANK.timer, settlers: 'in flight', text, at: null, details: { timer: 'timeout' }, key: keyOf('timer', text, null), node: signal };
}
