/** The kinds of tasks in a reader's words. */
import type { TaskKind } from '../model/task';
import { formatCount } from './quantity';

const NOUNS: Readonly<Record<TaskKind, readonly [singular: string, plural: string]>> = {
  promise: ['promise', 'promises'],
  timeout: ['timeout', 'timeouts'],
  interval: ['interval', 'intervals'],
  immediate: ['immediate', 'immediates'],
  handle: ['handle', 'handles'],
  request: ['request', 'requests'],
};

/** The noun for `count` tasks of a kind, without the number. */
export function kindNoun(kind: TaskKind, count: number): string {
  return NOUNS[kind][Math.round(count) === 1 ? 0 : 1];
}

/** `12 promises`, `1 interval`, `~1,200 requests`. */
export function formatKindCount(kind: TaskKind, count: number, exact = true): string {
  return `${formatCount(count, exact)} ${kindNoun(kind, count)}`;
}

/** `1 task`, `1,204 tasks`. */
export function formatTaskCount(count: number, exact = true): string {
  return `${formatCount(count, exact)} ${Math.round(count) === 1 ? 'task' : 'tasks'}`;
}
