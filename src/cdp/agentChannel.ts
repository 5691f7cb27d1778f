/**
 * Puts the agent into a target and talks to it.
 *
 * A poll leaves no script behind, which an evaluation would (a debugger lists it, and V8 keeps it): `Runtime.addBinding`
 * assigns a function to a global, the agent has put a setter there, and answers through a binding of its own. V8 runs
 * this also while the target is paused at a breakpoint or busy in a loop.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { originPatterns } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import { TASK_ROW_LIMIT } from '../core/model/task';
import { AGENT_ANSWER_FOLLOWS, AGENT_PROTOCOL_VERSION, AgentProtocolError, parseAgentPoll } from '../protocol/agent';
import type { AgentConfig, AgentPoll, ScriptLesson } from '../protocol/agent';
import { builtFile } from './builtFile';
import { findCallbacks, placeCallbacks } from './callbackPositions';
import type { CallbackPositions } from './callbackPositions';
import { REQUEST_TIMEOUT_MS, withTimeout } from './connection';
import type { Connection } from './connection';
import { callPatiently, evaluateUnseen } from './evaluate';
import { LOAD, PROCESS, findInternals } from './primordials';
import { getProperties, scopeVariables } from './remoteProperties';
import { TargetError, throwIfCancelled } from './target';
import type { TargetFile } from './target';

/** Debuggers skip scripts of this name by default, and our own filters know it. */
const SOURCE_URL = 'node:internal/asyncscope/agent';
const OBJECT_GROUP = 'asyncscope';
/** The realm of the main script: V8 numbers contexts from 1. Others (`vm`) must not get our globals. */
const MAIN_CONTEXT = 1;
const INSTALL_TIMEOUT_MS = 15_000;
/** What an install says that came too early. */
const NOT_READY = 'not ready';
const READY_TIMEOUT_MS = 3_000;
const READY_POLL_MS = 20;
/** Between two looks at a target that waits for a debugger. */
const WAIT_POLL_MS = 100;
/** So long a target that waits, or has just been let run, may take for an answer: it has all of its modules to load then. */
const WAITING_TIMEOUT_MS = 15_000;
/** What the agent's absence is told by when it is called. */
const GONE = 'gone';
/** A hook of the agent's takes microseconds: to meet one twice is unlikely, ten times is not going to happen. */
const ADOPT_ATTEMPTS = 10;
const COUNT_TIMEOUT_MS = 60_000;
const OLDEST_NODE = 18;
const STACK_DEPTH = 40;
/** A source map larger than this is not taken out of a target, in UTF-16 units; lines are shown as they run then. */
const SOURCE_MAP_LIMIT_UNITS = 32 * 1024 * 1024;
/** Files larger than this are not read out of a target, in bytes. */
export const TARGET_FILE_LIMIT_BYTES = 4 * 1024 * 1024;
export const DEFAULT_LEASE_MS = 10_000;
export const DEFAULT_MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;

const installed = v.object({
  runtime: v.string(),
  node: v.string(),
  pid: v.number(),
  title: v.string(),
  cwd: v.string(),
  needsInternals: v.boolean(),
});
export type InstalledAgent = v.InferOutput<typeof installed>;

const targetFile = v.union([v.object({ text: v.string() }), v.object({ code: v.string() })]);
const remoteObject = v.object({ objectId: v.optional(v.string()), value: v.optional(v.unknown()) });
const evaluated = v.object({
  result: remoteObject,
  exceptionDetails: v.optional(v.object({ exception: v.optional(v.object({ description: v.optional(v.string()) })) })),
});
const queried = v.object({ objects: remoteObject });

export interface AgentChannel {
  readonly agent: InstalledAgent;
  poll(): Promise<AgentPoll>;
  watch(rawSiteIds: readonly number[]): Promise<void>;
  learn(lessons: readonly ScriptLesson[]): Promise<void>;
  sourceMaps(scripts: readonly string[]): Promise<readonly (string | null)[]>;
  readFile(path: string): Promise<TargetFile>;
  /** Looks for pending promises from before the attach in the heap, which stops the target, and follows them. */
  countPromises(): Promise<void>;
  /** Takes the agent out of the target. */
  dispose(): Promise<void>;
}

export interface AgentChannelOptions {
  readonly budgetPercent: number;
  readonly memoryLimitBytes: number;
  readonly leaseMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once when the target waits before its first line. */
  readonly onWaiting?: (() => void) | undefined;
  readonly origins: OriginRules;
}

/**
 * Resolves when the agent is in place: with a target that waits before its first line that is when it begins to run.
 * @throws {TargetError} `not node`, `node too old`, `agent failed`, `timeout`, `closed` or `cancelled`
 */
export async function openAgentChannel(connection: Connection, options: AgentChannelOptions): Promise<AgentChannel> {
  // Names of its own for each agent: one that was disarmed may have left something behind under the old ones.
  const newConfig = (): AgentConfig => {
    const name = `__asyncscope_${randomBytes(8).toString('hex')}`;
    return {
      version: AGENT_PROTOCOL_VERSION,
      outBinding: `${name}_out`,
      pollBinding: `${name}_poll`,
      leaseMs: options.leaseMs,
      budgetPercent: options.budgetPercent,
      memoryLimitBytes: options.memoryLimitBytes,
      stackDepth: STACK_DEPTH,
      origins: originPatterns(options.origins),
      taskRowLimit: TASK_ROW_LIMIT,
    };
  };
  let config = newConfig();
  // Answers that nobody has taken yet: one that comes after its poll was given up goes to the next, as nothing that is in
  // it is ever sent again.
  const answers: string[] = [];
  const asked: { follows: boolean; owed: number; tooMany: boolean; arrived?: () => void } = { follows: false, owed: 0, tooMany: false };
  const answerFollows = () => asked.follows;
  const throwIfTooMany = (): void => {
    if (asked.tooMany) throw new TargetError('agent failed', 'The target gives answers that nobody has asked for.');
  };
  connection.on('Runtime.bindingCalled', ({ name: binding, payload }) => {
    if (binding !== config.outBinding || typeof payload !== 'string') return;
    asked.follows = payload === AGENT_ANSWER_FOLLOWS;
    if (asked.follows) return;
    // each is asked for: a target that says more would fill our memory
    if (asked.owed === 0) asked.tooMany = true;
    if (asked.tooMany) return;
    asked.owed--;
    answers.push(payload);
    asked.arrived?.();
  });

  let positions: CallbackPositions = new Map();

  const install = async (): Promise<InstalledAgent> => {
    try {
      await connection.send('Runtime.addBinding', { name: config.outBinding, executionContextId: MAIN_CONTEXT });
      const info = await installWhenReady(connection, config, options);
      if (info.runtime !== 'node') {
        throw new TargetError('not node', `This is ${info.runtime}, not Node. Asyncscope looks into Node processes only.`);
      }
      if (majorOf(info.node) < OLDEST_NODE) {
        throw new TargetError('node too old', `The target runs Node ${info.node}. Asyncscope needs Node ${OLDEST_NODE} or newer.`);
      }
      positions = await adoptExisting(connection, config, info.needsInternals);
      return info;
    } catch (error) {
      // what can be taken out again is, whatever went wrong; the lease sees to the rest
      await takeOut().catch(() => undefined);
      throw error;
    }
  };

  /** Leaves nothing of the agent in the target. */
  const takeOut = async (): Promise<void> => {
    await callGlobally(connection, TAKE_OUT, [config.pollBinding, config.outBinding]);
    await connection.send('Runtime.removeBinding', { name: config.outBinding });
  };

  const agent = await install();

  return {
    agent,
    async poll() {
      const payload = await ask();
      if (payload !== undefined) return placeCallbacks(parse(payload), positions);
      // The agent is gone: its lease ran out while nobody could poll. What addBinding made is a real global then.
      await takeOut();
      config = newConfig();
      asked.owed = 0;
      await install();
      const again = await ask();
      if (again === undefined) throw new TargetError('agent failed', 'The agent does not answer.');
      return placeCallbacks(parse(again), positions);
    },
    async watch(rawSiteIds) {
      await callGlobally(connection, WATCH, [config.pollBinding, JSON.stringify(rawSiteIds)]);
    },
    async learn(lessons) {
      await callGlobally(connection, LEARN, [config.pollBinding, JSON.stringify(lessons)]);
    },
    sourceMaps: (scripts) => askForSourceMaps(connection, scripts),
    async readFile(path) {
      const { value } = await evaluate(connection, `(${readTextFile.toString()})(${JSON.stringify(path)}, ${TARGET_FILE_LIMIT_BYTES}, ${LOAD}(${PROCESS}, 'fs'))`);
      return v.parse(v.fallback(targetFile, { code: 'unknown' }), value);
    },
    countPromises: () => countPromises(connection, config),
    dispose: takeOut,
  };

  /** One poll's payload, or undefined when no agent is there. */
  async function ask(): Promise<string | undefined> {
    throwIfTooMany();
    const late = answers.shift();
    if (late !== undefined) return late;
    asked.follows = false;
    asked.owed++;
    // what the agent says at once precedes the response to the command
    await connection.send('Runtime.addBinding', { name: config.pollBinding, executionContextId: MAIN_CONTEXT });
    await connection.send('Runtime.removeBinding', { name: config.pollBinding });
    if (answerFollows()) {
      const arrival = new Promise<void>((resolve) => {
        asked.arrived = resolve;
      });
      await withTimeout(arrival, REQUEST_TIMEOUT_MS, () => new TargetError('timeout', 'The agent did not answer in time.'));
    }
    throwIfTooMany();
    return answers.shift();
  }
}

/** Runs in the target. `findSourceMap` is there since Node 13, and knows maps only while the program has them kept. */
function keptSourceMaps(scripts: readonly string[], limit: number, load: (name: 'module') => unknown): (string | null)[] {
  const { findSourceMap } = load('module') as { findSourceMap?: (script: string) => { payload: object } | undefined };
  return scripts.map((script) => {
    try {
      const map = findSourceMap?.(script);
      const json = map === undefined ? undefined : JSON.stringify(map.payload);
      return json !== undefined && json.length <= limit ? json : null;
    } catch {
      return null;
    }
  });
}

interface TargetFileSystem {
  statSync(path: string): { isFile(): boolean; readonly size: number };
  readFileSync(path: string, encoding: 'utf8'): string;
}

/**
 * The source maps that Node has kept of scripts, as JSON; null where there is none. One evaluation.
 * @throws {TargetError}
 */
export async function askForSourceMaps(connection: Connection, scripts: readonly string[]): Promise<readonly (string | null)[]> {
  const { value } = await evaluate(
    connection,
    `(${keptSourceMaps.toString()})(${JSON.stringify(scripts)}, ${SOURCE_MAP_LIMIT_UNITS}, typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule : require)`,
  );
  return v.parse(v.fallback(v.array(v.fallback(v.nullable(v.string()), null)), []), value);
}

/** Runs in the target. What is no regular file is not opened: reading it might never end. */
function readTextFile(path: string, limit: number, fs: TargetFileSystem): unknown {
  try {
    const stats = fs.statSync(path);
    if (!stats.isFile()) return { code: 'no file' };
    if (stats.size > limit) return { code: 'too large' };
    return { text: fs.readFileSync(path, 'utf8') };
  } catch (error) {
    return { code: String((error as { code?: unknown } | undefined)?.code) };
  }
}

function parse(payload: string): AgentPoll {
  try {
    return parseAgentPoll(payload);
  } catch (error) {
    if (!(error instanceof AgentProtocolError)) throw error;
    throw new TargetError('agent failed', `The agent's answer is malformed (${error.message}).`, { cause: error });
  }
}

/**
 * Node opens its inspector before it is ready itself: for a moment at its start, and with `--inspect-brk` until a debugger
 * lets it go. What is evaluated then runs in the middle of the loading of Node's own modules, which are half made.
 * `util.debuglog` works from when Node is ready to run a program; a loader on the stack, above the program's own code if there
 * is any, tells the rest.
 */
const READY = `(function (g, p) {
  if (!p || !p.versions || !p.versions.node) return true;
  try { ${LOAD}(p, 'util').debuglog('asyncscope').enabled; } catch (e) { return false; }
  var E = g.Error, D = g.Object && g.Object.getOwnPropertyDescriptor;
  // a program that has changed any of it has begun
  if (typeof E !== 'function' || typeof D !== 'function') return true;
  var had = D(E, 'prepareStackTrace'), limited = D(E, 'stackTraceLimit');
  if ((had && had.writable !== true) || !limited || limited.writable !== true) return true;
  var limit = E.stackTraceLimit, prepare = E.prepareStackTrace, sites;
  try {
    E.stackTraceLimit = 200;
    E.prepareStackTrace = function (error, list) { return list; };
    sites = new E().stack;
    E.stackTraceLimit = limit;
    E.prepareStackTrace = prepare;
    if (!had && prepare === undefined) delete E.prepareStackTrace;
  } catch (e) {}
  if (!Array.isArray(sites)) return true;
  for (var i = 0; i < sites.length; i++) {
    var script = sites[i].getScriptNameOrSourceURL() || '';
    if (/^node:internal\\/(?:bootstrap\\/|process\\/pre_execution$)/.test(script)) return false;
    if (script !== '' && !/^node:/.test(script)) return true;
  }
  return true;
})(globalThis, ${PROCESS})`;

async function installWhenReady(connection: Connection, config: AgentConfig, options: AgentChannelOptions): Promise<InstalledAgent> {
  const { signal, onWaiting } = options;
  const end = performance.now() + READY_TIMEOUT_MS;
  let hasWaited = false;
  let wasReady = true;
  for (;;) {
    throwIfCancelled(signal);
    const look = await evaluate(connection, READY, wasReady ? REQUEST_TIMEOUT_MS : WAITING_TIMEOUT_MS);
    const isReady: boolean = look.value !== false;
    // What is sent to a target that begins can come just before its first line. A debugger that is to stop there would stop in what we
    // call instead. It is past that line when it has answered and gets to its own work: at the next look.
    const isPastFirstLine = isReady && wasReady;
    wasReady = isReady;
    if (isPastFirstLine) {
      const checked = v.safeParse(installed, (await callInstaller(connection, config)).value);
      if (!checked.success) throw new TargetError('agent failed', 'The agent did not answer as expected.');
      if (checked.output.runtime !== NOT_READY) return checked.output;
    }
    if (!isReady && !hasWaited && performance.now() > end) {
      // It is the user who lets it run. We only say what it waits for, and wait too.
      hasWaited = true;
      onWaiting?.();
      await untilBegun(connection, config, signal);
    } else await sleep(!isReady && hasWaited ? WAIT_POLL_MS : READY_POLL_MS);
  }
}

/**
 * Asks again and again whether Node has begun to run, for as long as it takes. Every evaluation makes one more script in the list of
 * the debugger that the target waits for. Asked as the agent is asked (see {@link openAgentChannel}) it makes none; and what answers
 * is made of builtin functions only, in which no debugger stops. It tells of `process.pid`, which Node defines when it is let run, on
 * its way to the first line (node: PatchProcessObject in src/node_process_object.cc).
 */
async function untilBegun(connection: Connection, config: AgentConfig, signal: AbortSignal | undefined): Promise<void> {
  const gate = `${config.pollBinding}_begun`;
  const out = `${gate}_out`;
  const state = { begun: false };
  const stop = connection.on('Runtime.bindingCalled', ({ name, payload }) => {
    if (name === out) state.begun ||= payload !== '{}';
  });
  try {
    await connection.send('Runtime.addBinding', { name: out, executionContextId: MAIN_CONTEXT }, WAITING_TIMEOUT_MS);
    await evaluate(
      connection,
      `void (function (g, p, gate, out) {
  var answer = Object.defineProperty({ length: 1 }, 0, { get: JSON.stringify.bind(JSON, p, ['pid']) });
  Object.defineProperty(g, gate, { configurable: true, set: Reflect.apply.bind(Reflect, g[out], undefined, answer) });
})(globalThis, ${PROCESS}, ${JSON.stringify(gate)}, ${JSON.stringify(out)})`,
      WAITING_TIMEOUT_MS,
    );
    for (;;) {
      throwIfCancelled(signal);
      await connection.send('Runtime.addBinding', { name: gate, executionContextId: MAIN_CONTEXT }, WAITING_TIMEOUT_MS);
      await connection.send('Runtime.removeBinding', { name: gate }, WAITING_TIMEOUT_MS);
      if (state.begun) return;
      await sleep(WAIT_POLL_MS, undefined, signal && { signal }).catch(() => undefined);
    }
  } finally {
    stop();
    await evaluate(connection, `delete globalThis[${JSON.stringify(gate)}]; delete globalThis[${JSON.stringify(out)}]`).catch(() => undefined);
    await connection.send('Runtime.removeBinding', { name: out }).catch(() => undefined);
  }
}

async function callInstaller(connection: Connection, config: AgentConfig): Promise<v.InferOutput<typeof remoteObject>> {
  try {
    const { primordials, getPromiseDetails, kPending } = await findInternals(connection, OBJECT_GROUP);
    const { objectId } = await evaluate(connection, installer(), INSTALL_TIMEOUT_MS, false);
    const call = {
      functionDeclaration: INSTALL,
      objectId,
      arguments: [{ value: JSON.stringify(config) }, ...[primordials, getPromiseDetails, kPending].map(toArgument)],
      silent: true,
      returnByValue: true,
    };
    return resultOf(await callPatiently(connection, call));
  } finally {
    await connection.send('Runtime.releaseObjectGroup', { objectGroup: OBJECT_GROUP });
  }
}

/**
 * Comes to a function of a configuration and what Node keeps to itself, in the target's main realm, where `require` may be missing:
 * every way to a builtin module is tried. The text is the same for all agents: V8 keeps each text that it compiles, and knows
 * one that it has seen.
 */
function installer(): string {
  return `(function (require) {
return function (json, P, getPromiseDetails, kPending) {
'use strict';
var g = globalThis, p = ${PROCESS};
var config = (P ? P.JSONParse : g.JSON.parse)(json);
var versions = (p && p.versions) || {};
var runtime = versions.bun ? 'Bun' : versions.deno || g.Deno ? 'Deno' : versions.node ? 'node' : 'no Node process';
var info = { runtime: runtime, node: '' + (p && p.version), pid: 0, title: '', cwd: '', needsInternals: false };
if (runtime !== 'node' || +('' + versions.node).split('.')[0] < ${OLDEST_NODE}) { delete g[config.outBinding]; return info; }
if (!${READY}) { info.runtime = ${JSON.stringify(NOT_READY)}; return info; }
var load = function (name) { return ${LOAD}(p, name); };
var own = P || g, E = own.Error, M = P
  ? { abs: P.MathAbs, ceil: P.MathCeil, floor: P.MathFloor, log: P.MathLog, max: P.MathMax, min: P.MathMin, round: P.MathRound, sqrt: P.MathSqrt }
  : g.Math;
// the agent's free names: as they were before the program ran
var asyncscopeAgent = (function (Error, Map, Set, WeakMap, WeakRef, FinalizationRegistry, Object, Array, Number, Date, Symbol, Float64Array, Uint32Array, Int32Array, Uint8Array, decodeURIComponent, RangeError, Function, Promise, Math, JSON, Reflect) {
${readFileSync(builtFile('agent.js'), 'utf8')}
return asyncscopeAgent;
})(E, P ? P.SafeMap : g.Map, P ? P.SafeSet : g.Set, P ? P.SafeWeakMap : g.WeakMap, P ? P.SafeWeakRef : g.WeakRef,
  P ? P.SafeFinalizationRegistry : g.FinalizationRegistry, own.Object, own.Array, own.Number, own.Date, own.Symbol, own.Float64Array,
  own.Uint32Array, own.Int32Array, own.Uint8Array, own.decodeURIComponent, own.RangeError, own.Function, own.Promise, M,
  P ? { stringify: P.JSONStringify, parse: P.JSONParse } : g.JSON, P ? { apply: P.ReflectApply } : g.Reflect);
var agent = asyncscopeAgent.install(config, { globalThis: g, process: p, Error: E, captureStackTrace: P ? P.ErrorCaptureStackTrace : E.captureStackTrace,
  promiseDetails: typeof getPromiseDetails === 'function' && typeof kPending === 'number' ? { of: getPromiseDetails, pending: kPending } : undefined }, load);
info.pid = p.pid;
info.title = '' + ((p.argv && p.argv[1]) || p.title);
try { info.cwd = p.cwd(); } catch (e) {}
info.needsInternals = agent.needsInternals;
return info;
};
})(typeof require === 'function' ? require : undefined)`;
}

// What is called in the target, all with names and values as arguments: see installer() for why no text may differ. Arrays come
// as JSON: V8 compiles a value that is no primitive.
const NAMED = `\n//# sourceURL=${SOURCE_URL}\n`;
const INSTALL = `function (json, ...internals) { return this(json, ...internals); }${NAMED}`;
const TAKE_OUT = `function (poll, out) { globalThis[poll]?.dispose?.(); delete globalThis[poll]; delete globalThis[out]; }${NAMED}`;
const WATCH = `function (poll, sites) { globalThis[poll]?.watch(sites); }${NAMED}`;
const LEARN = `function (poll, lessons) { globalThis[poll]?.learn(lessons); }${NAMED}`;
const ENABLE = `function (poll, ...hook) {
  const agent = globalThis[poll];
  return agent === undefined ? ${JSON.stringify(GONE)} : agent.enableResources(...hook);
}${NAMED}`;
const ADOPT = `function (poll, timerListMap, immediateQueue, hookFields, usesResource, after) {
  const agent = globalThis[poll];
  return agent === undefined ? ${JSON.stringify(GONE)} : agent.adopt(timerListMap, immediateQueue, hookFields, usesResource, after);
}${NAMED}`;
const ADOPT_PROMISES = `function (poll, ...found) { return globalThis[poll].adoptPromises(...found); }${NAMED}`;

/** Calls a function of the target's main realm with strings. */
async function callGlobally(connection: Connection, functionDeclaration: string, values: readonly string[]): Promise<void> {
  resultOf(
    await connection.send('Runtime.callFunctionOn', {
      functionDeclaration,
      executionContextId: MAIN_CONTEXT,
      arguments: values.map((value) => ({ value })),
      silent: true,
      returnByValue: true,
    }),
  );
}

/** Variables of Node's own that only a debugger can reach, by the function in whose scope they are. */
const HOOK_INTERNALS = ['getHookArrays', 'enableHooks', 'kInit', 'kBefore', 'kDestroy', 'kTotals'] as const;
const TIMER_INTERNALS = ['timerListMap', 'immediateQueue'] as const;
const RUNNING_INTERNALS = ['async_hook_fields', 'kUsesExecutionAsyncResource', 'kAfter'] as const;

/**
 * Hands to the agent what Node keeps to itself, and has it take in what was there before the attach.
 *
 * On Nodes without `trackPromises: false` (20, early 22) the resource hook is registered with what Node keeps in the scope
 * of `AsyncHook.prototype.enable` (node: lib/async_hooks.js); the lists of timers are in that of `timers.setTimeout` (node:
 * lib/timers.js), and what a look at the running resource changes, with how many hooks there are of a kind, in that of
 * `executionAsyncResource` (node: lib/internal/async_hooks.js).
 */
async function adoptExisting(connection: Connection, config: AgentConfig, needsInternals: boolean): Promise<CallbackPositions> {
  try {
    const functions = await evaluate(
      connection,
      `(function (load) {
  var hooks = load('async_hooks');
  return { enable: hooks.createHook({}).enable, setTimeout: load('timers').setTimeout, executionAsyncResource: hooks.executionAsyncResource };
})(
function (name) { return ${LOAD}(${PROCESS}, name); })`,
      INSTALL_TIMEOUT_MS,
      false,
    );
    const own = await getProperties(connection, functions.objectId);
    const scopeOf = (name: string): string | undefined => own.result.find((property) => property.name === name)?.value?.objectId;
    const hook = needsInternals ? await scopeVariables(connection, scopeOf('enable'), HOOK_INTERNALS) : HOOK_INTERNALS.map(() => undefined);
    if (needsInternals && hook.includes(undefined)) {
      throw new TargetError('agent failed', 'This version of Node hides its timers and handles from the agent.');
    }
    const timers = await scopeVariables(connection, scopeOf('setTimeout'), TIMER_INTERNALS);
    const running = await scopeVariables(connection, scopeOf('executionAsyncResource'), RUNNING_INTERNALS);
    if (needsInternals) {
      const enable = { functionDeclaration: ENABLE, objectId: functions.objectId, arguments: [{ value: config.pollBinding }, ...hook.map(toArgument)], silent: true };
      throwIfGone(resultOf(await callPatiently(connection, enable)), config);
    }
    return await adoptTimers(connection, config, functions.objectId, [...timers, ...running]);
  } finally {
    await connection.send('Runtime.releaseObjectGroup', { objectGroup: OBJECT_GROUP });
  }
}

/** Without what was before the attach the rest is counted all the same: the agent says in its polls that it is missing. */
async function adoptTimers(
  connection: Connection,
  config: AgentConfig,
  objectId: string | undefined,
  internals: readonly (v.InferOutput<typeof remoteObject> | undefined)[],
): Promise<CallbackPositions> {
  const adopt = { functionDeclaration: ADOPT, objectId, arguments: [{ value: config.pollBinding }, ...internals.map(toArgument)], silent: true };
  let callbacks: v.InferOutput<typeof remoteObject>;
  try {
    callbacks = await callWhenFree(connection, adopt, (result) => result.objectId !== undefined || result.value === GONE);
  } catch (error) {
    if (!isPassing(error)) throw error;
    return new Map();
  }
  throwIfGone(callbacks, config);
  try {
    return await findCallbacks(connection, callbacks.objectId ?? '');
  } catch (error) {
    if (!isPassing(error)) throw error;
    return new Map();
  }
}

/** Whether the connection goes on after an error. */
function isPassing(error: unknown): boolean {
  return error instanceof TargetError && (error.reason === 'timeout' || error.reason === 'agent failed');
}

/** @throws {TargetError} `timeout` when the lease was over before the attach */
function throwIfGone({ value }: v.InferOutput<typeof remoteObject>, { leaseMs }: AgentConfig): void {
  if (value !== GONE) return;
  throw new TargetError('timeout', `The target was too slow: the agent has waited for ${leaseMs / 1000} s and left. Try again.`);
}

/** What a call of the agent comes to: it is made again when it came in the middle of a hook, which takes microseconds. */
async function callWhenFree(
  connection: Connection,
  call: object,
  isDone: (result: v.InferOutput<typeof remoteObject>) => boolean,
): Promise<v.InferOutput<typeof remoteObject>> {
  for (let attempt = 0; attempt < ADOPT_ATTEMPTS; attempt++) {
    const result = resultOf(await connection.send('Runtime.callFunctionOn', call, INSTALL_TIMEOUT_MS));
    if (isDone(result)) return result;
    await sleep(READY_POLL_MS);
  }
  throw new TargetError('timeout', 'The target is too busy for the agent to begin. Try again.');
}

/**
 * Promises are in no list: V8 walks the heap for them, after a collection. How to tell the pending ones is in the scope of
 * `util.inspect` (node: lib/internal/util/inspect.js).
 */
async function countPromises(connection: Connection, config: AgentConfig): Promise<void> {
  try {
    const start = await evaluate(
      connection,
      `(function (load) { return { promise: Object.getPrototypeOf((async function () {})()), inspect: load('util').inspect }; })(
typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule : require)`,
      INSTALL_TIMEOUT_MS,
      false,
    );
    const own = await getProperties(connection, start.objectId);
    const idOf = (name: string): string | undefined => own.result.find((property) => property.name === name)?.value?.objectId;
    const internals = await scopeVariables(connection, idOf('inspect'), ['getPromiseDetails', 'kPending']);
    const query = { prototypeObjectId: idOf('promise'), objectGroup: OBJECT_GROUP };
    const found = v.safeParse(queried, await connection.send('Runtime.queryObjects', query, COUNT_TIMEOUT_MS));
    if (!found.success || internals.includes(undefined)) {
      throw new TargetError('agent failed', 'This version of Node hides the states of its promises.');
    }
    const count = {
      functionDeclaration: ADOPT_PROMISES,
      objectId: start.objectId,
      arguments: [{ value: config.pollBinding }, ...[found.output.objects, ...internals].map(toArgument)],
      silent: true,
    };
    await callWhenFree(connection, count, ({ value }) => value === true);
  } finally {
    await connection.send('Runtime.releaseObjectGroup', { objectGroup: OBJECT_GROUP });
  }
}

function toArgument(value: v.InferOutput<typeof remoteObject> | undefined): object {
  return value?.objectId === undefined ? { value: value?.value } : { objectId: value.objectId };
}

async function evaluate(
  connection: Connection,
  expression: string,
  timeoutMs?: number,
  returnByValue = true,
): Promise<v.InferOutput<typeof remoteObject>> {
  return resultOf(
    await evaluateUnseen(connection, { expression: `${expression}\n//# sourceURL=${SOURCE_URL}`, objectGroup: OBJECT_GROUP, returnByValue }, timeoutMs),
  );
}

/** The value that an evaluation or a call came to. */
function resultOf(response: Record<string, unknown>): v.InferOutput<typeof remoteObject> {
  const answer = v.safeParse(evaluated, response);
  if (!answer.success) throw new TargetError('agent failed', 'The inspector answered in an unknown form.');
  const failure = answer.output.exceptionDetails;
  if (failure !== undefined) {
    const detail = (failure.exception?.description ?? 'unknown error').split('\n', 1)[0] ?? '';
    throw new TargetError('agent failed', `The agent failed in the target: ${detail}`);
  }
  return answer.output.result;
}

function majorOf(version: string): number {
  return Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);
}
