/** Timers and immediates that are due. */
import type { NodeIndex } from '../heapGraph';
import { formatDuration } from '../../format/quantity';
import { callbackOf, callbackText } from '../leaves/callback';
import type { HeapObjects } from '../leaves/heapObjects';
import type { Details } from '../leaves/leaf';
import { dueInMs, isOfAgent, readImmediate, readTimeout } from '../leaves/timer';
import type { Resource } from './groups';

/** Modules of Node's whose timers are what the program asked them for. */
const ASKED_FOR: ReadonlySet<string> = new Set(['node:timers', 'node:timers/promises', 'node:internal/abort_controller']);

/**
 * Null for a timer that was cleared or has fired, and for one of Asyncscope's own.
 * @param now as in {@link dueInMs}
 */
export function timerResource(objects: HeapObjects, node: NodeIndex, isImmediate: boolean, now: number | null): Resource | null {
  const timer = isImmediate ? readImmediate(objects, node) : readTimeout(objects, node);
  if (timer === null) return null;
  const callback = callbackOf(objects, timer.callback);
  if (isOfAgent(objects, callback)) return null;
  const { delayMs, refed, type } = timer;
  const details: Details = {};
  if (delayMs !== null) details['delayMs'] = delayMs;
  const due = dueInMs(timer, now);
  if (due !== null) details['dueInMs'] = due;
  if (refed !== null) details['refed'] = refed;
  const head = delayMs === null ? '' : type === 'interval' ? `every ${formatDuration(delayMs)}` : formatDuration(delayMs);
  const text = [head, ...callbackText(callback)].filter((part) => part !== '');
  if (head === '' && typeof text[0] === 'string') text[0] = text[0].replace(/^(, | )/, '');
  const ofNode = callback.at !== null && callback.isNode && !ASKED_FOR.has(objects.scriptName(callback.at.scriptId) ?? '');
  return { type, text: text.length === 0 ? [type] : text, at: callback.isNode ? null : callback.at, details, ofNode };
}
