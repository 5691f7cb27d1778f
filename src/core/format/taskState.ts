/** What a live task is doing, in words, from what the agent read of it. */
import type { RawTask } from '../model/rawPoll';
import type { TaskKind } from '../model/task';
import { dueText } from './dueText';
import { counted, formatBytes, formatDuration } from './quantity';
import { displayName } from './text';

/** Several facts are set apart by ` · `; empty when there is nothing to say. */
export function taskState(kind: TaskKind, task: RawTask): string {
  switch (kind) {
    case 'promise':
      return displayName(task.state);
    case 'timeout':
    case 'interval':
      return join(timerState(kind, task), unref(task));
    case 'immediate':
      return join('due at the end of this turn of the event loop', unref(task));
    case 'handle':
      return join(...handleState(task), unref(task));
    case 'request':
      return join(...requestState(task));
  }
}

function timerState(kind: 'timeout' | 'interval', { delayMs, dueInMs, running }: RawTask): string {
  const every = kind === 'interval' && delayMs !== undefined ? `every ${formatDuration(delayMs)}` : '';
  if (running === true) return comma(every, 'running now');
  if (dueInMs === undefined) return kind === 'timeout' && delayMs !== undefined ? `after ${formatDuration(delayMs)}` : every;
  return comma(every, dueText(dueInMs, kind === 'interval'));
}

function handleState(task: RawTask): readonly string[] {
  const words: string[] = [];
  if (task.tls === true) words.push('TLS');
  if (task.connecting === true) words.push('connecting');
  if (task.halfOpen !== undefined) words.push(`half-open (${task.halfOpen})`);
  if (task.waitingBytes !== undefined) words.push(`${formatBytes(task.waitingBytes)} waiting to be written`);
  if (task.open === true && task.halfOpen === undefined && task.waitingBytes === undefined) {
    words.push(task.carries === 'request' ? 'carries a request' : 'idle');
  }
  if (task.connections !== undefined) {
    words.push('listening', counted(task.connections, 'connection'));
  }
  if (task.command !== undefined) words.push(`running ${displayName(task.command)}`);
  if (task.threadId !== undefined) words.push(`thread ${String(task.threadId)}`);
  if (task.fd !== undefined) words.push(`file descriptor ${String(task.fd)}`);
  return words.length > 0 ? words : ['open'];
}

function requestState({ receiving, fd }: RawTask): readonly string[] {
  const words = receiving === undefined ? ['under way'] : [receiving ? 'receiving the response' : 'waiting for the response'];
  if (fd !== undefined) words.push(`file descriptor ${String(fd)}`);
  return words;
}

function unref({ refed }: RawTask): string {
  return refed === false ? "unref'd" : '';
}

function comma(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}
