/** A dump of a service like the sample, written by hand: every verdict, shared prefixes, shared leaves, folded library frames, resources. */
import type { Dump, DumpFrame, DumpGroup, DumpPosition, WaitsFor } from '../../src/core/model/dump';
import { DUMP_FORMAT_VERSION } from '../../src/core/model/dump';

/** @param root the folder of the service. */
export function sampleDump(root = '/srv/orders', part: Partial<Dump> = {}): Dump {
  const at = (file: string, line: number, column: number): DumpPosition => ({ file: `${root}/src/${file}`, line, column });
  const place = frame('OrderStore.place', at('orders.ts', 67, 9), at('orders.ts', 69, 25));
  const priced = frame('OrderStore.priced', at('orders.ts', 86, 17), at('orders.ts', 92, 28));
  const save = frame('OrderStore.save', at('orders.ts', 96, 17), at('orders.ts', 103, 18));
  const insert = frame('OrderStore.insert', at('orders.ts', 106, 17), at('orders.ts', 107, 11));
  const retry = frame('retry', at('retry.ts', 9, 23), at('retry.ts', 13, 20));
  const insertOrder = frame('Database.insertOrder', at('database.ts', 32, 9), at('database.ts', 33, 16));
  const handler = frame(null, at('app.ts', 36, 40), at('app.ts', 39, 52));
  const find = frame('OrderStore.find', at('orders.ts', 74, 9), at('orders.ts', 75, 39));
  const findOrder = frame('Database.findOrder', at('database.ts', 40, 9), at('database.ts', 41, 28));
  const lookAt = frame(null, at('app.ts', 46, 30), at('app.ts', 49, 36));
  const collect = frame('Payments.collect', at('payments.ts', 23, 9), at('payments.ts', 26, 27));
  const socket: WaitsFor = { kind: 'socket', text: 'socket 127.0.0.1:41233', at: at('database.ts', 59, 38), details: { address: '127.0.0.1:41233', pending: 12 } };
  const groups: DumpGroup[] = [
    {
      id: 'collect', count: 96, verdict: 'orphan',
      why: 'Nothing reachable can settle the promise that collect waits for: its resolvers were overwritten in Map resolvers. File them under a key of their own, or reject what is replaced.',
      chain: [collect],
      waitsFor: { kind: 'nothing', text: 'nothing: its resolver is gone', at: at('payments.ts', 49, 26), details: {} },
      heldBy: [{ count: 96, path: 'Map awaitingConfirmation in src/payments.ts › value' }],
    },
    {
      id: 'lock', count: 2, verdict: 'cycle',
      why: 'Each of these waits for the other: refresh awaits load, and load awaits refresh. Neither can go on.',
      chain: [frame('Catalogue.refresh', at('catalogue.ts', 31, 17), at('catalogue.ts', 33, 36)), frame('Catalogue.load', at('catalogue.ts', 18, 16), at('catalogue.ts', 19, 37))],
      waitsFor: { kind: 'cycle', text: 'itself, through Catalogue.refresh', at: at('catalogue.ts', 33, 36), details: {} },
      heldBy: [{ count: 2, path: 'Catalogue in src/catalogue.ts › refreshing' }],
    },
    {
      id: 'closing', count: 412, verdict: 'crowd',
      why: 'One promise, closing in src/service.ts, has 1,204 reactions. Each Promise.race against it adds one that stays as long as it is pending. Use an AbortSignal, or race against a promise of your own.',
      chain: [place, save, { ...frame(null, null, null), kind: 'combinator', detail: 'Promise.race' }],
      waitsFor: { kind: 'app promise', text: 'its resolver is held by close (src/service.ts:91)', at: at('service.ts', 41, 9), details: { reactions: 1204 } },
      heldBy: [{ count: 412, path: 'Service in src/service.ts › closing › reactions' }],
    },
    {
      id: 'outbox', count: 310, verdict: 'stuck',
      why: 'The oldest has waited since before the last three dumps; its resolver is in Outbox.queue, which the worker empties one by one. Limit the queue, or start more workers.',
      chain: [frame('OrderStore.notify', at('orders.ts', 112, 17), at('orders.ts', 115, 13))],
      waitsFor: { kind: 'app promise', text: 'its resolver is in Outbox queue', at: at('outbox.ts', 29, 12), details: { holder: 'Outbox queue' } },
      heldBy: [{ count: 310, path: 'Outbox in src/outbox.ts › queue › element › resolve' }],
    },
    {
      id: 'place-quote', count: 41, verdict: 'in flight', why: 'An HTTP request is under way.',
      chain: [handler, frame('OrderStore.place', at('orders.ts', 67, 9), at('orders.ts', 68, 30)), priced, frame('Shipping.quote', at('shipping.ts', 31, 9), at('shipping.ts', 38, 29)), frame('fetch', null, null, 'node')],
      waitsFor: { kind: 'http request', text: 'GET http://127.0.0.1:40117/quotes/Basel', at: at('shipping.ts', 38, 29), details: { method: 'GET', path: '/quotes/Basel', address: '127.0.0.1:40117' } },
      heldBy: [{ count: 41, path: '(native) › Agent › sockets' }],
    },
    { id: 'place-insert', count: 23, verdict: 'in flight', why: 'A live socket will answer.', chain: [handler, place, save, insert, retry, insertOrder], waitsFor: socket, heldBy: [{ count: 23, path: '(native) › Socket › Database › pending' }] },
    { id: 'place-wait', count: 5, verdict: 'in flight', why: 'A live timer will fire.', chain: [handler, place, save, insert, { ...retry, awaiting: at('retry.ts', 19, 13) }], waitsFor: { kind: 'timer', text: 'timer: 200 ms, delay (src/retry.ts:26)', at: at('retry.ts', 26, 10), details: { delayMs: 200, dueInMs: 120 } }, heldBy: [] },
    { id: 'find', count: 9, verdict: 'in flight', why: 'A live socket will answer.', chain: [lookAt, find, findOrder], waitsFor: socket, heldBy: [{ count: 9, path: '(native) › Socket › Database › pending' }] },
    { id: 'refresh', count: 1, verdict: 'in flight', why: 'A live timer will fire.', chain: [frame('Tracking.follow', at('tracking.ts', 28, 9), at('tracking.ts', 34, 15))], waitsFor: { kind: 'timer', text: 'timer: 30 s, poll (src/tracking.ts:40)', at: at('tracking.ts', 40, 5), details: { delayMs: 30_000, dueInMs: 12_400 } }, heldBy: [] },
    { id: 'listener', count: 120, verdict: null, why: '', chain: [frame('OrderStore.pack', at('orders.ts', 109, 17), at('orders.ts', 110, 11)), frame('Warehouse.prepareParcel', at('warehouse.ts', 20, 9), at('warehouse.ts', 22, 11))], waitsFor: { kind: 'event', text: 'event packed-1042 of EventEmitter', at: at('warehouse.ts', 30, 12), details: { emitter: 'EventEmitter', event: 'packed-1042' } }, heldBy: [{ count: 120, path: 'Warehouse in src/warehouse.ts › events › listeners' }] },
    { id: 'node', count: 40, verdict: 'in flight', why: 'An HTTP request is under way.', chain: [{ ...frame('mainFetch', null, null, 'node') }, { ...frame(null, null, null, 'node'), kind: 'then' }], waitsFor: { kind: 'http request', text: 'http request POST http://127.0.0.1:40117/mails', at: null, details: {} }, heldBy: [] },
    { id: 'bare', count: 3, verdict: null, why: '', chain: [], waitsFor: { kind: 'native', text: 'native code', at: null, details: {} }, heldBy: [] },
  ];
  return {
    formatVersion: DUMP_FORMAT_VERSION,
    target: { pid: 4242, node: 'v24.9.0', url: '127.0.0.1:9229', title: 'orders', cwd: root, file: null },
    at: '2026-03-04T14:03:22.000Z',
    pauseMs: 312,
    analysisMs: 420,
    partial: false,
    notes: [],
    totals: { suspended: 1022, pendingPromises: 3104, timers: 47, handles: 18, requests: 3 },
    groups: [...groups].sort((a, b) => b.count - a.count),
    resources: {
      timers: [
        { count: 42, type: 'interval', text: 'every 5 s, poll', at: at('tracking.ts', 40, 5), details: { delayMs: 5000 } },
        { count: 5, type: 'timeout', text: '200 ms, delay', at: at('retry.ts', 26, 10), details: { delayMs: 200 } },
      ],
      handles: [{ count: 18, type: 'TCP', text: '127.0.0.1:41233', at: null, details: { remoteAddress: '127.0.0.1:41233' } }],
      requests: [{ count: 3, type: 'FSReqCallback', text: 'readFile /srv/orders/prices.json', at: at('catalogue.ts', 40, 11), details: {} }],
      listeners: [
        { emitter: 'EventEmitter', event: 'packed', emitters: 1, count: 120, limit: 10, aboveLimit: true, at: at('warehouse.ts', 30, 12) },
        { emitter: 'AbortSignal', event: 'abort', emitters: 1, count: 4, limit: null, aboveLimit: false, at: null },
      ],
      streams: [{ stream: 'Socket', count: 2, state: 'waiting for drain', bufferedBytes: 70_000, highWaterMark: 16_384, objectMode: false }],
    },
    ...part,
  };
}

/** Tasks that read a file: Node's own functions, which have positions too, stand below the user's; and Node reads on its own account. */
export function readingGroups(root = '/srv/orders'): readonly DumpGroup[] {
  const at = (file: string, line: number): DumpPosition => ({ file, line, column: 3 });
  const load = frame('PriceList.load', at(`${root}/src/prices.ts`, 12), at(`${root}/src/prices.ts`, 14));
  const parse = frame('parseRows', at(`${root}/node_modules/rows/index.js`, 5), at(`${root}/node_modules/rows/index.js`, 8), 'dependency');
  const read = frame('read', at('node:internal/fs/promises', 640), at('node:internal/fs/promises', 661), 'node');
  const group = (id: string, chain: readonly DumpFrame[], text: string): DumpGroup => ({ id, count: 1, verdict: 'in flight', why: '', chain, waitsFor: { kind: 'fs', text, at: at('node:internal/fs/promises', 661), details: {} }, heldBy: [] });
  return [group('rows', [load, parse, read], 'read of rows.csv'), group('prices', [load, parse, read], 'read of prices.csv'), group('package', [parse, read], 'read of a package'), group('nodes', [read], 'read of Node')];
}

/** As many groups as asked for, in chains three to six deep that share their first and last functions. */
export function manyGroups(count: number): readonly DumpGroup[] {
  const at = (file: number, line: number): DumpPosition => ({ file: `/srv/big/src/module${String(file)}.ts`, line, column: 3 });
  const verdicts = ['in flight', 'in flight', 'in flight', 'stuck', null, 'orphan'] as const;
  return Array.from({ length: count }, (_, index): DumpGroup => {
    const depth = 3 + (index % 4);
    const chain = Array.from({ length: depth }, (__, level) => {
      const width = level === 0 ? 12 : level === depth - 1 ? 9 : 40 * level;
      const number = (index * (7 + level)) % width;
      return frame(`level${String(level)}Step${String(number)}`, at(number, 10 + level), at(number, 12 + level));
    });
    const verdict = verdicts[index % verdicts.length] ?? null;
    return {
      id: `g${String(index)}`, count: 1 + ((index * 7919) % 400), verdict, why: verdict === null ? '' : `The reason of group ${String(index)}.`, chain,
      waitsFor: verdict === 'orphan' ? { kind: 'nothing', text: 'nothing', at: null, details: {} } : { kind: 'socket', text: `socket 10.0.0.${String(index % 40)}:5432`, at: null, details: {} },
      heldBy: [],
    };
  });
}

export function frame(name: string | null, declared: DumpPosition | null, awaiting: DumpPosition | null, origin: DumpFrame['origin'] = 'app'): DumpFrame {
  return { function: name, kind: 'async function', origin, declared, awaiting, awaitingKnown: awaiting === null ? 0 : 1, repeats: 1, detail: null };
}
