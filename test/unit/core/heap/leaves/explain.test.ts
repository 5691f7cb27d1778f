import { describe, expect, it, vi } from 'vitest';
import { HeapIndex } from '../../../../../src/core/heap/heapIndex';
import { createExplainer } from '../../../../../src/core/heap/leaves/explain';
import type { ExplainOptions, Explanation } from '../../../../../src/core/heap/leaves/explain';
import { HeapObjects } from '../../../../../src/core/heap/leaves/heapObjects';
import type { BuiltNode } from '../snapshotBuilder';
import { nodeHeap } from './nodeHeap';
import type { NodeHeap } from './nodeHeap';
import { plainText } from '../plainText';

function explained(heap: NodeHeap, promise: BuiltNode, options: ExplainOptions = {}): Explanation {
  const graph = heap.graph();
  return createExplainer(new HeapObjects(graph, new HeapIndex(graph)), options).explain(promise.index);
}

function line({ waitsFor: { kind, text, at }, settlers }: Explanation): string {
  return `${kind} | ${plainText(text)} | ${at === null ? '-' : `line ${String(at.line)}`} | ${settlers}`;
}

describe('a timer', () => {
  it('whose callback is the resolver', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.global('t', heap.timeout(heap.resolverOf(promise), 30_000));
    const explanation = explained(heap, promise, { timerNow: 6_000 });
    expect(line(explanation)).toBe('timer | timer: 30 s | - | in flight');
    expect(explanation.waitsFor.details).toEqual({ timer: 'timeout', delayMs: 30_000, dueInMs: 25_000 });
    // the clock was read just before the timer was started
    expect(explained(heap, promise, { timerNow: 900 }).waitsFor.details['dueInMs']).toBe(30_000);
  });

  it('whose callback calls the resolver from its scope', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const later = heap.capturing('later', { resolve: heap.resolverOf(promise) });
    heap.global('t', heap.timeout(later, 500, { _repeat: 500 }));
    expect(line(explained(heap, promise))).toBe('timer | interval: 500 ms, later (line 0) | line 0 | in flight');
  });

  it('without its delay, where the snapshot has no numbers', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.global('t', heap.object('Timeout', { _idleNext: heap.builder.object('TimersList'), _onTimeout: heap.resolverOf(promise), _repeat: null, _destroyed: false, '<symbol refed>': true }));
    expect(line(explained(heap, promise))).toBe('timer | timer | - | in flight');
  });

  it('whose delay is told by the list that it is in, where the snapshot has no numbers', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const list = heap.builder.object('TimersList');
    heap.object('Object', {}).element(1_500, list);
    heap.global('t', heap.object('Timeout', { _idleNext: list, _onTimeout: heap.resolverOf(promise), _repeat: null, _destroyed: false, '<symbol refed>': true }));
    expect(line(explained(heap, promise))).toBe('timer | timer: 1 s | - | in flight');
  });

  it('that was cleared settles nothing', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.global('t', heap.timeout(heap.resolverOf(promise), 500, { _destroyed: true }));
    expect(explained(heap, promise).waitsFor.kind).not.toBe('timer');
  });

  it('gives way to the work that it limits, and is named beside it', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const scope = heap.scope({ resolve: heap.resolverOf(promise) });
    heap.global('t', heap.timeout(heap.closure('giveUp', scope), 5_000));
    heap.global('s', heap.socket({ data: heap.closure('onData', scope) }, { _host: 'db.example' }));
    const explanation = explained(heap, promise);
    expect(line(explanation)).toBe('socket | socket db.example: reading | line 1 | in flight');
    expect(explanation.waitsFor.details['or']).toBe('timer: 5 s, giveUp');
  });
});

describe('sockets without an address in the heap', () => {
  it('are told alike, and each is known as the one that it is', () => {
    const heap = nodeHeap();
    const [first, second] = [heap.promise(), heap.promise()];
    const sockets = [first, second].map((promise, index) => {
      const socket = heap.socket({ data: heap.resolverOf(promise) }, {});
      heap.global(`s${String(index)}`, socket);
      return socket;
    });
    const graph = heap.graph();
    const explainer = createExplainer(new HeapObjects(graph, new HeapIndex(graph)));
    const explanations = [first, second].map((promise) => explainer.explain(promise.index));
    expect(new Set(explanations.map(({ key }) => key)).size).toBe(1);
    expect(explanations.map(({ peer }) => peer)).toEqual(sockets.map(({ index }) => index));
  });
});

describe('an event', () => {
  it('of an emitter, by name, where the listener stands', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.global('bus', heap.emitter('Bus', { ready: heap.capturing('onReady', { resolve: heap.resolverOf(promise) }) }));
    expect(line(explained(heap, promise))).toBe("event | event 'ready' of Bus | line 0 | held");
  });

  it('is told by what brings something, not by the failure that events.once listens for too', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const scope = heap.scope({ resolve: heap.resolverOf(promise) });
    heap.global('bus', heap.emitter('Bus', { error: heap.closure('failed', scope), '<symbol done>': heap.array(heap.closure('other'), heap.closure('done', scope)) }));
    expect(plainText(explained(heap, promise).waitsFor.text)).toBe("event 'Symbol(done)' of Bus");
  });

  it('of an event target, behind other listeners', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const listener = heap.capturing('onAbort', { resolve: heap.resolverOf(promise) });
    heap.global('signal', heap.eventTarget('EventTarget', { abort: [heap.closure('other'), listener] }, { '<symbol kAborted>': false }));
    expect(line(explained(heap, promise))).toBe("event | event 'abort' of AbortSignal | line 0 | held");
  });

  it('of an event target with very many listeners, each of which is passed once for all of them', () => {
    const heap = nodeHeap();
    const promises = Array.from({ length: 200 }, () => heap.promise());
    const listeners = promises.map((promise) => heap.capturing('onAbort', { resolve: heap.resolverOf(promise) }));
    heap.global('signal', heap.eventTarget('EventTarget', { abort: listeners }, { '<symbol kAborted>': false }));
    const graph = heap.graph();
    const objects = new HeapObjects(graph, new HeapIndex(graph));
    const looks = vi.spyOn(objects, 'property');
    const explainer = createExplainer(objects);
    expect(promises.map(({ index }) => line(explainer.explain(index)))).toEqual(promises.map((_, i) => `event | event 'abort' of AbortSignal | line ${String(i)} | held`));
    const passed = looks.mock.calls.filter(([, key]) => key === 'previous');
    expect(passed.length).toBeLessThanOrEqual(2 * promises.length);
  });

  it("is none of a ring of the program's own that looks like a list of listeners", () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const [one, other] = [heap.builder.object('Job'), heap.builder.object('Job')];
    one.property('callback', heap.resolverOf(promise)).property('previous', other);
    other.property('previous', one);
    heap.global('job', one);
    expect(line(explained(heap, promise))).toBe('app promise | its resolver is in globalThis.job.callback | - | held');
  });

  it.each(['toString', 'valueOf', 'hasOwnProperty'])('that is called %s is told by its name', (event) => {
    const [stream, socket] = [nodeHeap(), nodeHeap()].map((heap) => ({ heap, promise: heap.promise() })) as [{ heap: NodeHeap; promise: BuiltNode }, { heap: NodeHeap; promise: BuiltNode }];
    stream.heap.global('s', stream.heap.emitter('Transform', { [event]: stream.heap.resolverOf(stream.promise) }, { _readableState: stream.heap.object('ReadableState', {}) }));
    expect(plainText(explained(stream.heap, stream.promise).waitsFor.text)).toBe(`stream Transform: '${event}'`);
    socket.heap.global('s', socket.heap.socket({ [event]: socket.heap.resolverOf(socket.promise) }, { _host: 'db.example' }));
    expect(plainText(explained(socket.heap, socket.promise).waitsFor.text)).toBe(`socket db.example: '${event}'`);
  });
});

describe('work under way', () => {
  it('of a file system request, by the function that asked', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.native('FSReqPromise', 'FSReqPromise', { promise });
    const open = heap.callOf(heap.nodeFunction('open')).awaits(promise);
    open.generator.edges.find(({ name }) => name === 'parameters_and_registers')?.to.internal('0', heap.value('/etc/passwd'));
    expect(line(explained(heap, promise))).toBe('fs | fs request: open /etc/passwd | - | in flight');
  });

  it('of an http request', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const request = heap.emitter('ClientRequest', { response: heap.resolverOf(promise) }, {
      outputData: heap.array(),
      method: 'PUT',
      '<symbol kPath>': '/orders/7?token=secret',
      protocol: 'http:',
      _header: 'PUT /orders/7?token=secret HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n',
      timeoutCb: null,
    });
    heap.global('r', request);
    expect(line(explained(heap, promise))).toBe('http request | http request PUT http://10.0.0.7:8080/orders/7 | - | in flight');
  });

  it.each([
    ['the root of a host', '/'],
    ['a path that is longer than texts are told', `/${'a'.repeat(300)}`],
  ])('of an http request to %s, with the port', (_, path) => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const fields = { outputData: heap.array(), method: 'GET', protocol: 'http:', host: '10.0.0.7', _header: `GET ${path} HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n`, timeoutCb: null };
    heap.global('r', heap.emitter('ClientRequest', { response: heap.resolverOf(promise) }, fields));
    expect(line(explained(heap, promise))).toBe('http request | http request GET http://10.0.0.7:8080 | - | in flight');
  });

  it('of a child process, rather than of its pipes', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const scope = heap.scope({ resolve: heap.resolverOf(promise) });
    heap.global('pipe', heap.socket({ data: heap.closure('onData', scope) }));
    heap.global('child', heap.emitter('ChildProcess', { close: heap.closure('onClose', scope) }, { spawnfile: 'sleep', _handle: heap.native('Process', 'ProcessWrap') }));
    expect(line(explained(heap, promise))).toBe("child process | child process sleep: 'close' | line 1 | in flight");
  });

  it("on the socket of a library's client that keeps the resolver", () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const query = heap.object('Query', { callback: heap.capturing('done', { resolve: heap.resolverOf(promise) }) });
    heap.global('client', heap.object('Client', { host: '10.0.0.7', port: 5432, queue: heap.array(query), connection: heap.emitter('Connection', {}, { stream: heap.socket({}) }) }));
    expect(line(explained(heap, promise))).toBe('socket | socket 10.0.0.7:5432 | line 0 | in flight');
  });

  it('behind an event of an object that has a socket of its own', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.global('ws', heap.emitter('WebSocket', { message: heap.capturing('onMessage', { resolve: heap.resolverOf(promise) }) }, { _socket: heap.socket({}, { _host: 'chat.example' }) }));
    const explanation = explained(heap, promise);
    expect(line(explanation)).toBe("event | event 'message' of WebSocket | line 0 | in flight");
    expect(explanation.waitsFor.details['address']).toBe('chat.example');
  });

  it('of a child process whose output is read', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const stdout = heap.socket({ readable: heap.resolverOf(promise) });
    heap.global('child', heap.emitter('ChildProcess', {}, { spawnfile: 'sleep', _handle: heap.native('Process', 'ProcessWrap'), stdout }));
    expect(line(explained(heap, promise))).toBe('child process | child process sleep: reading its output | - | in flight');
  });

  it('of a watcher, of a UDP socket, and of a signal', () => {
    const events = [
      (heap: NodeHeap, done: BuiltNode) => heap.emitter('FSWatcher', { change: done }, { _handle: heap.native('FSEvent', 'FSEventWrap') }),
      (heap: NodeHeap, done: BuiltNode) => heap.emitter('Socket', { message: done }, { '<symbol state symbol>': heap.object('Object', { handle: heap.native('UDP', 'UDPWrap') }) }),
      (heap: NodeHeap, done: BuiltNode) => heap.emitter('process', { SIGUSR2: done }),
    ];
    const lines = events.map((make) => {
      const heap = nodeHeap();
      const promise = heap.promise();
      heap.global('emitter', make(heap, heap.resolverOf(promise)));
      return line(explained(heap, promise));
    });
    expect(lines).toEqual(["fs | file watcher: 'change' | - | in flight", 'socket | UDP socket: reading | - | in flight', 'event | signal SIGUSR2 | - | in flight']);
  });

  it("of AbortSignal.timeout's timer, which has its signal weakly", () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const signal = heap.eventTarget('AbortSignal', { abort: [heap.resolverOf(promise)] }, { '<symbol kAborted>': false, '<symbol kTimeout>': true });
    const reference = heap.builder.object('WeakRef').weak('target', signal);
    heap.global('signal', signal).global('t', heap.timeout(heap.nodeFunction('expired', heap.scope({ weakRef: reference })), 60_000));
    expect(line(explained(heap, promise))).toBe('timer | timer: 1 min | - | in flight');
  });

  it('at the source of a pipe', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const gunzip = heap.emitter('Transform', { end: heap.resolverOf(promise) }, { _readableState: heap.object('ReadableState', {}), _writableState: heap.object('WritableState', {}) });
    heap.global('file', heap.object('ReadStream', { '<symbol kIsPerformingIO>': true, _readableState: heap.object('ReadableState', { pipes: heap.array(gunzip) }) }));
    expect(line(explained(heap, promise))).toBe('stream | stream Transform: reading to its end | - | in flight');
  });

  it('at the body of a response of fetch, which undici reads', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const shared = heap.builder.code('resume').internal('script', heap.builder.code('node:internal/deps/undici/undici'));
    const resume = heap.builder.closure('resume').at(9, 0, 0).internal('shared', shared);
    const read = heap.builder.closure('native_bind').internal('bound_function', resume);
    heap.global('body', heap.emitter('Readable', { readable: heap.resolverOf(promise) }, { _read: read, _readableState: heap.object('ReadableState', {}) }));
    expect(line(explained(heap, promise))).toBe('stream | stream Readable: reading | - | in flight');
  });

  it('of a DNS query', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.native('QueryReqWrap', 'QueryWrap', { hostname: 'example.org', callback: heap.resolverOf(promise) });
    expect(line(explained(heap, promise))).toBe('native | DNS query of example.org | - | in flight');
  });

  it('that V8 knows: Atomics.waitAsync', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.nativeContext.internal('atomics_waitasync_promises', heap.builder.array().internal('5', promise));
    expect(line(explained(heap, promise))).toBe('native | Atomics.waitAsync | - | native');
  });
});

describe("the app's own promise", () => {
  it('is told by the variable and the collection that hold its resolver', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.moduleVariable('waiting', heap.map({ a: heap.resolverOf(promise) }));
    expect(line(explained(heap, promise))).toBe('app promise | its resolver is in Map waiting in script 7 | - | held');
  });

  it('is told by what holds its resolver where code that runs has that at hand, too', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const waiting = heap.map({ a: heap.resolverOf(promise) });
    heap.gcRoots.element(2, heap.builder.synthetic('(Stack roots)').internal('1', waiting));
    heap.moduleVariable('waiting', waiting);
    expect(line(explained(heap, promise))).toBe('app promise | its resolver is in Map waiting in script 7 | - | held');
  });

  it('is told by the code that runs where only that has its resolver', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.gcRoots.element(2, heap.builder.synthetic('(Stack roots)').internal('1', heap.resolverOf(promise)));
    expect(line(explained(heap, promise))).toBe('native | running code | - | native');
  });

  it('is told by the class that holds its resolver', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const lock = heap.object('Lock', { waiters: heap.array(heap.resolverOf(promise)) }).at(7, 40, 0);
    heap.moduleVariable('lock', lock);
    const explanation = explained(heap, promise);
    expect(line(explanation)).toBe('app promise | its resolver is in Array lock.waiters[…] in script 7 | line 40 | held');
    expect(explanation.waitsFor.details).toEqual({ holder: 'lock.waiters[…]', collection: 'Array', class: 'Lock' });
  });

  it("does not hang on a timer that only shares the file's scope with its resolver", () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.moduleVariable('gate', heap.resolverOf(promise));
    heap.global('t', heap.timeout(heap.closure('unrelated'), 1_000));
    expect(plainText(explained(heap, promise).waitsFor.text)).toBe('its resolver is in gate in script 7');
  });

  it('is found where optimized code has made its resolving functions', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const context = heap.builder.functionContext().internal('previous', heap.nativeContext).internal('extension', promise);
    heap.moduleVariable('gate', heap.builtin('PromiseCapabilityDefaultResolve', context));
    expect(plainText(explained(heap, promise).waitsFor.text)).toBe('its resolver is in gate in script 7');
  });

  it('is told by the collection that the functions around it share', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const scope = heap.scope({ waiting: heap.array(heap.resolverOf(promise)) });
    heap.moduleVariable('queue', heap.object('Object', { push: heap.closure('push', scope) }));
    expect(plainText(explained(heap, promise).waitsFor.text)).toBe('its resolver is in Array waiting[…] in script 7');
  });

  it('is not held by the function that waits for it', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const scope = heap.scope({ release: heap.resolverOf(promise) });
    const waiter = heap.asyncFunction('waiter').awaits(promise);
    waiter.generator.internal('context', scope);
    const other = heap.asyncFunction('other').awaits(heap.promise());
    other.generator.internal('context', scope);
    expect(plainText(explained(heap, promise).waitsFor.text)).toMatch(/^its resolver is held by other \(line \d+\), which is suspended$/u);
  });

  it('follows a promise whose callback calls the resolver', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const other = heap.promise();
    heap.then(other, heap.capturing('whenDone', { resolve: heap.resolverOf(promise) }));
    heap.global('t', heap.timeout(heap.resolverOf(other), 1_000));
    const explanation = explained(heap, promise);
    expect(explanation.waitsFor.kind).toBe('timer');
    expect(explanation.follows).toBe(other.index);
  });

  it('follows a promise with however many callbacks', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    const ready = heap.promise();
    heap.then(ready, heap.capturing('whenReady', { resolve: heap.resolverOf(promise) }));
    // in front of that one
    for (let i = 0; i < 10_000; i++) heap.then(ready);
    heap.global('t', heap.timeout(heap.resolverOf(ready), 60_000));
    expect(line(explained(heap, promise))).toBe('timer | timer: 1 min | line 0 | in flight');
  });

  it.each<[string, (heap: NodeHeap, ready: BuiltNode) => void]>([
    ['as a property', (heap, ready) => void heap.object('Client', { ready })],
    ['as a property that was added later', (heap, ready) => void heap.object('Client', {}).internal('properties', heap.builder.hidden('system / PropertyArray').hidden(0, ready))],
    ['as a parameter of a suspended call', (heap, ready) => void heap.builder.object('Generator').internal('parameters_and_registers', heap.builder.array().internal('0', ready))],
    ['in an array', (heap, ready) => void heap.object('Array', {}).internal('elements', heap.builder.array().internal('0', ready))],
  ])('waits for what settles it although very many keep it %s', (_, keep) => {
    const heap = nodeHeap();
    const ready = heap.promise();
    for (let i = 0; i < 100; i++) keep(heap, ready);
    heap.global('t', heap.timeout(heap.resolverOf(ready), 60_000));
    expect(line(explained(heap, ready))).toBe('timer | timer: 1 min | - | in flight');
  });

  it('that very many keep is looked through once, however many wait for it', () => {
    const heap = nodeHeap();
    const ready = heap.promise();
    for (let i = 0; i < 1_000; i++) heap.object('Client', { ready });
    // each in a way of its own, so that nothing is remembered of the others
    const promises = Array.from({ length: 50 }, (_, i) => {
      const promise = heap.promise();
      heap.then(ready, heap.capturing('whenReady', { [`resolve${String(i)}`]: heap.resolverOf(promise) }));
      return promise;
    });
    heap.global('t', heap.timeout(heap.resolverOf(ready), 60_000));
    const graph = heap.graph();
    const explainer = createExplainer(new HeapObjects(graph, new HeapIndex(graph)));
    const looks = vi.spyOn(graph, 'source');
    expect(new Set(promises.map(({ index }) => explainer.explain(index).waitsFor.kind))).toEqual(new Set(['timer']));
    expect(looks.mock.calls.length).toBeLessThan(10_000);
  });

  it('waits for nothing where no resolver is left', () => {
    const heap = nodeHeap();
    const promise = heap.promise();
    heap.global('p', promise);
    expect(line(explained(heap, promise))).toBe('nothing | nothing: no resolver is left | - | none');
  });
});

describe('keys', () => {
  it('are equal for alike waits and differ by delay', () => {
    const heap = nodeHeap();
    const promises = [1_000, 1_000, 1_001].map((delay) => {
      const promise = heap.promise();
      heap.global(`t`, heap.timeout(heap.resolverOf(promise), delay));
      return promise;
    });
    const graph = heap.graph();
    const explainer = createExplainer(new HeapObjects(graph, new HeapIndex(graph)));
    const [a, b, c] = promises.map((promise) => explainer.explain(promise.index).key);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});
