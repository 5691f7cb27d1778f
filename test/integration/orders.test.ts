/** The sample service: each leak grows by one with every order, and only when it is asked for. */
import CDP from 'chrome-remote-interface';
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Counters } from '../../examples/orders/src/app.ts';
import { LEAKS, readConfig } from '../../examples/orders/src/config.ts';
import type { Leak } from '../../examples/orders/src/config.ts';
import { SAMPLE, TEST_RESULTS } from '../../scripts/lib/paths.ts';
import { NODES } from '../support/nodes.ts';
import type { NodeVersion } from '../support/nodes.ts';

const ORDERS = 20;
const CITIES = ['Bergen', 'Lisbon', 'Oslo'];
const POLL_MS = 50;

const compiled = join(TEST_RESULTS, `orders-${process.pid}`);
const newestLts = pathOfNode(24);
const running: Shop[] = [];

beforeAll(async () => {
  const sources = await sourceFiles();
  await mkdir(compiled, { recursive: true });
  await writeFile(join(compiled, 'package.json'), '{"type":"module"}');
  await build({ entryPoints: sources, outdir: compiled, format: 'esm', platform: 'node', target: 'node20' });
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((shop) => shop.kill()));
});

afterAll(async () => {
  await rm(compiled, { recursive: true, force: true });
});

describe.each(NODES)('orders on Node $version', ({ path }) => {
  it('without leaks, everything that an order starts comes to an end', async () => {
    const shop = await openShop(path);
    await shop.order(ORDERS);
    const counters = await shop.counters(isAtRest());
    expect(counters.ordersTaken).toBe(ORDERS);
    expect(counters.alive.cache).toBe(CITIES.length);
    expect(await shop.terminate()).toEqual({ code: 0, stderr: '' });
  });

  it('the partners take more charges at once than Node allows listeners by default', async () => {
    const partners = pathToFileURL(join(compiled, 'partnerServer.js')).href;
    const child = spawn(path, ['--input-type=module', '-e', chargeAtOnce(partners, ORDERS)]);
    const stderr = collect(child.stderr);
    expect({ code: await exitOf(child), stderr: stderr.text }).toEqual({ code: 0, stderr: '' });
  });

  it('with all leaks and under load, SIGTERM ends it with exit code 0', async () => {
    const shop = await openShop(path, '--leak', 'all', '--load', '50');
    await shop.counters(({ ordersTaken, alive }) => ordersTaken >= ORDERS && LEAKS.every((leak) => alive[leak] > 5));
    expect(await shop.terminate()).toEqual({ code: 0, stderr: '' });
  });
});

describe('each leak alone', () => {
  it.each(LEAKS.filter((leak) => leak !== 'queue'))('%s: one more with each order, and no other', async (leak) => {
    const shop = await openShop(newestLts, '--leak', leak);
    await shop.order(ORDERS);
    await shop.order(ORDERS);
    const { alive, resources } = await shop.counters(isAtRest(leak, 2 * ORDERS));
    expect(alive[leak]).toBe(2 * ORDERS);
    // What Node itself counts: the timers, and the sockets that unread bodies occupy.
    if (leak === 'interval') expect(resources['Timeout']).toBeGreaterThanOrEqual(2 * ORDERS);
    if (leak === 'body') expect(resources['TCPSocketWrap']).toBeGreaterThanOrEqual(2 * ORDERS);
  });

  it('queue: grows as long as orders come faster than one per two seconds', async () => {
    const shop = await openShop(newestLts, '--leak', 'queue');
    await shop.order(ORDERS);
    const first = await shop.counters(({ ordersTaken }) => ordersTaken === ORDERS);
    await shop.order(ORDERS);
    const second = await shop.counters(({ ordersTaken }) => ordersTaken === 2 * ORDERS);
    expect(first.alive.queue).toBeGreaterThan(0);
    expect(second.alive.queue).toBeGreaterThan(first.alive.queue);
    await shop.counters(({ alive }) => alive.queue > 0 && restOf(alive, 'queue').every((count) => count === 0));
  });

  it('race: the long-lived promise keeps the orders that were raced against it', async () => {
    const sound = await openShop(newestLts);
    await sound.order(ORDERS);
    await sound.counters(isAtRest());

    const leaking = await openShop(newestLts, '--leak', 'race');
    await leaking.order(ORDERS);
    await leaking.counters(isAtRest('race', ORDERS));

    expect(await leaking.instancesInHeap('Order')).toBe(ORDERS + (await sound.instancesInHeap('Order')));
  });
});

describe('flags', () => {
  it('the environment fills in what the flags leave out', () => {
    const config = readConfig(['--load', '7'], { ORDERS_LEAKS: 'body, race', ORDERS_LOAD: '3', ORDERS_PORT: '0' });
    expect(config).toEqual({ port: 0, load: 7, leaks: new Set(['body', 'race']) });
  });

  it('all means every leak', () => {
    expect([...readConfig(['--leak', 'all'], {}).leaks]).toEqual([...LEAKS]);
  });

  it.each([
    ['--leak', 'memory'],
    ['--load', 'fast'],
    ['--load', '-1'],
    ['--port', '70000'],
    ['--colour', 'red'],
  ])('%s %s is refused', (...args) => {
    expect(() => readConfig(args, {})).toThrow(expect.objectContaining({ name: 'ConfigError' }));
  });

  it('a refused flag is explained in one line and exits with 2', async () => {
    const child = spawn(newestLts, [join(compiled, 'server.js'), '--leak', 'memory']);
    const stderr = collect(child.stderr);
    expect(await exitOf(child)).toBe(2);
    expect(stderr.text).toBe(`There is no leak 'memory'. Known: ${LEAKS.join(', ')}, all.\n`);
  });

  it('without --port the service opens even when its usual port is taken', async () => {
    const squatter = createServer();
    // Whether this or another program holds the port does not matter here.
    await new Promise<void>((resolve) => squatter.once('error', () => resolve()).listen(3000, '127.0.0.1', resolve));
    try {
      const shop = await openShopWith(newestLts, []);
      expect(new URL(shop.url).port).not.toBe('3000');
    } finally {
      squatter.close();
    }
  });
});

describe('load from another process', () => {
  it('places orders and says what it did', async () => {
    const shop = await openShop(newestLts);
    const load = spawn(newestLts, [join(compiled, 'load.js'), '--rate', '40', '--duration', '1', '--url', shop.url]);
    const stdout = collect(load.stdout);
    expect(await exitOf(load)).toBe(0);
    expect(stdout.text).toMatch(/^Sent [1-9]\d*, failed 0, left out \d+\.$/m);
    expect((await shop.counters(() => true)).ordersTaken).toBeGreaterThan(0);
  });
});

describe('the sources', () => {
  it('mark each leak once', async () => {
    const sources = await Promise.all((await sourceFiles()).map((file) => readFile(file, 'utf8')));
    const marked = [...sources.join('\n').matchAll(/\/\/ LEAK \((\w+)\)/g)].map(([, leak]) => leak);
    expect(marked.sort()).toEqual([...LEAKS].sort());
  });
});

interface Shop {
  readonly url: string;
  /** Places this many orders at once and waits until all are taken. */
  order(count: number): Promise<void>;
  /** Polls the service until its counters satisfy the condition; fails with the last ones. */
  counters(until: (counters: Counters) => boolean): Promise<Counters>;
  instancesInHeap(className: string): Promise<number>;
  terminate(): Promise<{ readonly code: number | null; readonly stderr: string }>;
  kill(): Promise<void>;
}

async function openShop(node: string, ...args: readonly string[]): Promise<Shop> {
  return await openShopWith(node, ['--port', '0', ...args]);
}

async function openShopWith(node: string, args: readonly string[]): Promise<Shop> {
  const ours = /^(ORDERS_.*|NODE_OPTIONS)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  const child = spawn(node, ['--inspect=127.0.0.1:0', join(compiled, 'server.js'), ...args], { env });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = exitOf(child);

  const url = await waitFor(
    () => /http:\/\/\S+/.exec(stdout.text)?.[0],
    () => `The service did not open: ${stdout.text}${stderr.text}`,
    () => child.exitCode !== null,
  );
  const inspector = await waitFor(
    () => /ws:\/\/\S+/.exec(stderr.text)?.[0],
    () => `No inspector: ${stderr.text}`,
  );

  const shop: Shop = {
    url,
    order: async (count) => {
      await Promise.all(Array.from({ length: count }, async (_, index) => await placeOrder(url, index)));
    },
    counters: async (until) => {
      let last: Counters | undefined;
      return await waitFor(
        async () => {
          const response = await fetch(`${url}/debug/counters`);
          last = (await response.json()) as Counters;
          return until(last) ? last : undefined;
        },
        () => `The counters did not get there: ${JSON.stringify(last)}`,
      );
    },
    instancesInHeap: async (className) => countInstances(await takeSnapshot(inspector), className),
    terminate: async () => {
      child.kill('SIGTERM');
      return { code: await exited, stderr: withoutInspectorNotes(stderr.text) };
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
  running.push(shop);
  return shop;
}

/** A program that opens the partners' side, and has it charge so often before the first payment is confirmed. */
function chargeAtOnce(partners: string, count: number): string {
  return `import { startPartnerServer } from '${partners}';
    const { url, close } = await startPartnerServer();
    const charge = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ orderId: '1', amount: 1, callback: url }) };
    await Promise.all(Array.from({ length: ${String(count)} }, async () => (await fetch(url + '/charges', charge)).arrayBuffer()));
    await close();`;
}

async function placeOrder(url: string, index: number): Promise<void> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customer: `c${index % 4}`, sku: 'tea', quantity: 1, city: CITIES[index % CITIES.length] }),
  });
  expect(response.status, await response.text()).toBe(201);
}

/** Nothing of an order is left, but for `count` of the leak and the cache's entry per city. */
function isAtRest(leak?: Leak, count = 0): (counters: Counters) => boolean {
  return ({ alive }) =>
    restOf(alive, leak).every((rest) => rest === 0) && (leak === undefined || alive[leak] >= count);
}

function restOf(alive: Counters['alive'], leak: Leak | undefined): readonly number[] {
  return LEAKS.filter((name) => name !== leak && name !== 'cache').map((name) => alive[name]);
}

interface HeapSnapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] } };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

async function takeSnapshot(inspector: string): Promise<HeapSnapshot> {
  const client = await CDP({ target: inspector, local: true });
  try {
    const chunks: string[] = [];
    client.HeapProfiler.addHeapSnapshotChunk(({ chunk }) => chunks.push(chunk));
    await client.HeapProfiler.takeHeapSnapshot({});
    return JSON.parse(chunks.join('')) as HeapSnapshot;
  } finally {
    await client.close();
  }
}

function countInstances({ snapshot, nodes, strings }: HeapSnapshot, className: string): number {
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const typeField = fields.indexOf('type');
  const nameField = fields.indexOf('name');
  const objectType = types[0].indexOf('object');
  let count = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    if (nodes[node + typeField] === objectType && strings[nodes[node + nameField] ?? -1] === className) count++;
  }
  return count;
}

function withoutInspectorNotes(stderr: string): string {
  return stderr.replace(/^(Debugger (listening|ending) on ws:|For help, see: ).*\n/gm, '');
}

function pathOfNode(version: NodeVersion): string {
  const node = NODES.find((candidate) => candidate.version === version);
  if (node === undefined) throw new Error(`Node ${version} is not among the tested versions.`);
  return node.path;
}

async function sourceFiles(): Promise<string[]> {
  const folder = join(SAMPLE, 'src');
  return (await readdir(folder)).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

function collect(stream: NodeJS.ReadableStream | null): { readonly text: string } {
  const collected = { text: '' };
  stream?.setEncoding('utf8').on('data', (chunk: string) => (collected.text += chunk));
  return collected;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve));
}

/** Polls until there is a value. The test's own time limit is the only limit. */
async function waitFor<T>(
  read: () => T | undefined | Promise<T | undefined>,
  explain: () => string,
  isHopeless: () => boolean = () => false,
): Promise<T> {
  const deadline = Date.now() + 50_000;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (isHopeless() || Date.now() > deadline) throw new Error(explain());
    await delay(POLL_MS);
  }
}
