/**
 * What watching costs a service under load: throughput, processor time and latency, attached with the defaults and after
 * the detach, each against a service that nobody has ever attached to.
 *
 *   npm run bench -- services [--node 24] [--pairs 8] [--service express,hello,postgresql] [--windows 8] [--window-ms 400] [--lead-ms 10000] [--floor [--all-hooks]] [--debugger]
 *
 * Each pair takes three fresh processes of a service and loads them in turns, all alike: before the attach,
 * attached, after the detach. One of them is attached to; nothing happens to the other two, of which one is what all are
 * compared with, and one is the control: what it says is the noise of the run. A figure is the change from the first phase
 * to the later one, over the same change of the bare process, so that neither a process's own place in memory nor what the
 * machine does over time counts. From pair to pair they change places in the turns, as a place has its own effect: one that was
 * loaded a moment ago is ahead of one that rested. Medians over all pairs, and within a phase over its windows.
 *
 * Processor time of the main thread per request is the figure to trust on a machine that others use, too. Windows in which something
 * else slowed the machine down are measured again; `quiet` is the share of those that count in which nothing did.
 *
 * With `--floor` a fourth process gets a promise hook of V8's that does nothing, in place of us; with `--all-hooks` all hooks that it
 * takes to see every task, which do nothing.
 *
 * `--lead-ms` is how long each is loaded while attached before the windows. Under a debugger it takes 8 to 20 s until it is known what calls
 * of hooks cost there.
 *
 * With `--debugger` another session on each inspector behaves as VS Code's debugger does; then everything is against a
 * service that is being debugged.
 */
import { parseArgs } from 'node:util';
import type { TestNode } from '../support/nodes.ts';
import { chosenNodes, describeMachine, ratio, startTable } from './lib/report.ts';
import { DEFAULT_LOAD, HEAP_FLAGS, WATCHED_TURN, Yardstick, chosenServices, debugAsVsCode, measureInTurns, setEmptyHook, startDatabases, startLoader, startService, watch } from './lib/services.ts';
import type { Load, LoadOptions, Service } from './lib/services.ts';
import { median } from './lib/statistics.ts';

/** Until the functions are compiled, before the first window. */
const WARM_UP_MS = 1_500;
/** What a process needs under load to compile its functions anew, when hooks have gone: some seconds, as V8 does it by and by. */
const RECOMPILE_MS = 3_000;

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    pairs: { type: 'string', default: '8' },
    service: { type: 'string' },
    windows: { type: 'string', default: String(DEFAULT_LOAD.windows) },
    'window-ms': { type: 'string', default: String(DEFAULT_LOAD.windowMs) },
    'lead-ms': { type: 'string', default: String(WATCHED_TURN.leadMs) },
    floor: { type: 'boolean', default: false },
    'all-hooks': { type: 'boolean', default: false },
    debugger: { type: 'boolean', default: false },
  },
});
const load: LoadOptions = { ...DEFAULT_LOAD, windows: Number(values.windows), windowMs: Number(values['window-ms']) };
const PHASES = ['attached', 'detached'] as const;
type Phase = (typeof PHASES)[number];
const FIGURES: Readonly<Record<keyof Load, string>> = { mainUs: 'CPU, main thread', allUs: 'CPU, all threads', perSecond: 'throughput', p99Ms: 'p99 latency' };
const FLOOR: 'empty hooks' | 'empty hook' = values['all-hooks'] ? 'empty hooks' : 'empty hook';
/** What the figures are of; compared with `bare`. */
const ROLES = ['watched', 'control', ...(values.floor ? [FLOOR] : [])] as const;
type Role = (typeof ROLES)[number];
interface Pair {
  readonly bare: Load;
  /** Each against bare. */
  readonly ratios: Readonly<Record<Phase, ReadonlyMap<Role, Load>>>;
  /** Share of the windows in which the machine was quiet, 0 to 1. */
  readonly quiet: number;
}

const servers = await startDatabases(chosenServices(values.service));
const loader = await startLoader(load.connections);
try {
  console.log(`${describeMachine()}. ${values.debugger ? 'Everything under a debugger; ratios' : 'Ratios'} against bare, medians of ${values.pairs} pairs.`);
  const figures = Object.entries(FIGURES);
  const row = startTable(['service'.padEnd(32), 'Node', 'bare us/req', 'phase'.padEnd(8), ...figures.flatMap(([, title]) => [title, ...ROLES.slice(1)]), 'quiet']);
  for (const node of chosenNodes(values.node)) {
    for (const service of chosenServices(values.service)) {
      const pairs: Pair[] = [];
      const yardstick = new Yardstick();
      for (let pair = 0; pair < Number(values.pairs); pair++) pairs.push(await measurePair(node, service, pair, yardstick));
      const over = (pick: (pair: Pair) => number): string => ratio(median(pairs.map(pick)));
      const bare = median(pairs.map((pair) => pair.bare.mainUs)).toFixed(1);
      const quiet = `${(100 * median(pairs.map((pair) => pair.quiet))).toFixed(0)} %`;
      for (const phase of PHASES) {
        const cells = figures.flatMap(([key]) => ROLES.map((who) => over((pair) => figure(pair, phase, who, key as keyof Load))));
        row([service.name, String(node.version), bare, phase, ...cells, quiet]);
      }
    }
  }
} finally {
  await loader.stop();
  await servers.stop();
}

async function measurePair(node: TestNode, service: Service, pair: number, yardstick: Yardstick): Promise<Pair> {
  const roles = rotated<Role | 'bare'>([...ROLES, 'bare'], pair);
  const all = await Promise.all(roles.map(() => startService(node.path, service, servers.env, loader, { flags: HEAP_FLAGS })));
  const urlOf = (role: Role): string => all[roles.indexOf(role)]?.url ?? '';
  const loadAll = async (ms: number): Promise<void> => {
    for (const each of all) await loader.run(each, ms);
  };
  try {
    const debuggers = values.debugger ? await Promise.all(all.map(({ url }) => debugAsVsCode(url))) : [];
    await loadAll(WARM_UP_MS);
    const before = await measureInTurns(loader, all, load, yardstick);
    const watching = await watch(urlOf('watched'));
    const stopHook = values.floor ? await setEmptyHook(urlOf(FLOOR), values['all-hooks'] ? 'all' : 'promises') : undefined;
    const attached = await measureInTurns(loader, all, { ...load, ...WATCHED_TURN, leadMs: Number(values['lead-ms']) }, yardstick);
    await watching.stop();
    await stopHook?.();
    await loadAll(RECOMPILE_MS);
    const detached = await measureInTurns(loader, all, load, yardstick);
    for (const close of debuggers) await close();
    const changes = (phase: readonly Load[]): ReadonlyMap<Role, Load> => {
      const change = (role: Role | 'bare'): Load => divide(phase[roles.indexOf(role)], before.loads[roles.indexOf(role)]);
      return new Map(ROLES.map((role) => [role, divide(change(role), change('bare'))]));
    };
    return {
      bare: before.loads[roles.indexOf('bare')] as Load,
      ratios: { attached: changes(attached.loads), detached: changes(detached.loads) },
      quiet: (before.quiet + attached.quiet + detached.quiet) / 3,
    };
  } finally {
    await Promise.all(all.map((each) => each.stop()));
  }
}

/** The same list, begun at another of its elements. */
function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function figure(pair: Pair, phase: Phase, role: Role, key: keyof Load): number {
  return pair.ratios[phase].get(role)?.[key] ?? NaN;
}

function divide(one: Load | undefined, other: Load | undefined): Load {
  if (one === undefined || other === undefined) throw new Error('A service was not measured.');
  return { mainUs: one.mainUs / other.mainUs, allUs: one.allUs / other.allUs, perSecond: one.perSecond / other.perSecond, p99Ms: one.p99Ms / other.p99Ms };
}
