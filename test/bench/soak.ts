/**
 * An hour of watching: the sample service with its leaks, under a steady load from another process, attached with the
 * defaults. Beside it runs the same service under the same load that nobody watches.
 *
 *   npm run bench -- soak [--minutes 60] [--rate 5] [--node 24] [--plot docs/images/soak.svg]
 *
 * Every ten seconds: what the service itself counts against what is shown, the agent's memory (the heap in use after a
 * collection, beyond that of the service that nobody watches), and what watching costs, by the agent's own clock and by
 * processor time against the other service. Writes the figures to test-results/soak.csv, and a plot; prints a table.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT, SAMPLE, TEST_RESULTS } from '../../scripts/lib/paths.ts';
import { toolNode } from '../../scripts/lib/setup.ts';
import { connect } from '../../src/cdp/connection.ts';
import type { Connection } from '../../src/cdp/connection.ts';
import type { SessionModel } from '../../src/core/model/sessionModel.ts';
import type { TaskKind } from '../../src/core/model/task.ts';
import type { Counters } from '../../examples/orders/src/app.ts';
import { drawPlot } from './lib/plot.ts';
import type { Panel } from './lib/plot.ts';
import { processorTime } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { DEFAULT_BUDGET_PERCENT, watch } from './lib/services.ts';
import { median, quantile } from './lib/statistics.ts';

const SAMPLE_MS = 10_000;
const MINUTE_MS = 60_000;
const MEGABYTE = 1024 * 1024;
/** A task may begin or end between the look at the service's counters and the poll, or be counted a moment before or after it has begun. */
const ROUNDING = 1;

/** Where each leak shows: kind, file and function. Of the other leaks what grows is no task, or stops growing. */
const LEAKS = {
  interval: { kind: 'interval', file: 'tracking.ts', function: 'follow' },
  promise: { kind: 'promise', file: 'payments.ts', function: 'expectConfirmation' },
  queue: { kind: 'promise', file: 'outbox.ts', function: 'send' },
  listener: { kind: 'promise', file: 'warehouse.ts', function: 'whenPacked' },
} as const satisfies Record<string, { kind: TaskKind; file: string; function: string }>;
type Leak = keyof typeof LEAKS;
const LEAK_NAMES = Object.keys(LEAKS) as readonly Leak[];

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '5' },
    node: { type: 'string', default: '24' },
    plot: { type: 'string', default: join(TEST_RESULTS, 'soak.svg') },
  },
});
const [node] = chosenNodes(values.node);
if (node === undefined) throw new Error('No Node was chosen.');

interface Shop {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly inspector: string;
  readonly http: string;
}

interface Sample {
  readonly minute: number;
  /** What the service counts just before and just after the poll. */
  readonly truth: Readonly<Record<Leak, readonly [number, number]>>;
  readonly live: Readonly<Record<Leak, { readonly count: number; readonly error: number }>>;
  /** Megabytes in use after a collection. */
  readonly heap: { readonly watched: number; readonly bare: number };
  readonly agentPercent: number;
  /** Percent of a core that the service takes: its main thread over the time since the last sample. */
  readonly cpu: { readonly watched: number; readonly bare: number };
  readonly dropped: number;
  readonly lostPolls: number;
}

const children: ChildProcess[] = [];
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));

const [watchedShop, bareShop] = await Promise.all([openShop(), openShop()]);
const watching = await watch(watchedShop.inspector);
const sessions = { watched: await connect(watchedShop.inspector), bare: await connect(bareShop.inspector) };
const seconds = Number(values.minutes) * 60;
for (const { http } of [watchedShop, bareShop]) {
  children.push(spawn(toolNode(), [join(SAMPLE, 'dist', 'load.js'), '--rate', values.rate, '--duration', String(seconds), '--url', http], { stdio: 'ignore' }));
}
const began = performance.now();
const samples: Sample[] = [];
let lastCpu = await bothProcessorTimes();
let lastAt = performance.now();
for (let due = began + SAMPLE_MS; due < began + seconds * 1000; due += SAMPLE_MS) {
  await sleep(Math.max(0, due - performance.now()));
  samples.push(await takeSample());
  // the collections that the sample made are not the service's
  lastCpu = await bothProcessorTimes();
  lastAt = performance.now();
  await writeAll(samples);
}
await watching.stop();
await Promise.all([sessions.watched.close(), sessions.bare.close()]);
children.forEach((child) => child.kill('SIGKILL'));
report(samples);

async function takeSample(): Promise<Sample> {
  const at = performance.now();
  const cpu = await bothProcessorTimes();
  const percent = (now: number, before: number): number => ((now - before) / (at - lastAt)) * 100;
  const before = await counters(watchedShop);
  const answered = nextPoll(watching.model);
  await answered;
  const live = Object.fromEntries(LEAK_NAMES.map((leak) => [leak, liveTasks(watching.model, leak)])) as Sample['live'];
  const overhead = watching.model.overhead(DEFAULT_BUDGET_PERCENT);
  const after = await counters(watchedShop);
  return {
    minute: (at - began) / MINUTE_MS,
    truth: Object.fromEntries(LEAK_NAMES.map((leak) => [leak, [before.alive[leak], after.alive[leak]]])) as unknown as Sample['truth'],
    live,
    heap: { watched: await heapAfterCollection(sessions.watched), bare: await heapAfterCollection(sessions.bare) },
    agentPercent: overhead?.percent ?? 0,
    cpu: { watched: percent(cpu.watched, lastCpu.watched), bare: percent(cpu.bare, lastCpu.bare) },
    dropped: watching.model.dropped,
    lostPolls: watching.model.lostPolls,
  };
}

/** Resolves when the model has taken the next answer. */
async function nextPoll(model: SessionModel): Promise<void> {
  const last = model.clockMs;
  while (model.clockMs === last) await sleep(5);
}

function liveTasks(model: SessionModel, leak: Leak): { count: number; error: number } {
  const wanted = LEAKS[leak];
  const result = { count: 0, variance: 0 };
  for (const site of model.sites()) {
    if (site.kind !== wanted.kind || site.file?.endsWith(`/${wanted.file}`) !== true) continue;
    const place = site.stack.find((frame) => frame.line === site.line && frame.file === site.file);
    if (place?.function?.endsWith(wanted.function) !== true) continue;
    result.count += site.count;
    result.variance += site.error ** 2;
  }
  return { count: result.count, error: Math.sqrt(result.variance) };
}

async function counters(shop: Shop): Promise<Counters> {
  const response = await fetch(`${shop.http}/debug/counters`);
  return (await response.json()) as Counters;
}

async function heapAfterCollection(session: Connection): Promise<number> {
  await session.send('HeapProfiler.collectGarbage', {}, MINUTE_MS);
  const { usedSize } = await session.send('Runtime.getHeapUsage', {}, MINUTE_MS);
  return (usedSize as number) / MEGABYTE;
}

async function bothProcessorTimes(): Promise<{ watched: number; bare: number }> {
  const [one, other] = await Promise.all([processorTime(watchedShop.pid), processorTime(bareShop.pid)]);
  return { watched: one.main, bare: other.main };
}

async function openShop(): Promise<Shop> {
  const flags = ['--inspect=127.0.0.1:0', join(SAMPLE, 'dist', 'server.js'), '--port', '0', '--leak', 'all'];
  const child = spawn(node?.path ?? '', flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const found = (stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-10_000);
        const match = pattern.exec(text);
        if (match !== null) resolve(match[0]);
      });
      child.once('exit', (code) => {
        reject(new Error(`The sample service ended with code ${code ?? '?'}:\n${text}`));
      });
    });
  const [inspector, http] = await Promise.all([found(child.stderr, /ws:\/\/\S+/), found(child.stdout, /http:\/\/[\d.:]+/)]);
  return { child, pid: child.pid ?? -1, inspector, http };
}

async function writeAll(all: readonly Sample[]): Promise<void> {
  await mkdir(TEST_RESULTS, { recursive: true });
  const columns: Readonly<Record<string, (sample: Sample) => number>> = {
    minute: (sample) => sample.minute,
    ...Object.fromEntries(
      LEAK_NAMES.flatMap((leak) => [
        [`${leak} before`, (sample: Sample) => sample.truth[leak][0]],
        [`${leak} shown`, (sample: Sample) => sample.live[leak].count],
        [`${leak} error`, (sample: Sample) => sample.live[leak].error],
        [`${leak} after`, (sample: Sample) => sample.truth[leak][1]],
      ]),
    ),
    'heap MB watched': (sample) => sample.heap.watched,
    'heap MB bare': (sample) => sample.heap.bare,
    'agent %': (sample) => sample.agentPercent,
    'CPU % watched': (sample) => sample.cpu.watched,
    'CPU % bare': (sample) => sample.cpu.bare,
    dropped: (sample) => sample.dropped,
    'lost polls': (sample) => sample.lostPolls,
  };
  const lines = all.map((sample) => Object.values(columns).map((of) => Number(of(sample).toFixed(3))).join(','));
  await writeFile(join(TEST_RESULTS, 'soak.csv'), [Object.keys(columns).join(','), ...lines, ''].join('\n'));
  const plot = join(ROOT, values.plot);
  const file = values.plot.startsWith('/') ? values.plot : plot;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, drawPlot(panels(all)));
}

function panels(all: readonly Sample[]): readonly Panel[] {
  const line = (of: (sample: Sample) => number) => all.map((sample) => [sample.minute, of(sample)] as const);
  const minutes = smoothed(all);
  return [
    {
      title: 'Live tasks on four lines: shown (line), and what the service counts itself (dots)',
      unit: 'tasks',
      lines: LEAK_NAMES.map((leak) => ({ name: leak, points: line((sample) => sample.live[leak].count) })),
      dots: LEAK_NAMES.map((leak) => ({ name: leak, points: line((sample) => (sample.truth[leak][0] + sample.truth[leak][1]) / 2).filter((_, index) => index % 12 === 0) })),
    },
    {
      title: 'Heap in use after a collection',
      unit: 'MB',
      lines: [
        { name: 'watched', points: line((sample) => sample.heap.watched) },
        { name: 'not watched', points: line((sample) => sample.heap.bare) },
      ],
    },
    {
      title: 'What watching costs: percent of the time, medians of a minute',
      unit: '%',
      lines: [
        { name: "by the agent's own clock", points: minutes.map(({ minute, agent }) => [minute, agent] as const) },
        { name: 'processor time beyond the service that nobody watches', points: minutes.map(({ minute, beyond }) => [minute, beyond] as const) },
      ],
    },
  ];
}

/** Samples are noisy one by one. */
function smoothed(all: readonly Sample[]): readonly { minute: number; agent: number; beyond: number }[] {
  const perMinute = MINUTE_MS / SAMPLE_MS;
  return Array.from({ length: Math.floor(all.length / perMinute) }, (_, index) => {
    const part = all.slice(index * perMinute, (index + 1) * perMinute);
    return {
      minute: (part[0] as Sample).minute,
      agent: median(part.map((sample) => sample.agentPercent)),
      beyond: median(part.map((sample) => sample.cpu.watched - sample.cpu.bare)),
    };
  });
}

function report(all: readonly Sample[]): void {
  console.log(`${describeMachine()}. Node ${node?.version ?? ''}, ${values.rate} requests/s for ${values.minutes} minutes.`);
  const last = all.at(-1);
  if (last === undefined) return;
  const row = startTable(['leak'.padEnd(10), 'at the end: counted by the service', 'shown', 'samples in which the two agree']);
  for (const leak of LEAK_NAMES) {
    const agree = all.filter(({ truth, live }) => {
      const { count, error } = live[leak];
      return count >= Math.min(...truth[leak]) - error - ROUNDING && count <= Math.max(...truth[leak]) + error + ROUNDING;
    });
    const error = last.live[leak].error;
    row([leak, String(last.truth[leak][1]), `${last.live[leak].count}${error > 0 ? ` ± ${error.toFixed(0)}` : ''}`, `${((agree.length / all.length) * 100).toFixed(1)} %`]);
  }
  const half = all.slice(all.length / 2);
  const beyond = (sample: Sample | undefined): string => ((sample?.heap.watched ?? 0) - (sample?.heap.bare ?? 0)).toFixed(2);
  console.log(`Heap beyond the service that nobody watches, MB: ${beyond(all[0])} at first, ${beyond(all[Math.floor(all.length / 2)])} in the middle, ${beyond(last)} at the end.`);
  console.log(`Agent's own clock: median ${median(all.map((sample) => sample.agentPercent)).toFixed(2)} %, 95 % of the samples below ${quantile(all.map((sample) => sample.agentPercent), 0.95).toFixed(2)} %.`);
  console.log(`Processor time of the second half: ${median(half.map((sample) => sample.cpu.watched)).toFixed(2)} % of a core watched, ${median(half.map((sample) => sample.cpu.bare)).toFixed(2)} % not watched.`);
  console.log(`Dropped: ${last.dropped}. Answers lost: ${last.lostPolls}.`);
}
