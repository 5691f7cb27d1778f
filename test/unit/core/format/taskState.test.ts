import { describe, expect, test } from 'vitest';
import { OVERDUE_MS } from '../../../../src/core/format/dueText';
import { taskState } from '../../../../src/core/format/taskState';
import type { RawTask } from '../../../../src/core/model/rawPoll';
import type { TaskKind } from '../../../../src/core/model/task';

function state(kind: TaskKind, facts: Partial<RawTask>): string {
  return taskState(kind, { id: 1, start: 0, weight: 1, state: 'active', ...facts });
}

describe('timers', () => {
  test.each<[TaskKind, Partial<RawTask>, string]>([
    ['timeout', { delayMs: 5000, dueInMs: 3000.4 }, 'due in 3 s'],
    ['timeout', { delayMs: 5000, dueInMs: 340.2, refed: true }, 'due in 340 ms'],
    ['timeout', { delayMs: 5000, dueInMs: OVERDUE_MS }, 'due now'],
    ['timeout', { delayMs: 5000, dueInMs: -OVERDUE_MS }, 'due now'],
    ['timeout', { delayMs: 5000, dueInMs: -200 }, 'overdue by 200 ms (loop blocked)'],
    ['timeout', { delayMs: 5000, dueInMs: 61_000, refed: false }, "due in 1 min 1 s · unref'd"],
    ['timeout', { delayMs: 5000, dueInMs: -200, running: true }, 'running now'],
    ['timeout', { delayMs: 5000 }, 'after 5 s'],
    ['timeout', {}, ''],
    ['interval', { delayMs: 5000, dueInMs: 2000, repeats: true }, 'every 5 s, next in 2 s'],
    ['interval', { delayMs: 5000, dueInMs: 0, repeats: true }, 'every 5 s, next now'],
    ['interval', { delayMs: 5000, dueInMs: -1000, repeats: true }, 'every 5 s, overdue by 1 s (loop blocked)'],
    ['interval', { delayMs: 30_000, repeats: true, refed: false }, "every 30 s · unref'd"],
    ['interval', { delayMs: 50, running: true, repeats: true }, 'every 50 ms, running now'],
    ['immediate', {}, 'due at the end of this turn of the event loop'],
  ])('%s %o', (kind, facts, words) => {
    expect(state(kind, facts)).toBe(words);
  });
});

describe('handles', () => {
  test.each<[Partial<RawTask>, string]>([
    [{ open: true }, 'idle'],
    [{ open: true, refed: false }, "idle · unref'd"],
    [{ open: true, carries: 'request' }, 'carries a request'],
    [{ open: false, connecting: true, tls: true }, 'TLS · connecting'],
    [{ open: true, halfOpen: 'ended by the other end' }, 'half-open (ended by the other end)'],
    [{ open: true, waitingBytes: 12_288 }, '12 KB waiting to be written'],
    [{ connections: 1 }, 'listening · 1 connection'],
    [{ connections: 1200 }, 'listening · 1,200 connections'],
    [{ pid: 7, command: 'sleep 100' }, 'running sleep 100'],
    [{ command: 'a\u001b[31m' }, 'running a\ufffd[31m'],
    [{ threadId: 3 }, 'thread 3'],
    [{ fd: 22 }, 'file descriptor 22'],
    [{}, 'open'],
  ])('%o', (facts, words) => {
    expect(state('handle', facts)).toBe(words);
  });
});

test('requests and promises', () => {
  expect(state('request', { receiving: false, path: 'GET a/b' })).toBe('waiting for the response');
  expect(state('request', { receiving: true })).toBe('receiving the response');
  expect(state('request', { fd: 22 })).toBe('under way · file descriptor 22');
  expect(state('promise', { state: 'pending' })).toBe('pending');
});
