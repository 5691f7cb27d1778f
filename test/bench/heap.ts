/**
 * What reading and analysing heap snapshots takes, against `JSON.parse` and other readers of the same file, and against the time
 * that V8 took to write it.
 *
 *   npm run bench -- heap [--node 24] [--runs 3] [--no-peers] [--only files|growth|large]
 *
 * Each reader runs in a process of its own, several times in turns. Times are processor time, that of V8's own threads too, so that what
 * else runs on the machine counts less; beside it stands the time that passed, which is what people wait. Memory is the highest
 * resident size, less what the process had before it began. Medians. The other readers are installed on demand, in a package of their own. `large` reads a file of 1 GB.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { HEAP_PEERS_PACKAGE, SAMPLE } from '../../scripts/lib/paths.ts';
import { ensureHeapPeers } from '../../scripts/lib/setup.ts';
import { connect } from '../../src/cdp/connection.ts';
import { analyzeHeap } from '../../src/core/heap/analyzeHeap.ts';
import type { HeapGraph } from '../../src/core/heap/heapGraph.ts';
import { SnapshotReader } from '../../src/core/heap/snapshotReader.ts';
import { compileSparingly } from '../../src/server/heapWorker/compiler.ts';
import { tileSnapshot } from './lib/heapFile.ts';
import { PROGRAMS } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const MEGABYTE = 1e6;
const READ_BYTES = 1024 * 1024;
/** Of the part that generated snapshots repeat: about 250,000 nodes. */
const UNIT = { orders: 12_000, tasks: 1_000 };
/** A process whose snapshot has about 2 million nodes. */
const PROCESS = { orders: 110_000, tasks: 10_000 };
/** Requests a second, and seconds of them, before the sample service's snapshot is taken: some that leak little, and very many. */
const SAMPLE_SMALL = { load: 200, seconds: 20 };
const SAMPLE_LARGE = { load: 500, seconds: 90 };

/** The thread that analyses has a limit for its young objects: three times this, megabytes. */
const AS_WORKER = ['--max-semi-space-size=2'];

type Reader = 'JSON.parse' | 'Asyncscope, reading' | 'Asyncscope, all' | '@vscode/v8-heap-parser' | '@memlab/core';
const OURS: readonly Reader[] = ['JSON.parse', 'Asyncscope, reading', 'Asyncscope, all'];
const PEERS: readonly Reader[] = ['@vscode/v8-heap-parser', '@memlab/core'];

interface Measure extends Time {
  readonly peak: number;
  readonly nodes: number;
  readonly edges: number;
}

/** Milliseconds. */
interface Time {
  /** Of the processor. */
  readonly ms: number;
  readonly elapsed: number;
}

interface Sample {
  readonly title: string;
  readonly file: string;
  /** What V8 took to write it; null for a generated one. */
  readonly written: Time | null;
}

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '24' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
    'no-peers': { type: 'boolean', default: false },
    child: { type: 'string' },
    file: { type: 'string', default: '' },
    unit: { type: 'string', default: '' },
    copies: { type: 'string', default: '1' },
  },
});
if (values.child === 'tile') process.stdout.write(JSON.stringify(tileSnapshot(values.unit, values.file, Number(values.copies))));
else if (values.child !== undefined) process.stdout.write(JSON.stringify(await measure(values.child as Reader, values.file)));
else await main();

async function main(): Promise<void> {
  const [node] = chosenNodes(values.node);
  if (node === undefined) return;
  const directory = await mkdtemp(join(tmpdir(), 'asyncscope-bench-heap-'));
  try {
    console.log(`Node ${node.version}, ${describeMachine()}; medians of ${values.runs}.`);
    const unit = join(directory, 'unit.heapsnapshot');
    await writeProcess(node.path, unit, UNIT.orders, UNIT.tasks);
    const tile = async (copies: number): Promise<string> => {
      const file = join(directory, `${copies}.heapsnapshot`);
      await child(node.path, ['--child', 'tile', '--unit', unit, '--file', file, '--copies', String(copies)]);
      return file;
    };
    if (values.only === undefined || values.only === 'files') {
      if (!values['no-peers']) await ensureHeapPeers();
      const real = join(directory, 'process.heapsnapshot');
      const sample = join(directory, 'sample.heapsnapshot');
      for (const made of [
        async () => ({ title: 'Generated', file: await tile(8), written: null }),
        async () => ({ title: 'Written by V8, a process with data', file: real, written: await writeProcess(node.path, real, PROCESS.orders, PROCESS.tasks) }),
        async () => ({ title: 'Written by V8, the sample service that has leaked for long', file: sample, written: await writeSample(node.path, sample, SAMPLE_LARGE) }),
        async () => ({ title: 'Written by V8, the sample service soon after its start', file: sample, written: await writeSample(node.path, sample, SAMPLE_SMALL) }),
      ] satisfies (() => Promise<Sample>)[]) {
        const file = await made();
        await compare(node.path, file);
        await rm(file.file);
      }
    }
    if (values.only === undefined || values.only === 'growth') {
      console.log('\nGrowth\n');
      const row = startTable(['million nodes', 'file MB ', 'reading ms', 'ms a million', 'all ms', 'ms a million', 'peak MB', 'x file']);
      for (const copies of [2, 4, 8, 16]) {
        const file = await tile(copies);
        row(await growth(node.path, file));
        await rm(file);
      }
    }
    if (values.only === 'large') {
      const bytes = (await stat(unit)).size;
      const file = await tile(Math.ceil(1024 ** 3 / bytes));
      console.log('\nA file of 1 GB\n');
      startTable(['million nodes', 'file MB ', 'reading ms', 'ms a million', 'all ms', 'ms a million', 'peak MB', 'x file'])(await growth(node.path, file));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function compare(node: string, { title, file, written }: Sample): Promise<void> {
  const { size } = await stat(file);
  const readers = values['no-peers'] ? OURS : [...OURS, ...PEERS];
  const measures = new Map<Reader, Measure[]>(readers.map((reader) => [reader, []]));
  for (let run = 0; run < Number(values.runs); run++) {
    for (const reader of readers) measures.get(reader)?.push(await measureInChild(node, reader, file));
  }
  const of = (reader: Reader, value: (measure: Measure) => number): number => median((measures.get(reader) ?? []).map(value));
  const { nodes, edges } = measures.get('Asyncscope, reading')?.[0] ?? { nodes: 0, edges: 0 };
  console.log(`\n${title}: ${(nodes / 1e6).toFixed(2)} million nodes, ${(edges / 1e6).toFixed(1)} million edges, ${megabytes(size)} MB.\n`);
  const row = startTable(['                      ', 'ms   ', 'x JSON.parse', 'x V8 writing', 'elapsed', 'x V8 writing', 'peak MB', 'x JSON.parse', 'x file']);
  const [parseMs, parsePeak] = [of('JSON.parse', ({ ms }) => ms), of('JSON.parse', ({ peak }) => peak)];
  for (const reader of readers) {
    const [ms, elapsed, peak] = [of(reader, (measure) => measure.ms), of(reader, (measure) => measure.elapsed), of(reader, (measure) => measure.peak)];
    const [xWriting, xWritingElapsed] = written === null ? ['', ''] : [(ms / written.ms).toFixed(2), (elapsed / written.elapsed).toFixed(2)];
    row([reader, ms.toFixed(0), (ms / parseMs).toFixed(2), xWriting, elapsed.toFixed(0), xWritingElapsed, megabytes(peak), (peak / parsePeak).toFixed(2), (peak / size).toFixed(2)]);
  }
  if (written !== null) row(['V8, writing it', written.ms.toFixed(0), (written.ms / parseMs).toFixed(2), '1.00', written.elapsed.toFixed(0), '1.00', '', '', '']);
}

async function growth(node: string, file: string): Promise<string[]> {
  const { size } = await stat(file);
  const read: Measure[] = [];
  const all: Measure[] = [];
  for (let run = 0; run < Number(values.runs); run++) {
    read.push(await measureInChild(node, 'Asyncscope, reading', file));
    all.push(await measureInChild(node, 'Asyncscope, all', file));
  }
  const millions = (read[0]?.nodes ?? 0) / 1e6;
  const [readMs, allMs, peak] = [median(read.map(({ ms }) => ms)), median(all.map(({ ms }) => ms)), median(all.map((measure) => measure.peak))];
  return [millions.toFixed(2), megabytes(size), readMs.toFixed(0), (readMs / millions).toFixed(0), allMs.toFixed(0), (allMs / millions).toFixed(0), megabytes(peak), (peak / size).toFixed(2)];
}

async function measureInChild(node: string, reader: Reader, file: string): Promise<Measure> {
  return JSON.parse(await child(node, ['--child', reader, '--file', file], reader.startsWith('Asyncscope') ? AS_WORKER : [])) as Measure;
}

/** Runs this bundle in another process; what it prints last is its answer. */
async function child(node: string, args: readonly string[], options: readonly string[] = []): Promise<string> {
  const script = process.argv[1] ?? '';
  const { stdout } = await promisify(execFile)(node, ['--max-old-space-size=16000', ...options, script, ...args], { maxBuffer: 16 * MEGABYTE });
  return stdout.slice(stdout.lastIndexOf('{'));
}

/** In the process of its own. */
async function measure(reader: Reader, file: string): Promise<Measure> {
  if (OURS.includes(reader) && reader !== 'JSON.parse') compileSparingly();
  const load = await loaderOf(reader);
  const base = process.memoryUsage.rss();
  const began = performance.now();
  const before = process.cpuUsage();
  const { nodes, edges } = await load(file);
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1000, elapsed: performance.now() - began, peak: process.resourceUsage().maxRSS * 1024 - base, nodes, edges };
}

type Load = (file: string) => Promise<{ readonly nodes: number; readonly edges: number }>;

async function loaderOf(reader: Reader): Promise<Load> {
  const require = createRequire(join(HEAP_PEERS_PACKAGE, 'package.json'));
  const unknown = { nodes: 0, edges: 0 };
  switch (reader) {
    case 'JSON.parse':
      return (file) => {
        const json = JSON.parse(readFileSync(file, 'utf8')) as { nodes: number[]; edges: number[] };
        return Promise.resolve({ nodes: json.nodes.length, edges: json.edges.length });
      };
    case 'Asyncscope, reading':
      return (file) => {
        const graph = read(file);
        return Promise.resolve({ nodes: graph.nodeCount, edges: graph.edgeCount });
      };
    case 'Asyncscope, all':
      return (file) => {
        const graph = read(file);
        const { groups } = analyzeHeap(graph);
        if (groups.length === 0) throw new Error('Nothing waits in this heap.');
        return Promise.resolve({ nodes: graph.nodeCount, edges: graph.edgeCount });
      };
    case '@vscode/v8-heap-parser': {
      const parser = (await import(require.resolve(reader))) as { decode_bytes: (bytes: Uint8Array) => object };
      return (file) => Promise.resolve(parser.decode_bytes(readFileSync(file))).then(() => unknown);
    }
    case '@memlab/core': {
      const memlab = require(reader) as { utils: { getSnapshotFromFile: (file: string, options: object) => Promise<object> } };
      return (file) => memlab.utils.getSnapshotFromFile(file, { buildNodeIdIndex: true, verbose: false }).then(() => unknown);
    }
  }
}

/** As the worker reads it. */
function read(file: string): HeapGraph {
  const descriptor = openSync(file, 'r');
  const { size } = fstatSync(descriptor);
  const reader = new SnapshotReader({ size });
  const buffer = new Uint8Array(READ_BYTES);
  for (let done = 0; done < size; ) {
    const count = readSync(descriptor, buffer, 0, READ_BYTES, done);
    reader.push(buffer.subarray(0, count));
    done += count;
  }
  closeSync(descriptor);
  return reader.finish();
}

/** @returns what V8 took */
async function writeProcess(node: string, file: string, orders: number, tasks: number): Promise<Time> {
  const { stdout } = await promisify(execFile)(node, ['--max-old-space-size=16000', join(PROGRAMS, 'heap.cjs'), file, String(orders), String(tasks)]);
  return JSON.parse(stdout) as Time;
}

/** The sample service, leaking under load. */
async function writeSample(node: string, file: string, { load, seconds }: { readonly load: number; readonly seconds: number }): Promise<Time> {
  const service = spawn(node, ['--inspect=127.0.0.1:0', 'dist/server.js', '--port', '0', '--load', String(load), '--leak', 'all'], {
    cwd: SAMPLE,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const url = await new Promise<string>((resolve) => {
      let text = '';
      service.stderr.on('data', (data: Buffer) => {
        text += data.toString();
        const found = /ws:\/\/\S+/.exec(text);
        if (found) resolve(found[0]);
      });
    });
    await sleep(seconds * 1000);
    const connection = await connect(url);
    const expression = `(() => {
      const began = performance.now();
      const before = process.cpuUsage();
      process.getBuiltinModule('v8').writeHeapSnapshot(${JSON.stringify(file)}, { exposeNumericValues: true });
      const { user, system } = process.cpuUsage(before);
      return { ms: (user + system) / 1000, elapsed: performance.now() - began };
    })()`;
    const answer = await connection.send('Runtime.evaluate', { expression, returnByValue: true }, 0);
    await connection.close();
    return (answer['result'] as { value: Time }).value;
  } finally {
    service.kill('SIGKILL');
  }
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(0);
}
