/**
 * What share of a service's main thread watching takes, by a sampling profiler: in how many samples a function of ours is on the stack,
 * or one of V8's or Node's that is there for our sake.
 *
 *   npm run bench -- profile [--node 24] [--service express,hello,stand-in] [--seconds 30] [--debugger]
 *
 * The machine's noise, which slows everything down alike, does not change a share, nor does how one process differs from the next: so this
 * tells a percent where `services` cannot. It does not tell what watching changes elsewhere: machine code of V8's that is no longer as
 * fast, collections, the processor's caches.
 *
 * The agent's own two figures stand beside it, of the same seconds: that of its clock, and the one by which it compares moments with hooks
 * on and moments with them off, drawn at random some milliseconds apart. This one holds what hooks change elsewhere.
 *
 * Needs Linux's `perf`. Node leaves frame pointers in place and writes names of its machine code, so stacks are whole. Figures are
 * what came with the attach; after the detach nothing of it may be left.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, promisify } from 'node:util';
import { Z95 } from '../../src/agent/hookPrice.ts';
import type { Overhead } from '../../src/core/model/task.ts';
import type { TestNode } from '../support/nodes.ts';
import type { MeasuredProcess } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { DEFAULT_BUDGET_PERCENT, DEFAULT_LOAD, HEAP_FLAGS, WATCHED_TURN, chosenServices, debugAsVsCode, startDatabases, startLoader, startService, watch } from './lib/services.ts';
import type { Service } from './lib/services.ts';

/** Names for all machine code, that of functions that are still interpreted among it. */
const NAME_FLAGS = ['--perf-basic-prof', '--interpreted-frames-native-stack'];
/** No divisor of the rate of our timer, a hundred a second, nor a multiple. */
const SAMPLES_PER_SECOND = 1_999;
/** Until functions are compiled. */
const WARM_UP_MS = 8_000;
/** Until it is known what calls cost here: it takes a while under a debugger, where a comparison has few requests. */
const LEAD_MS = 4 * WATCHED_TURN.leadMs;
const SECOND_MS = 1_000;

const PARTS = ['hooks', 'slots', 'polls', 'ways'] as const;
/** The way from V8's machine code, or Node's, to a function of ours is `ways`: under a debugger others take a part of it, too. */
type Part = (typeof PARTS)[number];

/** An address, and what perf takes it for. */
const FRAME = /^\s+([0-9a-f]+) (.*) \(.*\)$/;
/** Functions of scripts without a name: the agent's, which is evaluated, and what libraries compile for themselves, which is there before. */
const OURS = /^JS:\S* :\d+:\d+$/;
const POLL = 'v8_inspector::V8InspectorSessionImpl::dispatchProtocolMessage';
const SLOT = /^JS:\S*asyncscopeTimer /;
const WAY = /^JS:\S*emit(Init|Destroy)\S* node:internal\/async_hooks:|::RunPromiseHook$|Runtime_PromiseHookInit$/;

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    service: { type: 'string', default: 'express,hello,stand-in' },
    seconds: { type: 'string', default: '30' },
    debugger: { type: 'boolean', default: false },
  },
});

await promisify(execFile)('perf', ['--version']).catch(() => {
  throw new Error("This benchmark needs Linux's perf, which is not there. On Debian: apt-get install linux-perf; on Ubuntu: apt-get install linux-tools-generic.");
});
const services = chosenServices(values.service);
const servers = await startDatabases(services);
const loader = await startLoader(DEFAULT_LOAD.connections);
const folder = await mkdtemp(join(tmpdir(), 'asyncscope-profile-'));
try {
  console.log(`${describeMachine()}. ${values.debugger ? 'Under a debugger. ' : ''}Percent of the main thread's samples, ${values.seconds} s each.`);
  const row = startTable(['service'.padEnd(32), 'Node', 'hooks', 'slots', 'polls', 'ways to them', 'all', '±', 'detached', "agent's clock", 'comparison', '±', 'counting']);
  for (const node of chosenNodes(values.node)) {
    for (const service of services) row(await measure(node, service));
  }
} finally {
  await rm(folder, { recursive: true });
  await loader.stop();
  await servers.stop();
}

async function measure(node: TestNode, service: Service): Promise<readonly string[]> {
  const watched = await startService(node.path, service, servers.env, loader, { flags: [...HEAP_FLAGS, ...NAME_FLAGS] });
  try {
    const close = values.debugger ? await debugAsVsCode(watched.url) : undefined;
    await loader.run(watched, WARM_UP_MS);
    const before = await profile(watched);
    const watching = await watch(watched.url);
    await loader.run(watched, LEAD_MS);
    let overhead: Overhead | undefined;
    const attached = await profile(watched, () => {
      overhead = watching.model.overhead(DEFAULT_BUDGET_PERCENT);
    });
    await watching.stop();
    const after = await profile(watched);
    await close?.();
    const shares = (phase: Profile): readonly number[] => PARTS.map((part) => phase.percent(part) - before.percent(part));
    const all = sum(shares(attached));
    const figures = [...shares(attached), all, errorOf(all, attached.samples), sum(shares(after)), overhead?.percent, overhead?.measured?.percent, overhead?.measured?.error];
    return [service.name, String(node.version), ...figures.map((figure) => figure?.toFixed(2) ?? ''), overhead?.counting ?? ''];
  } finally {
    await watched.stop();
    await rm(mapOf(watched.pid), { force: true });
  }
}

interface Profile {
  readonly samples: number;
  percent(part: Part): number;
}

/**
 * Samples the main thread under load.
 * @param onLoaded called as soon as the load is over: what is read then takes a while, in which the process rests
 */
async function profile(service: MeasuredProcess, onLoaded?: () => void): Promise<Profile> {
  const file = join(folder, 'perf.data');
  const seconds = Number(values.seconds);
  const perf = spawn('perf', ['record', '-e', 'cpu-clock', '-F', String(SAMPLES_PER_SECOND), '-g', '-t', String(service.pid), '-o', file, '--', 'sleep', String(seconds)], { stdio: 'ignore' });
  const [[code]] = await Promise.all([once(perf, 'exit') as Promise<[number | null]>, loader.run(service, seconds * SECOND_MS)]);
  onLoaded?.();
  if (code !== 0) throw new Error(`perf record ended with ${String(code)}: see 'perf record -e cpu-clock -g -t ${service.pid} -- sleep 1', and /proc/sys/kernel/perf_event_paranoid.`);
  const nameOf = await machineCode(service.pid);
  const reader = spawn('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const counts = new Map<Part, number>();
  let samples = 0;
  let stack: string[] = [];
  for await (const line of createInterface({ input: reader.stdout })) {
    const frame = FRAME.exec(line);
    if (frame !== null) stack.push(line.endsWith('.map)') ? nameOf(Number(`0x${frame[1] ?? ''}`)) : (frame[2] ?? ''));
    else if (stack.length > 0) {
      samples++;
      const part = partOf(stack);
      if (part !== undefined) counts.set(part, (counts.get(part) ?? 0) + 1);
      stack = [];
    }
  }
  if (samples === 0) throw new Error(`perf script read nothing from what perf record wrote: see 'perf record -e cpu-clock -g -t ${service.pid} -- sleep 1' and 'perf script'.`);
  return { samples, percent: (part) => (100 * (counts.get(part) ?? 0)) / samples };
}

/**
 * Names of V8's machine code by address. V8 writes where each function's code is and never that it is gone, so the last to have been written
 * is what is there; perf itself takes another one.
 */
async function machineCode(pid: number): Promise<(address: number) => string> {
  const text = await readFile(mapOf(pid), 'utf8');
  const all = text.split('\n').map((line) => {
    const [start = '', size = '', ...name] = line.split(' ');
    const from = Number(`0x${start}`);
    return { from, to: from + Number(`0x${size}`), name: name.join(' ') };
  });
  const known = new Map<number, string>();
  return (address) => {
    let name = known.get(address);
    if (name === undefined) {
      name = all.findLast(({ from, to }) => from <= address && address < to)?.name ?? '';
      known.set(address, name);
    }
    return name;
  };
}

/** V8 writes it there whatever the folder for temporary files is, as perf looks there. */
function mapOf(pid: number): string {
  return `/tmp/perf-${pid}.map`;
}

/** @param stack names of functions, the innermost first */
function partOf(stack: readonly string[]): Part | undefined {
  if (stack.some((name) => SLOT.test(name))) return 'slots';
  if (stack.some((name) => name.startsWith(POLL))) return 'polls';
  if (stack.some((name) => OURS.test(name))) return 'hooks';
  return stack.some((name) => WAY.test(name)) ? 'ways' : undefined;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Half width of the 95 % interval of a share. Percent. */
function errorOf(percent: number, samples: number): number {
  return Z95 * Math.sqrt((percent * (100 - percent)) / samples);
}
