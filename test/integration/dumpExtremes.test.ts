/**
 * Dumps of processes that are far from usual, through the terminal command: very many suspended functions, very long chains, very long
 * cycles. And snapshots whose layout is another version's: the same answer, or an error that says what is wrong, never a hang.
 */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TEST_RESULTS } from '../../scripts/lib/paths.ts';
import { connect } from '../../src/cdp/connection.ts';
import { analyzeHeap } from '../../src/core/heap/analyzeHeap.ts';
import type { HeapAnalysis } from '../../src/core/heap/heapAnalysis.ts';
import { SnapshotError } from '../../src/core/heap/snapshotError.ts';
import { SnapshotReader } from '../../src/core/heap/snapshotReader.ts';
import type { Dump, DumpGroup } from '../../src/core/model/dump.ts';
import { bundleInto } from '../support/bundles.ts';
import { NODES } from '../support/nodes.ts';
import { startTarget, stopTargets } from '../support/target.ts';

const execute = promisify(execFile);
const directory = join(TEST_RESULTS, `dump-extremes-${process.pid}`);
/** What a dump prints at most; groups are few, however many tasks there are. */
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

beforeAll(async () => {
  await mkdir(directory, { recursive: true });
  await bundleInto(directory);
});
afterEach(stopTargets);
afterAll(() => rm(directory, { recursive: true, force: true }));

async function asyncscopeDump(source: string): Promise<Dump> {
  const { stdout } = await execute(process.execPath, [join(directory, 'cli.js'), 'dump', source, '--json'], { maxBuffer: OUTPUT_LIMIT_BYTES });
  return JSON.parse(stdout) as Dump;
}

function rowOf({ count, chain, waitsFor, verdict }: DumpGroup): string {
  return `${count} x ${chain.map(({ function: name, repeats }) => `${name ?? ''} x ${repeats}`).join(' > ')} | ${waitsFor.kind} | ${verdict ?? ''}`;
}

const HELD = "globalThis.resolvers = []; const wait = () => new Promise((resolve) => resolvers.push(resolve)); setInterval(() => {}, 1000); globalThis.kept = [];";
const READY = "setImmediate(() => console.log('idle'));";

/** V8 itself takes long to write a snapshot of so many objects: on a busy machine that is not ours to wait for four times. */
const MANY_TIMEOUT_MS = 240_000;

describe.each(NODES.filter(({ version }) => version === 24))('Node $version', (node) => {
  test('200,000 suspended functions are counted exactly, and a second dump says the same', { timeout: MANY_TIMEOUT_MS }, async () => {
    const code = `${HELD} async function inner() { await wait(); } async function outer() { await inner(); } for (let i = 0; i < 100_000; i++) kept.push(outer()); ${READY}`;
    const { url } = await startTarget(node, code);
    const first = await asyncscopeDump(url);
    expect(first.totals.suspended).toBe(200_000);
    expect(first.groups.map(rowOf)).toEqual(['100000 x outer x 1 > inner x 1 | app promise | stuck']);
    const second = await asyncscopeDump(url);
    expect(second.groups.map(rowOf)).toEqual(first.groups.map(rowOf));
    expect(second.groups.map(({ id }) => id)).toEqual(first.groups.map(({ id }) => id));
    expect(second.totals).toEqual(first.totals);
  });
});

describe.each(NODES)('Node $version', (node) => {
  test('a chain of 20,000 functions, and one of 20,000 callbacks', async () => {
    const code = `${HELD} async function link(next) { await next; } function step() {} let chain = wait(); let steps = wait();
      for (let i = 0; i < 20_000; i++) { chain = link(chain); steps = steps.then(step); } kept.push(chain, steps); ${READY}`;
    const { url } = await startTarget(node, code);
    const { groups, totals } = await asyncscopeDump(url);
    expect(groups.map(rowOf).sort()).toEqual(['1 x link x 19999 > link x 1 | app promise | stuck', '1 x step x 20000 | app promise | stuck']);
    expect(totals.suspended).toBe(20_000);
  });

  test('a cycle of 10,000 functions, and 1,000 that wait for themselves', async () => {
    const code = `globalThis.kept = []; setInterval(() => {}, 1000); async function next(i, n) { await null; await kept[(i + 1) % n]; }
      async function self(i) { await null; await kept[i]; }
      for (let i = 0; i < 10_000; i++) kept.push(next(i, 10_000)); for (let i = 10_000; i < 11_000; i++) kept.push(self(i)); ${READY}`;
    const { url } = await startTarget(node, code);
    const { groups, totals } = await asyncscopeDump(url);
    expect(totals.suspended).toBe(11_000);
    expect(groups.map(({ count, verdict, waitsFor }) => `${count} ${verdict ?? ''} ${waitsFor.kind}`)).toEqual(['1000 cycle cycle', '1 cycle cycle']);
  });

  test('a promise that 20,000 functions wait for, and a combinator of 20,000', async () => {
    const code = `${HELD} const shared = wait(); async function waits() { await shared; } for (let i = 0; i < 20_000; i++) kept.push(waits());
      async function all() { await Promise.all(Array.from({ length: 20_000 }, wait)); } kept.push(all()); ${READY}`;
    const { url } = await startTarget(node, code);
    const { groups, totals } = await asyncscopeDump(url);
    expect(totals.suspended).toBe(20_001);
    expect(groups.find(({ chain }) => chain[0]?.function === 'waits')).toMatchObject({ count: 20_000 });
    expect(groups.find(({ chain }) => chain[0]?.function === 'all')).toMatchObject({ count: 1, waitsFor: { kind: 'combinator', details: { settled: 0, of: 20_000 } } });
  });

  test('30,000 tasks that are resolved by callbacks of one promise all wait for its timer', async () => {
    const code = `globalThis.kept = []; const ready = new Promise((resolve) => setTimeout(resolve, 3_600_000));
      async function task() { await new Promise((resolve) => ready.then((value) => resolve(value))); } for (let i = 0; i < 30_000; i++) kept.push(task()); ${READY}`;
    const { url } = await startTarget(node, code);
    const { groups } = await asyncscopeDump(url);
    const ends = groups.filter(({ chain }) => chain[0]?.function === 'task').map(({ count, waitsFor }) => `${count} ${waitsFor.kind}`);
    expect(ends).toEqual(['30000 timer']);
  });
});

interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[], ...unknown[]]; edge_fields: string[]; edge_types: [string[], ...unknown[]]; location_fields: string[] } };
  nodes: number[];
  edges: number[];
  locations: number[];
  strings: string[];
}

describe('a snapshot of another V8', () => {
  let whole = '';
  let before: readonly string[] = [];
  beforeAll(async () => {
    const node = NODES.find(({ version }) => version === 24) ?? NODES[0];
    if (node === undefined) throw new Error('no Node');
    const { url } = await startTarget(node, `${HELD} async function inner() { await wait(); } async function outer() { await inner(); } kept.push(outer(), outer()); ${READY}`);
    const connection = await connect(url);
    connection.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
      whole += String(chunk);
    });
    await connection.send('HeapProfiler.takeHeapSnapshot', {}, 0);
    await connection.close();
    before = rows(analyze(whole));
  });

  test('with its fields and types in another order, and fields that are new, tells the same', () => {
    const other = JSON.parse(whole) as Snapshot;
    const { meta } = other.snapshot;
    const edgeCount = meta.node_fields.indexOf('edge_count');
    const old = meta.node_fields.length;
    // the fields turned around, and one more
    const nodes: number[] = [];
    for (let at = 0; at < other.nodes.length; at += old) nodes.push(...other.nodes.slice(at, at + old).reverse(), 7);
    other.nodes = nodes;
    meta.node_fields = [...meta.node_fields.reverse(), 'colour'];
    meta.node_types = [[], ...new Array<string>(old).fill('number')];
    const typeField = meta.node_fields.indexOf('type');
    const types = (JSON.parse(whole) as Snapshot).snapshot.meta.node_types[0];
    // a type that nobody knows before all others
    (meta.node_types as unknown[])[typeField] = ['quark', ...types];
    const width = meta.node_fields.length;
    for (let at = typeField; at < nodes.length; at += width) nodes[at] = (nodes[at] ?? 0) + 1;
    const fields = meta.edge_fields.length;
    const toNode = meta.edge_fields.indexOf('to_node');
    for (let at = toNode; at < other.edges.length; at += fields) other.edges[at] = ((other.edges[at] ?? 0) / old) * width;
    const locationFields = meta.location_fields.length;
    for (let at = meta.location_fields.indexOf('object_index'); at < other.locations.length; at += locationFields) other.locations[at] = ((other.locations[at] ?? 0) / old) * width;
    expect(edgeCount).toBeGreaterThan(-1);
    expect(rows(analyze(JSON.stringify(other)))).toEqual(before);
    expect(before).toEqual(['2 x outer > inner']);
  });

  test.each<[string, (snapshot: Snapshot) => void]>([
    ['without the edges of nodes', ({ snapshot: { meta } }) => (meta.node_fields[meta.node_fields.indexOf('edge_count')] = 'edges')],
    ['without the targets of edges', ({ snapshot: { meta } }) => (meta.edge_fields[meta.edge_fields.indexOf('to_node')] = 'from_node')],
    ['whose meta is missing', (snapshot) => delete (snapshot.snapshot as { meta?: unknown }).meta],
    ['whose nodes are fewer than it says', (snapshot) => (snapshot.nodes = snapshot.nodes.slice(0, snapshot.nodes.length / 2))],
    ['whose edges lead nowhere', (snapshot) => (snapshot.edges[2] = 2 ** 31)],
  ])('%s is refused, saying why', (_what, damage) => {
    const other = JSON.parse(whole) as Snapshot;
    damage(other);
    expect(() => analyze(JSON.stringify(other))).toThrow(SnapshotError);
  });

  test('is refused by the terminal command with a sentence and an exit code', async () => {
    const file = join(directory, 'damaged.heapsnapshot');
    await writeFile(file, whole.slice(0, whole.length / 3));
    const failure = await asyncscopeDump(file).then(
      () => undefined,
      (error: unknown) => error as { code: number; stderr: string },
    );
    expect(failure?.code).toBeGreaterThan(0);
    expect(failure?.stderr).toMatch(/^\S.+\n$/);
    expect(failure?.stderr).not.toMatch(/\n\s+at /);
  });
});

function analyze(text: string): HeapAnalysis {
  const reader = new SnapshotReader();
  reader.push(new TextEncoder().encode(text));
  return analyzeHeap(reader.finish());
}

function rows({ groups }: HeapAnalysis): readonly string[] {
  return groups.map(({ count, chain }) => `${count} x ${chain.map((frame) => frame.function ?? '').join(' > ')}`);
}
