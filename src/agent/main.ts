/**
 * The agent: what Asyncscope puts into the target. Installed by one evaluation, asked through an accessor, gone after
 * `dispose` or when nobody has asked for `leaseMs`.
 *
 * It holds no object of the program, makes no async resource inside a hook, and never throws into the program.
 */
import type { AgentAnswer, AgentChange, AgentConfig, AgentPoll, ScriptLesson } from '../protocol/agent';
import { createBudget } from './budget';
import { createCapture } from './capture';
import { packChanges } from './changes';
import { describeResource } from './describeResource';
import { encode } from './encode';
import { createEndings } from './ended';
import { createExisting } from './existing';
import type { Existing, TimerInternals } from './existing';
import { watchFigures } from './figures';
import type { Figures } from './figures';
import { createGate } from './gate';
import { hookField } from './hookField';
import { PROMISE_HOOKS, RESOURCE_HOOKS, createHookPrice } from './hookPrice';
import type { HookPrice } from './hookPrice';
import { readOwn } from './host';
import type { NodeModules, PromiseDetails, TargetProcess, V8Error } from './host';
import { createOwnTimers } from './ownTimers';
import type { OwnTimer } from './ownTimers';
import { trackPromises } from './promises';
import type { PromiseTracking } from './promises';
import { createReactions } from './reactions';
import { trackResources } from './resources';
import type { AsyncHookInternals, ResourceTracking } from './resources';
import { createRunning } from './running';
import { createSampler } from './sampler';
import type { Sampler } from './sampler';
import { NO_SITE, createStacks } from './stacks';
import type { RawSite } from './stacks';
import { SLOT_MS } from './duty';
import type { Duty } from './duty';
import { createTrial } from './trial';
import type { Cost, Trial, Usage } from './trial';
import { MAX_TASKS, TASK_BYTES, createTaskTable } from './taskTable';

type LoopUsage = Pick<Usage, 'busyMs' | 'events'>;

/** As in protocol/agent.ts: said at once when the answer has to wait for a hook that is under way. */
const ANSWER_FOLLOWS = 'later';
/** As in protocol/agent.ts: said in place of an answer that could not be made, as silence would mean that no agent is there. */
const ANSWER_FAILED = 'failed';
/** Of the budget, what looks at promises may take in any case, and looks at resources; calls of the hooks may take the rest. */
const LOOK_PART = 0.2;
/** A poll that took longer was interrupted by something that is not ours. */
const DEAREST_POLL_MS = 10;
/** The same for what begins a slot. */
const DEAREST_SLOT_MS = 0.1;
/** With less room than this nothing could be told. */
const LEAST_TASKS = 1_024;
/** How often the agent looks whether it is still wanted: at most half a lease late. */
const LEASE_CHECKS = 2;

/** What the CDP layer can do with an installed agent. */
export interface Agent {
  /** Node keeps from us what the resource hook needs: {@link enableResources} must be called with it. */
  readonly needsInternals: boolean;
  enableResources(
    getHookArrays: AsyncHookInternals['getHookArrays'],
    enableHooks: () => void,
    kInit: number,
    kBefore: number,
    kDestroy: number,
    kTotals: number,
  ): void;
  /**
   * Takes in what was there before the attach; once, when resources are watched. Returns the functions whose position is
   * wanted, by the numbers that sites give them; null when a hook is under way, then it is to be called again.
   * @param hookFields `async_hook_fields`
   * @param usesResource the index of what {@link Running.reveal} takes
   * @param after the index of what {@link HookPrice.reveal} takes
   */
  adopt(timerListMap: TimerInternals['timerListMap'], immediateQueue: unknown, hookFields: unknown, usesResource: unknown, after: unknown): object | null;
  /**
   * Takes in the promises that are pending of all that V8 has found in the heap. Returns false when a hook is under way,
   * then it is to be called again; and `sampled`, having done nothing, when promises have been passed over: in the heap they are like those
   * from before the attach, and they are counted already, in what samples stand for.
   */
  adoptPromises(all: readonly object[], getPromiseDetails: (promise: object) => readonly unknown[] | undefined, kPending: unknown): boolean | 'sampled';
  /** @param sites their numbers, as JSON */
  watch(sites: string): void;
  /** Answers {@link AgentPoll.unsure}. @param lessons {@link ScriptLesson}s, as JSON */
  learn(lessons: string): void;
  dispose(): void;
}

export interface Realm {
  readonly globalThis: Record<string, unknown>;
  readonly process: TargetProcess;
  /** V8's own, whatever the global of that name is now. */
  readonly Error: V8Error;
  readonly captureStackTrace: V8Error['captureStackTrace'];
  /** Undefined where Node keeps it to itself: then hooks are always on. */
  readonly promiseDetails: PromiseDetails | undefined;
}

/**
 * @param load gives a builtin module of Node by its name
 * @throws when a module or the binding is missing; nothing is left behind then
 */
export function install(config: AgentConfig, realm: Realm, load: (name: string) => unknown): Agent {
  const { globalThis: globals, process, Error: ErrorClass, captureStackTrace } = realm;
  const node = loadModules(load);
  const startTimer = createOwnTimers(node.isProxy, load);
  const { performance } = node.perfHooks;
  const clock = clockOf(performance);
  const wallClock = Date.now;
  const out = globals[config.outBinding] as (payload: string) => void;
  if (typeof out !== 'function') throw new Error('the program has frozen its globals, nothing can be put into it');
  // the function is all we need: the program must not find it
  delete globals[config.outBinding];

  const gate = createGate();
  const taskLimit = limitOf(config.memoryLimitBytes);
  const table = createTaskTable(taskLimit);
  const capture = createCapture(globals, ErrorClass, captureStackTrace);
  const stacks = createStacks(capture, table, config.stackDepth, config.origins, node.asyncHooks.executionAsyncId);
  const promisePrice = createHookPrice(PROMISE_HOOKS);
  const resourcePrice = createHookPrice(RESOURCE_HOOKS);
  const running = createRunning(node.asyncHooks.executionAsyncResource);
  const sites: RawSite[] = [];
  const fill = () => table.size / taskLimit;
  const begin = clock();
  const budget = createBudget(config.budgetPercent, begin);
  const promiseSampler = createSampler(budget, LOOK_PART, begin, fill, () => promises.duty.level !== 'slots');
  const resourceSampler = createSampler(budget, LOOK_PART, begin, fill, () => resources.duty.level !== 'slots');
  let watched: readonly number[] = [];
  let sequence = 0;
  let lastPoll = begin;
  let lastPollWork = 0;
  let spentBefore = 0;
  /** Since the last poll, for ends and beginnings of slots. Milliseconds. */
  let slotWork = 0;
  let promiseBefore = 0;
  let resourceBefore = 0;
  let disposed = false;

  // What is to be undone, in the order in which it was done.
  const undo: (() => void)[] = [capture.restore];
  let checksMissed = 0;
  let slotTimer: OwnTimer | undefined;
  const promiseTrial = createTrial(begin);
  const resourceTrial = createTrial(begin);
  let lastSeen = begin;
  let loopOffset = 0;
  let figures!: Figures;
  let existing!: Existing;
  let resources!: ResourceTracking;
  let promises!: PromiseTracking;
  let promiseSite = NO_SITE;
  let beforePromises: AgentPoll['beforePromises'] = null;
  try {
    // Everything of our own that Node would report to a hook is made before the hooks are on.
    figures = watchFigures(node, process, clock);
    undo[undo.length] = figures.stop;
    const leaseMade = clock();
    let carries = false;
    const checkLease = (): void => {
      // where the program's stack was used up it could not be stopped
      if (disposed) {
        lease.stop();
        return;
      }
      if (carries) {
        carries = false;
        figures.carryNothing();
      }
      // counted in ticks, not on the clock: a process that was suspended must not find itself abandoned on its return
      if (lastSeen !== lastPoll) {
        lastSeen = lastPoll;
        checksMissed = 0;
        // ticks alone could be those of a test's clock, if there is no other
      } else if (++checksMissed >= LEASE_CHECKS && clock() - lastPoll > checkMs) dispose();
    };
    const checkMs = config.leaseMs / LEASE_CHECKS;
    const lease = startTimer(checkLease, checkMs);
    undo[undo.length] = lease.stop;
    carries = lease.carried;
    Object.defineProperty(globals, config.pollBinding, {
      configurable: true,
      enumerable: false,
      get: () => agent,
      // Runtime.addBinding assigns the binding it makes to this name: that is how a poll is asked for without leaving a
      // script behind
      set: () => {
        if (!disposed && !gate.pass(answer)) out(ANSWER_FOLLOWS);
      },
    });
    undo[undo.length] = () => {
      delete globals[config.pollBinding];
    };
    const reactions = createReactions(node.v8);
    undo[undo.length] = reactions.stop;
    const endings = createEndings(process, node.isProxy, realm.promiseDetails);
    resources = trackResources(node, table, stacks, resourceSampler, clock, gate, reactions, budget, endings, resourcePrice);
    undo[undo.length] = resources.stop;
    const idleStart = readOwn(node.isProxy, lease.timer, '_idleStart');
    // a timer that was just made tells the time on libuv's clock
    if (typeof idleStart === 'number') loopOffset = idleStart - leaseMade;
    existing = createExisting({
      process,
      isProxy: node.isProxy,
      stacks,
      ledger: resources,
      own: lease.timer,
      getAsyncId: figures.getAsyncId,
      clock,
      loopOffset,
      running,
    });
    undo[undo.length] = existing.stop;
    undo[undo.length] = () => {
      slotTimer?.stop();
    };
    promises = trackPromises(node, table, stacks, promiseSampler, clock, gate, reactions, budget, realm.promiseDetails, promisePrice);
    undo[undo.length] = promises.stop;
  } catch (error) {
    // the attach came where the program's stack was used up, or something was missing
    dispose();
    throw error;
  }

  function answer(): void {
    if (disposed) return;
    let text = ANSWER_FAILED;
    try {
      text = encode(poll());
    } catch {
      // what only this answer told is lost: the next one shows it by its number
    }
    out(text);
  }

  function poll(): AgentAnswer {
    const now = clock();
    promiseSampler.tick(now);
    resourceSampler.tick(now);
    promises.duty.review(now);
    resources.duty.review(now);
    promises.catchUp();
    resources.catchUp();
    resources.rest();
    // what may fail comes before what is told only once
    keepTime();
    const notFollowed = existing.more(now);
    const processFigures = figures.take(now);
    const tasks = mapList(watched, listTasks);
    const seq = ++sequence;
    const fresh = stacks.takeNew();
    for (let i = 0; i < fresh.sites.length; i++) {
      const site = fresh.sites[i] as RawSite;
      sites[site.id] = site;
    }
    const changes = mapList(table.takeDirty(), (site): AgentChange => {
      const { live, variance, started, abandoned } = table.figures(site);
      return [site, live, variance > 0 ? floor(variance) : 0, started, abandoned, table.oldest(site)];
    });
    const span = now - lastPoll;
    const promiseSpent = promiseSampler.spentMs + promises.duty.spentMs;
    const resourceSpent = resourceSampler.spentMs + resources.duty.spentMs;
    // what is compared is not added by the clock; ends of slots are alike in both kinds
    const own = slotWork + (promises.duty.level === 'slots' ? 0 : promiseSpent - promiseBefore) + (resources.duty.level === 'slots' ? 0 : resourceSpent - resourceBefore);
    const measured = measuredCost(now, span > 0 ? (100 * (own + lastPollWork)) / span : 0);
    promiseBefore = promiseSpent;
    resourceBefore = resourceSpent;
    const spent = promiseSampler.spentMs + resourceSampler.spentMs + promises.duty.spentMs + resources.duty.spentMs;
    const result: AgentAnswer = {
      v: config.version,
      seq,
      now,
      wall: wallClock(),
      firstFrame: fresh.firstFrame,
      frames: mapList(fresh.frames, (frame) => [frame.function, frame.script, frame.line, frame.column, frame.flags]),
      sites: fresh.sites as AgentPoll['sites'],
      changes: packChanges(changes),
      unsure: fresh.unsure,
      dropped: table.dropped + gate.lost,
      stacks: stacks.state,
      beforeNotFollowed: notFollowed,
      beforeComplete: existing.complete,
      beforePromises,
      sampledPromises: promiseSampler.sampled || promises.duty.missed,
      sampledResources: resourceSampler.sampled || resources.duty.missed,
      promiseWeight: promiseSampler.weight * promises.duty.slotWeight,
      resourceWeight: resourceSampler.weight * resources.duty.slotWeight,
      promiseCounting: countingOf(promises.duty, promiseSampler),
      resourceCounting: countingOf(resources.duty, resourceSampler),
      memoryBytes: table.size * TASK_BYTES,
      memoryLimited: promiseSampler.cramped || resourceSampler.cramped,
      measured,
      agentMs: spent - spentBefore + slotWork + lastPollWork,
      spanMs: now - lastPoll,
      pollMs: lastPollWork,
      process: processFigures,
      tasks,
    };
    spentBefore = spent;
    slotWork = 0;
    lastPoll = now;
    lastPollWork = clock() - now;
    budget.payUpkeep(lastPollWork < DEAREST_POLL_MS ? lastPollWork : DEAREST_POLL_MS);
    return result;
  }

  /**
   * Undefined where that is not known, or what a program has patched throws. Not the processor time, which is that of all threads: while a
   * worker is busy, a slot with fewer events would be dear for the worker's sake.
   */
  function usageNow(): LoopUsage | undefined {
    try {
      const events = performance.nodeTiming?.uvMetricsInfo?.events;
      if (events === undefined) return undefined;
      return { busyMs: performance.eventLoopUtilization().active, events };
    } catch {
      return undefined;
    }
  }

  /** What watching costs by comparison, with what our own clock says of hooks that are always on. */
  function measuredCost(now: number, own: number): Cost | null {
    const byPromises = costOf(promises.duty, promiseTrial, promisePrice, now);
    const byResources = costOf(resources.duty, resourceTrial, resourcePrice, now);
    if (promises.duty.level === 'slots' ? byPromises === null : resources.duty.level !== 'slots') return null;
    if (resources.duty.level === 'slots' && byResources === null) return null;
    const percent = (byPromises?.percent ?? 0) + (byResources?.percent ?? 0) + own;
    const error = sqrt((byPromises?.error ?? 0) ** 2 + (byResources?.error ?? 0) ** 2);
    return { percent, error };
  }

  function nextSlot(): void {
    const now = clock();
    const usage = usageNow();
    nextSlotOf(promises.duty, promiseTrial, promiseSampler, now, usage);
    nextSlotOf(resources.duty, resourceTrial, resourceSampler, now, usage);
    const took = slotCost(now);
    slotWork += took;
    budget.payUpkeep(took);
  }

  /** @param usage undefined where nothing can be compared */
  function nextSlotOf(duty: Duty, trial: Trial, { spentMs }: Sampler, now: number, usage: LoopUsage | undefined): void {
    if (usage !== undefined) trial.end(duty, { ...usage, calls: duty.calls(), ownMs: spentMs });
    const before = clock();
    duty.tick(now);
    // switching the hooks is in the slot, and is charged already
    if (usage !== undefined && duty.level === 'slots') trial.begin(duty, { ...usage, calls: duty.calls(), ownMs: spentMs - slotCost(before) });
  }

  function slotCost(since: number): number {
    const took = clock() - since;
    return took < DEAREST_SLOT_MS ? took : DEAREST_SLOT_MS;
  }

  /** Our timer runs only while there are slots of time: an idle process is left alone. */
  function keepTime(): void {
    const wanted = promises.duty.level === 'slots' || resources.duty.level === 'slots';
    if (wanted === (slotTimer !== undefined)) return;
    gate.change(() => {
      if (slotTimer !== undefined) {
        slotTimer.stop();
        slotTimer = undefined;
        return;
      }
      // through the gate: what waits for the end of a hook must not wait for the next hook, which may be far
      const beginSlot = (): void => {
        gate.change(nextSlot);
      };
      slotTimer = startTimer(beginSlot, SLOT_MS);
    });
  }

  function listTasks(site: number): AgentPoll['tasks'][number] {
    const raw = sites[site];
    const rows: AgentPoll['tasks'][number]['rows'] = [];
    if (raw === undefined) return { site, rows, more: 0 };
    const timerClock = { now: clock(), loopOffset, running: running.resource() };
    const more = table.visit(site, config.taskRowLimit, (id, start, weight, resource) => {
      rows[rows.length] = { id, start, weight, ...describeResource(node.isProxy, raw, resource, timerClock) };
    });
    return { site, rows, more };
  }

  function dispose(): void {
    if (disposed) return;
    disposed = true;
    for (let i = undo.length - 1; i >= 0; i--) {
      try {
        (undo[i] as () => void)();
      } catch {
        // what a program does not let us take back must not keep the rest
      }
    }
  }

  const agent: Agent = {
    needsInternals: resources.needsInternals,
    enableResources(getHookArrays, enableHooks, kInit, kBefore, kDestroy, kTotals) {
      resources.enableWith({ getHookArrays, enableHooks, kInit, kBefore, kDestroy, kTotals });
    },
    adopt(timerListMap, immediateQueue, hookFields, usesResource, after) {
      let callbacks: object | null = null;
      running.reveal(hookField(hookFields, usesResource));
      promisePrice.reveal(hookField(hookFields, after));
      if (!gate.busy) {
        gate.change(() => {
          callbacks = existing.adopt({ timerListMap, immediateQueue });
        });
      }
      return callbacks;
    },
    adoptPromises(all, getPromiseDetails, kPending) {
      if (gate.busy) return false;
      if (promiseSampler.sampled || promises.duty.missed) return 'sampled';
      gate.change(() => {
        const now = clock();
        const before = { callbacks: [], estimated: false };
        if (promiseSite === NO_SITE) promiseSite = stacks.addExisting({ kind: 'promise', type: 'PROMISE', label: null, before });
        if (promiseSite === NO_SITE) return;
        const more = promises.adopt(all, // a prototype of a subclass is no promise
          (promise) => getPromiseDetails(promise)?.[0] === kPending, promiseSite, now);
        beforePromises = { at: now, more };
      });
      return true;
    },
    watch(siteIds) {
      watched = JSON.parse(siteIds) as readonly number[];
    },
    learn(lessons) {
      gate.change(() => {
        stacks.learn(JSON.parse(lessons) as readonly ScriptLesson[]);
      });
    },
    dispose: () => void gate.pass(dispose),
  };
  return agent;
}

/** A test's clock is put on the object itself; Node's own is what it inherits. */
function clockOf(performance: NodeModules['perfHooks']['performance']): () => number {
  const inherited = getPrototypeOf(performance) as Partial<typeof performance> | null;
  return (inherited?.now ?? performance.now).bind(performance);
}

/** How many live samples there is room for. */
function limitOf(bytes: number): number {
  const tasks = floor(bytes / TASK_BYTES);
  return tasks < LEAST_TASKS ? LEAST_TASKS : tasks > MAX_TASKS ? MAX_TASKS : tasks;
}

const { floor, sqrt } = Math;
const { getPrototypeOf } = Object;

/** What a comparison says of the cost; the price of a call is corrected by it while slots are compared, as long as enough is known. */
function costOf({ level }: Duty, trial: Trial, price: HookPrice, now: number): Cost | null {
  const found = trial.result(now);
  if (level !== 'slots') price.measured(null);
  else if (found !== null && found.call !== null) price.measured(found.call);
  return found?.cost ?? null;
}

function countingOf({ level }: Duty, { weight }: Sampler): AgentPoll['promiseCounting'] {
  if (level === 'slots') return 'duty-cycled';
  if (level === 'begins') return 'sampled counts';
  return weight > 1 ? 'sampled stacks' : 'exact';
}

/** `Array.prototype.map` of a program may be anything. */
function mapList<From, To>(list: ArrayLike<From>, each: (item: From) => To): To[] {
  const out: To[] = [];
  for (let i = 0; i < list.length; i++) out[i] = each(list[i] as From);
  return out;
}

function loadModules(load: (name: string) => unknown): NodeModules {
  const util = load('util') as { types: { isProxy(value: unknown): boolean } };
  return {
    asyncHooks: load('async_hooks') as NodeModules['asyncHooks'],
    v8: load('v8') as NodeModules['v8'],
    perfHooks: load('perf_hooks') as NodeModules['perfHooks'],
    isProxy: util.types.isProxy,
  };
}
