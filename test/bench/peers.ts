/**
 * What other tools that watch asynchronous work cost the same service, each against bare.
 *
 *   npm run bench -- peers [--node 24] [--pairs 7] [--service express] [--peer dd-trace,trace]
 *
 * Each pair starts one fresh process with each tool, as its documentation says, and loads all of them in turns, in short windows.
 * Asyncscope is attached with its defaults. A second bare process is the control. Medians over all pairs; within a pair the better
 * half of the windows. The tools are installed on demand, in a package of their own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { PEERS_PACKAGE } from '../../scripts/lib/paths.ts';
import { ensurePeers } from '../../scripts/lib/setup.ts';
import type { TestNode } from '../support/nodes.ts';
import type { MeasuredProcess, ProcessOptions } from './lib/process.ts';
import { chosenNodes, describeMachine, ratio, startTable } from './lib/report.ts';
import { DEFAULT_LOAD, WATCHED_TURN, Yardstick, chosenServices, measureInTurns, setEmptyHook, startDatabases, startLoader, startService, watch } from './lib/services.ts';
import type { Load, Service } from './lib/services.ts';
import { median } from './lib/statistics.ts';

const WARM_UP_MS = 1_500;
/** Until our burst is spent. */
const SETTLE_MS = 3_000;

interface Peer extends ProcessOptions {
  readonly name: string;
  /** What it does about promises. */
  readonly promises: string;
  readonly after?: (program: MeasuredProcess) => Promise<() => Promise<void>>;
}

interface Round {
  readonly bare: Load;
  /** Of each peer; undefined where it did not start. */
  readonly loads: readonly (Load | undefined)[];
}

const modules = join(PEERS_PACKAGE, 'node_modules');
const requires = (file: string): readonly string[] => ['--require', file];
const scratch = await mkdtemp(join(tmpdir(), 'asyncscope-peers-'));
/** Nothing listens there, and nothing else of it is wanted than that it follows what is asynchronous. */
const DATADOG = { DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false', DD_REMOTE_CONFIGURATION_ENABLED: 'false', DD_TRACE_STARTUP_LOGS: 'false' };

const PEERS: readonly Peer[] = [
  {
    name: 'Asyncscope, defaults',
    promises: 'all',
    after: async ({ url }) => {
      const watching = await watch(url);
      return () => watching.stop();
    },
  },
  { name: 'control: nothing', promises: '' },
  { name: "V8's promise hook, empty", promises: 'all', after: ({ url }) => setEmptyHook(url) },
  { name: 'async_hooks, all empty', promises: 'all', flags: requires(join(PEERS_PACKAGE, 'asyncHooks.cjs')) },
  {
    name: 'why-is-node-running 3.2.3',
    promises: 'all',
    flags: ['--import', pathToFileURL(join(modules, 'why-is-node-running', 'include.js')).href],
  },
  { name: 'wtfnode 0.10.1', promises: 'none', flags: requires(join(PEERS_PACKAGE, 'wtfnode.cjs')) },
  { name: 'longjohn 0.2.12', promises: 'none', flags: requires(join(modules, 'longjohn')) },
  { name: 'trace 3.2.0', promises: 'all', flags: requires(join(modules, 'trace')) },
  {
    name: 'clinic bubbleprof 10.0.0',
    promises: 'all',
    flags: [
      ...requires(join(modules, '@clinic', 'bubbleprof', 'injects', 'no-cluster.js')),
      ...requires(join(modules, '@clinic', 'bubbleprof', 'injects', 'logger.js')),
      '--trace-event-categories',
      'node.async_hooks',
      `--trace-event-file-pattern=${join(scratch, '${pid}-${rotation}.log')}`,
    ],
    env: { NODE_CLINIC_BUBBLEPROF_DATA_PATH: scratch },
  },
  { name: 'OpenTelemetry, async_hooks', promises: 'context', flags: requires(join(PEERS_PACKAGE, 'otel.cjs')), env: { BENCH_CONTEXT: 'hooks' } },
  { name: 'OpenTelemetry, AsyncLocalStorage', promises: 'context', flags: requires(join(PEERS_PACKAGE, 'otel.cjs')) },
  { name: 'dd-trace 5.132.0', promises: 'context', flags: requires(join(modules, 'dd-trace', 'init.js')), env: DATADOG },
];

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    pairs: { type: 'string', default: '7' },
    service: { type: 'string', default: 'express' },
    peer: { type: 'string' },
  },
});
const wanted = values.peer?.toLowerCase().split(',');
const peers = PEERS.filter(({ name }, index) => index < 2 || wanted === undefined || wanted.some((part) => name.toLowerCase().includes(part)));

await ensurePeers();
const servers = await startDatabases(chosenServices(values.service));
const loader = await startLoader(DEFAULT_LOAD.connections);
try {
  console.log(`${describeMachine()}. Ratios against bare, medians of ${values.pairs} pairs.`);
  const row = startTable(['service'.padEnd(30), 'Node', 'tool'.padEnd(33), 'promises'.padEnd(16), 'CPU, main thread', 'CPU, all threads', 'throughput']);
  for (const node of chosenNodes(values.node)) {
    for (const service of chosenServices(values.service)) {
      const rounds: Round[] = [];
      const yardstick = new Yardstick();
      for (let pair = 0; pair < Number(values.pairs); pair++) rounds.push(await measureRound(node, service, yardstick));
      for (const [index, peer] of peers.entries()) {
        const over = (key: keyof Load): string => {
          const ratios = rounds.flatMap(({ bare, loads }) => {
            const load = loads[index];
            return load === undefined ? [] : [load[key] / bare[key]];
          });
          return ratios.length === 0 ? 'does not start' : ratio(median(ratios));
        };
        row([service.name, String(node.version), peer.name, peer.promises, over('mainUs'), over('allUs'), over('perSecond')]);
      }
    }
  }
} finally {
  await loader.stop();
  await servers.stop();
  await rm(scratch, { recursive: true, force: true });
}

/** One process per tool. A tool may not start on a Node, or not answer: it has no load then. */
async function measureRound(node: TestNode, service: Service, yardstick: Yardstick): Promise<Round> {
  const start = (options: ProcessOptions) => startService(node.path, service, servers.env, loader, options);
  const bare = await start({});
  const programs: (MeasuredProcess | undefined)[] = [];
  for (const peer of peers) programs.push(await start(peer).catch(() => undefined));
  const stops: (() => Promise<void>)[] = [];
  try {
    const all = programs.filter((program) => program !== undefined);
    for (const each of [bare, ...all]) await loader.run(each, WARM_UP_MS);
    for (const [index, peer] of peers.entries()) {
      const program = programs[index];
      if (program === undefined || peer.after === undefined) continue;
      stops.push(await peer.after(program));
      await loader.run(program, SETTLE_MS);
    }
    const { loads } = await measureInTurns(loader, [bare, ...all], { ...DEFAULT_LOAD, ...WATCHED_TURN }, yardstick);
    const [first, ...rest] = loads;
    return { bare: first as Load, loads: programs.map((program) => (program === undefined ? undefined : rest[all.indexOf(program)])) };
  } finally {
    for (const stop of stops) await stop();
    for (const program of [bare, ...programs]) await program?.stop();
  }
}
