import { describe, expect, it } from 'vitest';
import { DumpLook } from '../../../src/host/dump/dumpLook';
import { dumpHeadline, dumpMessage, dumpSource, filterMessage, whyNoVariables } from '../../../src/host/dump/dumpState';
import type { HeldDump } from '../../../src/host/dump/dumpStore';
import { DumpStore } from '../../../src/host/dump/dumpStore';
import { dumpMessages } from '../../../src/host/dump/graphMessages';
import { SessionStore } from '../../../src/host/sessions/sessionStore';
import { FIRST_GROUPS, parseToGraph, WEBVIEW_TEXT_LIMIT } from '../../../src/protocol/webview';
import { manyGroups, sampleDump } from '../../support/sampleDump';
import { update } from './sample';

function held(part: Partial<HeldDump> = {}): HeldDump {
  return { id: 'd1', name: 'orders', dump: sampleDump(), sessionId: '1', processRestarts: 0, ...part };
}

describe('DumpStore', () => {
  it('keeps the last dump of each process and file, the last one first', () => {
    const store = new DumpStore();
    const alive = () => false;
    const file = sampleDump('/srv', { target: { ...sampleDump().target, file: '/tmp/a.heapsnapshot' } });
    expect(store.add(held(), alive)).toEqual([]);
    expect(store.add(held({ id: 'd2', sessionId: '2' }), alive)).toEqual([]);
    expect(store.add(held({ id: 'f1', sessionId: undefined, dump: file }), alive)).toEqual([]);
    expect(store.add(held({ id: 'd3' }), alive)).toEqual(['d1']);
    expect(store.add(held({ id: 'f2', sessionId: undefined, dump: file }), alive)).toEqual(['f1']);
    expect(store.all().map(({ id }) => id)).toEqual(['f2', 'd3', 'd2']);
    expect(store.group('d3', 'find')?.count).toBe(9);
    expect(store.group('d1', 'find')).toBeUndefined();
  });

  it('keeps none of earlier runs, which have the name and have ended', () => {
    const store = new DumpStore();
    const ended = (sessionId: string) => sessionId === '1';
    store.add(held(), ended);
    expect(store.add(held({ id: 'd2', sessionId: '2', name: 'worker' }), ended)).toEqual([]);
    expect(store.add(held({ id: 'd3', sessionId: '3' }), ended)).toEqual(['d1']);
    expect(store.add(held({ id: 'd4', sessionId: '4' }), ended)).toEqual([]);
  });

  it('tells while dumps are taken, however that ends', async () => {
    const store = new DumpStore();
    const seen: number[] = [];
    store.onDidChange(() => seen.push(store.taking));
    await store.whileTaking(() => Promise.resolve());
    await store.whileTaking(() => Promise.reject(new Error('refused'))).catch(() => undefined);
    expect(seen).toEqual([1, 0, 1, 0]);
  });
});

describe('what is said of a dump', () => {
  it('is how much a filter leaves', () => {
    expect(filterMessage([held()], 'socket\u0007')).toBe('Filter: socket\u{fffd} — 0 of 12 groups, 0 tasks');
    expect(filterMessage([held()], 'orphan')).toBe('Filter: orphan — 1 of 12 groups, 96 tasks');
    expect(filterMessage([held()], ' ')).toBe('');
    expect(filterMessage([], 'orphan')).toBe('');
  });

  it('is why it has no variables, where it is of a file', () => {
    expect(whyNoVariables(held({ sessionId: undefined }))).toBe('this dump is from a file: variables cannot be looked up');
    expect(whyNoVariables(held())).toBeUndefined();
  });

  it('counts, and tells when and for how long the process stood still', () => {
    expect(dumpMessage(held(), 'process')).toMatch(/^1,022 suspended functions, 3,104 pending promises\. Taken at \d\d:\d\d:22; the process stood still for 312 ms\.$/);
    expect(dumpMessage(held({ dump: sampleDump('/srv', { pauseMs: null, totals: { suspended: 1, pendingPromises: 1, timers: 0, handles: 0, requests: 0 } }) }), 'file')).toBe('1 suspended function, 1 pending promise. From a file: single tasks and variables cannot be looked up.');
    expect(dumpHeadline(held(), 'process')).toMatch(/^1,022 suspended functions, 3,104 pending promises · \d\d:\d\d:22$/);
    expect(dumpHeadline(held({ dump: sampleDump('/srv', { partial: true }) }), 'ended')).toMatch(/^⚠ incomplete · .* · ⚠ the process has ended$/);
  });

  it('knows whether the process is still the one', () => {
    const sessions = new SessionStore();
    expect(dumpSource(held(), sessions)).toBe('ended');
    sessions.apply(update());
    expect(dumpSource(held(), sessions)).toBe('process');
    sessions.apply(update({ processRestarts: 1 }));
    expect(dumpSource(held(), sessions)).toBe('ended');
    expect(dumpSource(held({ processRestarts: 1 }), sessions)).toBe('process');
    expect(dumpSource(held({ sessionId: undefined }), sessions)).toBe('file');
  });

  it('remembers the grouping', async () => {
    const memory = new Map<string, unknown>();
    const mementos = { get: (key: string) => memory.get(key), update: (key: string, value: unknown) => Promise.resolve(void memory.set(key, value)) };
    const look = new DumpLook(mementos);
    expect(look.grouping).toBe('verdict');
    await look.setGrouping('leaf');
    expect(new DumpLook(mementos).grouping).toBe('leaf');
    memory.set('dumpGrouping', 'nonsense');
    expect(new DumpLook(mementos).grouping).toBe('verdict');
  });
});

describe('messages to the graph', () => {
  const STATUS = { text: '', full: '', canLookUp: true };

  it('are valid, begin with a state, and have each group and each frame once', () => {
    const groups = manyGroups(5000);
    const messages = dumpMessages(held({ dump: sampleDump('/srv', { groups }) }), STATUS);
    expect(messages.map(({ type }) => type)).toEqual(['state', 'groups', 'groups', 'groups']);
    for (const message of messages) expect(parseToGraph(message)).toEqual(message);
    const parts = messages.flatMap((message) => ('groups' in message ? [message] : []));
    expect(parts[0]?.groups).toHaveLength(FIRST_GROUPS);
    const frames = parts.flatMap((part) => part.frames);
    const sent = parts.flatMap((part) => part.groups);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(groups.length);
    expect(new Set(frames.map((frame) => JSON.stringify(frame))).size).toBe(frames.length);
    const byId = new Map(groups.map((group) => [group.id, group]));
    for (const { id, chain } of sent) expect(chain.map((index) => frames[index]?.function)).toEqual(byId.get(id)?.chain.map((frame) => frame.function));
    // A part refers to nothing that comes later.
    let known = 0;
    for (const part of parts) {
      known += part.frames.length;
      for (const { chain } of part.groups) for (const index of chain) expect(index).toBeLessThan(known);
    }
    expect(sent.slice(0, 10).map(({ verdict }) => verdict)).toEqual(Array.from({ length: 10 }, () => 'orphan'));
  });

  it('begin with a state where nothing is suspended', () => {
    expect(dumpMessages(held({ dump: sampleDump('/srv', { groups: [] }) }), STATUS).map(({ type }) => type)).toEqual(['state']);
  });

  it('cut what is too long', () => {
    const [group] = sampleDump().groups;
    if (group === undefined) throw new Error('no group');
    const long = 'x'.repeat(10_000);
    const dump = sampleDump('/srv', { groups: [{ ...group, why: long, waitsFor: { ...group.waitsFor, text: long }, heldBy: [{ count: 1, path: long }] }] });
    const [message] = dumpMessages(held({ dump, name: long }), STATUS);
    expect(parseToGraph(message)).toEqual(message);
    expect(JSON.stringify(message).length).toBeLessThan(6 * WEBVIEW_TEXT_LIMIT);
  });
});
