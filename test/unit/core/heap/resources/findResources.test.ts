import { describe, expect, it } from 'vitest';
import { PEER_ADDRESS } from '../../../../../src/core/heap/heapAnalysis';
import { HeapIndex } from '../../../../../src/core/heap/heapIndex';
import { HeapObjects } from '../../../../../src/core/heap/leaves/heapObjects';
import { AGENT_TIMER } from '../../../../../src/core/base/agentTimer';
import { findResources } from '../../../../../src/core/heap/resources/findResources';
import { GROUP_LIMIT } from '../../../../../src/core/heap/resources/groups';
import type { FoundResources } from '../../../../../src/core/heap/resources/findResources';
import type { BuiltNode } from '../snapshotBuilder';
import { nodeHeap } from '../leaves/nodeHeap';
import type { NodeHeap } from '../leaves/nodeHeap';
import { plainText } from '../plainText';

function found(heap: NodeHeap): FoundResources {
  const graph = heap.graph();
  return findResources(new HeapObjects(graph, new HeapIndex(graph)));
}

describe('timers', () => {
  it('that are due, alike ones together', () => {
    const heap = nodeHeap();
    const soon = heap.closure('soon');
    for (let i = 0; i < 3; i++) heap.timeout(soon, 60_000);
    heap.timeout(heap.closure('tick'), 1_000, { _repeat: 1_000, '<symbol refed>': false });
    heap.timeout(heap.closure('cleared'), 1_000, { _destroyed: true });
    heap.timeout(heap.closure('fired'), 1_000, { _idleNext: null });
    // as net.Socket.prototype has it
    heap.object('Socket', { _onTimeout: heap.nodeFunction('onTimeout') });
    const { resources, totals } = found(heap);
    expect(resources.timers.map(({ count, type, text }) => `${String(count)} ${type} ${plainText(text)}`)).toEqual(['3 timeout 1 min, soon (line 0)', '1 interval every 1 s, tick (line 1)']);
    expect(resources.timers[1]?.details).toEqual({ delayMs: 1_000, refed: false });
    expect(totals.timers).toBe(4);
  });

  it("of Node's own are listed, but are not the program's", () => {
    const heap = nodeHeap();
    heap.timeout(heap.nodeFunction('checkConnections'), 30_000, { _repeat: 30_000 });
    const { resources, totals } = found(heap);
    expect(totals.timers).toBe(0);
    expect(resources.timers).toMatchObject([{ count: 1, details: { origin: 'node' } }]);
  });

  it("of Node's own are listed apart from the program's that are called the same", () => {
    const heap = nodeHeap();
    heap.timeout(heap.nodeFunction('checkConnections'), 5_000);
    for (let i = 0; i < 2; i++) heap.timeout(heap.resolverOf(heap.promise()), 5_000);
    const { resources, totals } = found(heap);
    expect(totals.timers).toBe(2);
    expect(resources.timers).toEqual([
      { count: 2, type: 'timeout', text: ['5 s'], at: null, details: { delayMs: 5_000, refed: true } },
      { count: 1, type: 'timeout', text: ['5 s'], at: null, details: { delayMs: 5_000, refed: true, origin: 'node' } },
    ]);
  });

  it("of Node's own are apart also where there are too many different ones", () => {
    const heap = nodeHeap();
    for (let i = 0; i < GROUP_LIMIT + 2; i++) heap.timeout(heap.closure('onTimeout'), 5_000);
    heap.timeout(heap.nodeFunction('checkConnections'), 5_000);
    const others = found(heap).resources.timers.filter(({ text }) => text[0] === 'others');
    expect(others).toEqual([
      { count: 2, type: 'timeout', text: ['others'], at: null, details: {} },
      { count: 1, type: 'timeout', text: ['others'], at: null, details: { origin: 'node' } },
    ]);
  });

  it("of Asyncscope's agent are left out, and a program's own function of that name is not", () => {
    const heap = nodeHeap();
    heap.timeout(heap.builder.closure(AGENT_TIMER).at(99, 1, 1), 5_000, { _repeat: 5_000 });
    heap.timeout(heap.closure(AGENT_TIMER), 2_000, { _repeat: 2_000 });
    const { resources, totals } = found(heap);
    expect(totals.timers).toBe(1);
    expect(resources.timers).toMatchObject([{ count: 1, details: { delayMs: 2_000 } }]);
  });
});

describe('handles and requests', () => {
  it('count while native code has them', () => {
    const heap = nodeHeap();
    heap.socket({ data: heap.closure('onData') }, { _host: 'db.example' });
    heap.native('GetAddrInfoReqWrap', 'GetAddrInfoReqWrap', { hostname: 'example.org' });
    const listening = heap.native('TCP', 'TCPServerWrap');
    listening.property('<symbol owner_symbol>', heap.emitter('Server', { request: heap.closure('onRequest') }, { _connectionKey: '6::::8080', _handle: listening }));
    // the prototype, and a handle that was closed
    heap.builder.object('TCP');
    heap.object('TCP', { reading: false });
    const { resources, totals } = found(heap);
    expect(resources.handles).toMatchObject([
      { count: 1, type: 'TCP', text: ['socket db.example'], at: { line: 0 } },
      { count: 1, type: 'TCP server', text: ['server [::]:8080'], at: { line: 1 } },
    ]);
    expect(resources.requests).toMatchObject([{ count: 1, type: 'GetAddrInfoReqWrap', text: ['DNS look-up of example.org'] }]);
    expect(totals).toEqual({ timers: 0, handles: 2, requests: 1 });
  });

  it('have a place for the address where the heap does not hold it', () => {
    const heap = nodeHeap();
    const sockets = [heap.socket({}), heap.socket({})];
    heap.socket({}, { server: heap.emitter('Server', {}, { _connectionKey: '6::::8080' }) });
    expect(found(heap).resources.handles).toEqual([
      { count: 2, type: 'TCP', text: ['socket', PEER_ADDRESS], at: null, details: {}, sockets: Uint32Array.from(sockets.map(({ id }) => id)) },
      { count: 1, type: 'TCP', text: ['socket, accepted at [::]:8080'], at: null, details: {} },
    ]);
  });

  it("of messages, without Node's own port to each worker", () => {
    const heap = nodeHeap();
    const port = (listeners: Readonly<Record<string, readonly BuiltNode[]>>): BuiltNode => {
      const native = heap.native('MessagePort', 'MessagePort');
      const target = heap.eventTarget('MessagePort', listeners);
      for (const { name, to } of target.edges) native.property(String(name), to);
      return native;
    };
    const own = [heap.nodeFunction('onNewListener')];
    port({ newListener: own, message: [heap.nodeFunction('handleMessageFromThread')] });
    port({ newListener: own, message: [heap.closure('onMessage')] });
    const { resources, totals } = found(heap);
    expect(resources.handles).toMatchObject([{ count: 1, type: 'MessagePort', at: { line: 0 } }]);
    expect(totals.handles).toBe(1);
  });

  it('of a child process and of standard streams are no handles of their own', () => {
    const heap = nodeHeap();
    const stdout = heap.socket({});
    const process = heap.native('Process', 'ProcessWrap');
    const child = heap.emitter('ChildProcess', {}, { spawnfile: 'sleep', _handle: process, stdio: heap.array(stdout) });
    process.property('<symbol owner_symbol>', child);
    heap.socket({}, { _isStdio: true });
    const { resources, totals } = found(heap);
    expect(resources.handles.map(({ text, details }) => [text[0], details['origin']])).toEqual([
      ['child process sleep', undefined],
      ['socket', 'node'],
    ]);
    expect(totals.handles).toBe(1);
  });
});

describe('listeners', () => {
  it("above the emitter's limit, and those of which there are very many alike", () => {
    const heap = nodeHeap();
    const leak = heap.closure('onLeak');
    heap.emitter('Store', { change: heap.array(...Array.from({ length: 11 }, () => leak)) });
    heap.emitter('Store', { change: heap.array(leak, leak) });
    heap.emitter('Quiet', { change: heap.array(...Array.from({ length: 9 }, () => leak)) });
    const onMessage = heap.closure('onMessage');
    for (let i = 0; i < 100; i++) heap.emitter('Channel', { message: onMessage });
    expect(found(heap).resources.listeners).toMatchObject([
      { emitter: 'Store', event: 'change', emitters: 2, count: 11, limit: 10, aboveLimit: true, at: { line: 0 } },
      { emitter: 'Channel', event: 'message', emitters: 100, count: 1, limit: 10, aboveLimit: false, at: { line: 1 } },
    ]);
  });

  it('of an emitter that is above its limit, though another one with a higher limit has more', () => {
    const heap = nodeHeap();
    const onChange = heap.closure('onChange');
    const many = (count: number): BuiltNode => heap.array(...Array.from({ length: count }, () => onChange));
    for (const [count, limit] of [[50, 100], [12, 10], [60, 100], [11, 10]] as const) heap.emitter('Store', { change: many(count) }, { _maxListeners: limit });
    expect(found(heap).resources.listeners).toMatchObject([{ emitter: 'Store', event: 'change', emitters: 4, count: 12, limit: 10, aboveLimit: true }]);
  });

  it('of an abort signal, which has no limit', () => {
    const heap = nodeHeap();
    const listeners = Array.from({ length: 30 }, () => heap.closure('onAbort'));
    heap.eventTarget('AbortSignal', { abort: listeners }, { '<symbol kAborted>': false, '<symbol events.maxEventTargetListeners>': 0 });
    expect(found(heap).resources.listeners).toMatchObject([{ emitter: 'AbortSignal', event: 'abort', emitters: 1, count: 30, limit: null, aboveLimit: false }]);
  });
});

describe('streams', () => {
  it('that hold something, or make somebody wait', () => {
    const heap = nodeHeap();
    const NEED_DRAIN = 1 << 11;
    heap.object('Writable', { _writableState: heap.object('WritableState', { '<symbol kState>': NEED_DRAIN, length: 102, highWaterMark: 10 }) });
    heap.object('Writable', { _writableState: heap.object('WritableState', { '<symbol kState>': 0, length: 0, highWaterMark: 10 }) });
    heap.object('PassThrough', { _readableState: heap.object('ReadableState', { '<symbol kState>': 1, length: 16, highWaterMark: 16 }) });
    expect(found(heap).resources.streams).toEqual([
      { stream: 'Writable', count: 1, state: 'full, waiting for drain', bufferedBytes: 102, highWaterMark: 10, objectMode: false },
      { stream: 'PassThrough', count: 1, state: 'full, not read', bufferedBytes: 16, highWaterMark: 16, objectMode: true },
    ]);
  });
});
