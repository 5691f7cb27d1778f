/** Services under load from another process, watched against bare, window by window in one run. */
import { attach } from '../../../src/cdp/attach.ts';
import { connect } from '../../../src/cdp/connection.ts';
import type { AttachedTarget } from '../../../src/cdp/target.ts';
import { SessionModel } from '../../../src/core/model/sessionModel.ts';
import { pollInto } from '../../../src/server/session.ts';
import { createSourceMaps } from '../../../src/server/sourceMaps.ts';
import { ensureLibraries, ensureServers, toolNode } from '../../../scripts/lib/setup.ts';
import { startServices } from '../../support/services.ts';
import type { Services } from '../../support/services.ts';
import { processorTime, startMeasured } from './process.ts';
import type { MeasuredProcess, ProcessOptions } from './process.ts';
import { median } from './statistics.ts';

/** As the extension is set up at first. */
export const DEFAULT_BUDGET_PERCENT = 1;
export const DEFAULT_POLL_MS = 1_000;

export interface Service {
  readonly name: string;
  readonly program: string;
  /** It asks a database: a real one, or {@link Loader.standIn}, which takes little of the processor. */
  readonly database?: 'PostgreSQL' | 'stand-in';
}

const SERVICES: readonly Service[] = [
  { name: 'Express, 20 awaits', program: 'express.mjs' },
  { name: 'Fastify hello', program: 'fastifyHello.mjs' },
  { name: 'Fastify, JSON body, PostgreSQL', program: 'fastifyOrders.mjs', database: 'PostgreSQL' },
  { name: 'Fastify, JSON body, pg, stand-in', program: 'fastifyOrders.mjs', database: 'stand-in' },
];

/** @param names parts of names of services, with commas; nothing for all */
export function chosenServices(names: string | undefined): readonly Service[] {
  const parts = names?.toLowerCase().split(',');
  return SERVICES.filter(({ name }) => parts === undefined || parts.some((part) => name.toLowerCase().includes(part)));
}

/** Installs what the services are made of, and starts the databases of those that ask a real one. */
export async function startDatabases(services: readonly Service[]): Promise<Services> {
  await ensureLibraries();
  if (services.every(({ database }) => database !== 'PostgreSQL')) return { env: {}, stop: () => Promise.resolve() };
  await ensureServers();
  return startServices();
}

/** @param databases the variables in which services find the databases of this machine */
export function startService(node: string, { program, database }: Service, databases: NonNullable<ProcessOptions['env']>, loader: Loader, options: ProcessOptions = {}): Promise<MeasuredProcess> {
  return startMeasured(node, program, { ...options, env: { ...databases, ...(database === 'stand-in' && loader.standIn), ...options.env } });
}

/** Figures of one span under load. */
export interface Load {
  /** Microseconds of the main thread per request. */
  readonly mainUs: number;
  /** Microseconds of all threads of the process per request. */
  readonly allUs: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly connections: number;
  /** Length of one window. Milliseconds. */
  readonly windowMs: number;
  /** What a service is loaded for before the windows of each turn. Milliseconds. */
  readonly leadMs: number;
  /** Windows of each service per phase. */
  readonly windows: number;
  /** In how many turns: windows of one turn follow each other. */
  readonly turns: number;
}

export const DEFAULT_LOAD: LoadOptions = { connections: 16, leadMs: 300, windowMs: 400, windows: 8, turns: 2 };

/**
 * How a service is loaded while it is watched: in one long turn. While others have theirs it rests, and what the agent may spend fills up,
 * so a window that came at once would be charged for what is meant for all that time. Under a load that does not rest, which is what is
 * to be measured, it is used up within a second for looks, and within ten for calls of hooks: 50 ms in reserve, less by 5 to 20 a second.
 */
export const WATCHED_TURN = { leadMs: 10_000, turns: 1 } as const;

/**
 * What would make processes that take turns unlike one that is always busy, or each unlike the others.
 *
 * - V8 makes the young generation larger as more survives in it, up to this, which it reaches after some ten seconds of load in one
 *   go. A larger one no longer fits the processor's caches: each request takes some 5 % longer. A process that is attached to gets there
 *   sooner than one that is not, so all have the final size from the start.
 * - Now and then V8 collects a process that rests, to save memory. What no object has at that moment, as no request is under way, goes with
 *   the optimized code that was made for it ("embedded weak objects cleared": 175 functions in one go), and the next requests take 5 to
 *   20 % longer for some seconds. One that is watched has grown a little and meets that sooner in its rests; a busy one does not.
 */
export const HEAP_FLAGS = ['--min-semi-space-size=16', '--max-semi-space-size=16', '--no-memory-reducer'];

export interface Loader {
  /** Keeps a service busy for a while, and says what came of it. */
  run(service: MeasuredProcess, ms: number): Promise<Load>;
  /** The variables in which services find what stands in for databases, in the process of the load. */
  readonly standIn: NonNullable<ProcessOptions['env']>;
  stop(): Promise<void>;
}

export async function startLoader(connections: number): Promise<Loader> {
  const loader = await startMeasured(toolNode(), 'loader.mjs');
  return {
    async run(service, ms) {
      const before = await processorTime(service.pid);
      const { request, port } = service.ready as { request: object; port: number };
      const { answered, elapsedMs, p99Ms } = (await loader.ask({ ...request, port, connections, ms })) as Record<'answered' | 'elapsedMs' | 'p99Ms', number>;
      const after = await processorTime(service.pid);
      return {
        mainUs: ((after.main - before.main) * 1000) / answered,
        allUs: ((after.all - before.all) * 1000) / answered,
        perSecond: (answered * 1000) / elapsedMs,
        p99Ms,
      };
    },
    standIn: { PG_URL: `postgres://postgres@127.0.0.1:${String(loader.ready['postgresPort'])}/postgres` },
    stop: () => loader.stop(),
  };
}

/**
 * Tells whether the machine is at its best. What shares a core of a virtual machine's host makes everything take up to twice as long, for
 * seconds to minutes, and shows in no counter of the guest: so each service does a fixed piece of work between windows, and what that
 * takes is compared with the shortest time that it ever took in this run. One for each Node, as they compile it differently.
 */
export class Yardstick {
  /** What the work may take longer in a window that counts. V8 compiles it now better, now worse, a quarter apart; what disturbs doubles it. */
  static readonly TOLERANCE = 1.4;
  #shortestMs = Infinity;

  async read(service: MeasuredProcess): Promise<number> {
    const { yardstickMs } = (await service.ask({})) as { yardstickMs: number };
    this.#shortestMs = Math.min(this.#shortestMs, yardstickMs);
    return yardstickMs;
  }

  isQuiet(ms: number): boolean {
    return ms <= this.#shortestMs * Yardstick.TOLERANCE;
  }
}

interface Window {
  readonly load: Load;
  /** What the yardstick said before it or after it, whichever took longer. */
  readonly yardstickMs: number;
}

/** A turn goes on, for as many times its windows, until enough of them were quiet. */
const ATTEMPTS = 8;

/**
 * Puts short windows of all services one beside the other, so that what disturbs the machine disturbs all of them. Those in which it was
 * quietest count: a turn goes on until there are enough in which it was quiet, within limits.
 * @returns the figures in the order of the services, and the share of the windows that count in which it was quiet, 0 to 1
 */
export async function measureInTurns(
  loader: Loader,
  services: readonly MeasuredProcess[],
  options: LoadOptions,
  yardstick: Yardstick,
): Promise<{ readonly loads: readonly Load[]; readonly quiet: number }> {
  const all = services.map((): Window[] => []);
  const each = Math.ceil(options.windows / options.turns);
  for (let turn = 0; turn < options.turns; turn++) {
    for (let i = 0; i < services.length; i++) {
      // each is first as often as it is last
      const index = turn % 2 === 0 ? i : services.length - 1 - i;
      const service = services[index] as MeasuredProcess;
      await loader.run(service, options.leadMs);
      let before = await yardstick.read(service);
      for (let window = 0, quiet = 0; quiet < each && window < each * ATTEMPTS; window++) {
        const load = await loader.run(service, options.windowMs);
        const after = await yardstick.read(service);
        const yardstickMs = Math.max(before, after);
        all[index]?.push({ load, yardstickMs });
        if (yardstick.isQuiet(yardstickMs)) quiet++;
        before = after;
      }
    }
  }
  const counted = all.map((windows) => windows.sort((a, b) => a.yardstickMs - b.yardstickMs).slice(0, options.windows));
  const quiet = counted.flat().filter(({ yardstickMs }) => yardstick.isQuiet(yardstickMs)).length;
  return { loads: counted.map(medianOf), quiet: quiet / counted.flat().length };
}

function medianOf(windows: readonly Window[]): Load {
  const of = (key: keyof Load): number => median(windows.map(({ load }) => load[key]));
  return { mainUs: of('mainUs'), allUs: of('allUs'), perSecond: of('perSecond'), p99Ms: of('p99Ms') };
}

export interface Watching {
  readonly target: AttachedTarget;
  readonly model: SessionModel;
  /** Detaches. */
  stop(): Promise<void>;
}

/** Attaches and polls as the product does, with its defaults. */
export async function watch(url: string, budgetPercent = DEFAULT_BUDGET_PERCENT, pollMs = DEFAULT_POLL_MS): Promise<Watching> {
  const target = await attach(url, { budgetPercent });
  const model = new SessionModel();
  const positions = createSourceMaps();
  let polling: Promise<unknown> = pollInto(model, target, positions);
  await polling;
  const timer = setInterval(() => {
    // one that is not answered in time is followed by the next; a target that has gone shows in the figures
    polling = polling.then(() => pollInto(model, target, positions)).catch(() => undefined);
  }, pollMs);
  return {
    target,
    model,
    async stop() {
      clearInterval(timer);
      await polling;
      await target.detach();
    },
  };
}

/**
 * A session such as VS Code's debugger opens: it knows scripts, breakpoints, exceptions and asynchronous stacks, of this depth, and lets
 * none of Node's own frames be stepped into.
 * @returns the function that closes it
 */
export async function debugAsVsCode(url: string): Promise<() => Promise<void>> {
  const session = await connect(url);
  await session.send('Runtime.enable');
  await session.send('Debugger.enable');
  await session.send('Debugger.setAsyncCallStackDepth', { maxDepth: ASYNC_STACK_DEPTH });
  await session.send('Debugger.setPauseOnExceptions', { state: 'none' });
  await session.send('Debugger.setBlackboxPatterns', { patterns: ['^node:internal/'] });
  return () => session.close();
}

const ASYNC_STACK_DEPTH = 32;

/** Hooks that do nothing: V8's for promises, and Node's for what is no promise, as far as both are needed to see all tasks. */
const EMPTY_HOOKS = {
  promises: "globalThis.stopEmptyHook = process.getBuiltinModule('v8').promiseHooks.onInit(() => {})",
  all: `(() => {
    const hook = process.getBuiltinModule('async_hooks').createHook({ init() {}, destroy() {}, trackPromises: false });
    // before Node had that option
    for (const symbol of Object.getOwnPropertySymbols(hook)) if (symbol.description === 'kNoPromiseHook') hook[symbol] = true;
    const { promiseHooks } = process.getBuiltinModule('v8');
    const stops = [promiseHooks.onInit(() => {}), promiseHooks.onSettled(() => {})];
    hook.enable();
    globalThis.stopEmptyHook = () => {
      hook.disable();
      for (const stop of stops) stop();
    };
  })()`,
} as const;

/**
 * Sets a hook that does nothing: no tool that sees tasks begin can cost less than V8 and Node take for calling it.
 * @returns the function that takes it off again
 */
export async function setEmptyHook(url: string, of: keyof typeof EMPTY_HOOKS = 'promises'): Promise<() => Promise<void>> {
  const connection = await connect(url);
  const evaluate = (expression: string) => connection.send('Runtime.evaluate', { expression });
  await evaluate(EMPTY_HOOKS[of]);
  return async () => {
    await evaluate('stopEmptyHook(); delete globalThis.stopEmptyHook');
    await connection.close();
  };
}
