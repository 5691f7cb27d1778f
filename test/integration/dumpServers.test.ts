/**
 * Real services under load: no dump of them may call an orphan, or a cycle, what can still settle. Fastify with PostgreSQL, Express with
 * Redis, WebSockets, and the sample service, each with and without leaks that are known by construction. Dumps are taken at moments that
 * nobody chose; afterwards, with the load over, all leaks have to be found.
 */
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Counters } from '../../examples/orders/src/app.ts';
import { LIBRARIES_PACKAGE, SAMPLE, TEST_RESULTS } from '../../scripts/lib/paths.ts';
import type { Dump, DumpGroup } from '../../src/core/model/dump.ts';
import { takeDump } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';
import { startServices } from '../support/services.ts';
import type { Services } from '../support/services.ts';
import { adopt, stopTargets } from '../support/target.ts';
import { until } from '../support/until.ts';

const SERVERS = join(import.meta.dirname, '../fixtures/dump/servers');
/** Dumps of each server under load. */
const DUMPS = 4;
/** Requests that are under way at the same time. */
const CLIENTS = 12;
/** Leaks that are asked for between the requests. */
const LEAKS = 5;
/** Where a function stands is not asked here. */
const NO_LOOKUPS = 0;

const PATHS: Readonly<Record<string, readonly string[]>> = {
  'fastifyPostgres.mjs': ['/users/1', '/users/4', 'POST /transfers/1', 'POST /transfers/4', '/both/3', '/limited/2', '/race/4', '/race/1', '/stream/1'],
  'expressRedis.mjs': ['/count/a', '/job', '/many/b', 'POST /upload', '/download', '/self', '/race'],
  'websockets.mjs': ['/north', '/south'],
};

let services: Services | undefined;
/** Where the sample service is compiled to: below this project, so that it finds its libraries. */
const orders = join(TEST_RESULTS, `dump-orders-${process.pid}`);

beforeAll(async () => {
  await mkdir(orders, { recursive: true });
  const sources = (await readdir(join(SAMPLE, 'src'))).filter((name) => name.endsWith('.ts')).map((name) => join(SAMPLE, 'src', name));
  await writeFile(join(orders, 'package.json'), '{"type":"module"}');
  [services] = await Promise.all([
    startServices(),
    build({ entryPoints: sources, outdir: orders, format: 'esm', platform: 'node', target: 'node20', sourcemap: 'linked' }),
  ]);
});

afterEach(stopTargets);
afterAll(async () => {
  await services?.stop();
  await rm(orders, { recursive: true, force: true });
});

interface Server {
  /** http:// address, without a slash at the end. */
  readonly http: string;
  /** The inspector's ws:// address. */
  readonly inspector: string;
}

async function start(node: string, args: readonly string[]): Promise<Server> {
  const child = spawn(node, ['--inspect=127.0.0.1:0', ...args], {
    env: { ...process.env, ...services?.env, LIBRARIES: join(LIBRARIES_PACKAGE, 'package.json') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  adopt(child).catch(() => undefined);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The server ended:\n${output}`);
    return /ws:\/\/\S+/.test(output) && /http:\/\/127\.\S+\d/.test(output);
  });
  return { http: /http:\/\/127\.[\d.]+:\d+/.exec(output)?.[0] ?? '', inspector: /ws:\/\/\S+/.exec(output)?.[0] ?? '' };
}

/** Sends requests until it is told to stop; then waits for those under way. */
function putLoadOn(http: string, paths: readonly string[]): { stop(): Promise<number> } {
  let over = false;
  let answered = 0;
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = client; !over; i++) {
      const [path = '/', method = 'GET'] = (paths[i % paths.length] ?? '').split(' ').reverse();
      const response = await fetch(http + path, { method, ...(method === 'POST' && { body: 'x'.repeat(1000) }) });
      await response.arrayBuffer();
      if (response.ok) answered++;
      else throw new Error(`${method} ${path}: ${response.status}`);
    }
  });
  const all = Promise.all(clients);
  // a failure is reported by `stop`
  all.catch(() => undefined);
  return {
    stop: async () => {
      over = true;
      await all;
      return answered;
    },
  };
}

async function dumpOf({ inspector }: Server): Promise<Dump> {
  const dumped = await takeDump(inspector, NO_LOOKUPS);
  await dumped.close();
  return dumped.dump;
}

/** What is called hopeless, by the functions of its chain, and how many. */
function hopeless({ groups }: Dump): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const group of groups) {
    if (group.verdict !== 'orphan' && group.verdict !== 'cycle') continue;
    const name = chainOf(group);
    found[name] = (found[name] ?? 0) + group.count;
  }
  return found;
}

function chainOf({ chain, waitsFor, verdict }: DumpGroup): string {
  return `${chain.map((frame) => frame.function ?? frame.detail ?? `${frame.kind} ${frame.declared?.file ?? ''}:${frame.declared?.line ?? ''}`).join(' > ')} | ${waitsFor.kind} | ${verdict ?? ''}`;
}

const LEAKED = 'leakForever | nothing | orphan';

describe.each(Object.keys(PATHS))('%s', (name) => {
  test.each(NODES)('Node $version: under load only what it leaks is an orphan, and all of that', async (node) => {
    const server = await start(node.path, [join(SERVERS, name)]);
    const load = putLoadOn(server.http, PATHS[name] ?? []);
    try {
      for (let i = 0; i < DUMPS; i++) expect(hopeless(await dumpOf(server))).toEqual({});
      for (let i = 0; i < LEAKS; i++) await fetch(`${server.http}/leak`).then((response) => response.text());
      expect(hopeless(await dumpOf(server))).toEqual({ [LEAKED]: LEAKS });
    } finally {
      expect(await load.stop()).toBeGreaterThan(CLIENTS);
    }
    expect(hopeless(await dumpOf(server))).toEqual({ [LEAKED]: LEAKS });
  });
});

describe('the sample service', () => {
  const RATE = 40;
  const ORDERS = 20;
  const CUSTOMERS = 4;

  test.each(NODES)('Node $version: without leaks nothing is an orphan, under its own load', async (node) => {
    const server = await start(node.path, [join(orders, 'server.js'), '--port', '0', '--load', String(RATE)]);
    for (let i = 0; i < DUMPS; i++) expect(hopeless(await dumpOf(server))).toEqual({});
  });

  test.each(NODES)('Node $version: with all leaks only payments that nobody can confirm are orphans, under its own load', async (node) => {
    const server = await start(node.path, [join(orders, 'server.js'), '--port', '0', '--load', String(RATE), '--leak', 'all']);
    for (let i = 0; i < DUMPS; i++) {
      const found = Object.keys(hopeless(await dumpOf(server)));
      expect(found.filter((chain) => !/\bPayments\.collect \| nothing \| orphan$/.test(chain))).toEqual([]);
    }
  });

  test.each(NODES)('Node $version: each payment whose resolver was overwritten is an orphan, and no other', async (node) => {
    const server = await start(node.path, [join(orders, 'server.js'), '--port', '0', '--leak', 'promise']);
    for (let i = 0; i < ORDERS; i++) await placeOrder(server.http, `c${i % CUSTOMERS}`);
    // the last resolver of each customer is still in the map; on a busy machine a payment may have failed
    await until(async () => {
      const found = Object.values(hopeless(await dumpOf(server))).reduce((sum, count) => sum + count, 0);
      return found > 0 && found === (await counters(server.http)).alive.promise - CUSTOMERS;
    });
    expect(Object.keys(hopeless(await dumpOf(server))).every((chain) => chain.endsWith('Payments.collect | nothing | orphan'))).toBe(true);
  });
});

async function placeOrder(http: string, customer: string): Promise<void> {
  const response = await fetch(`${http}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customer, sku: 'tea', quantity: 1, city: 'Oslo' }),
  });
  expect(response.status, await response.text()).toBe(201);
}

async function counters(http: string): Promise<Counters> {
  const response = await fetch(`${http}/debug/counters`);
  return (await response.json()) as Counters;
}
