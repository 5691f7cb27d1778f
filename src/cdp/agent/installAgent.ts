/** Puts the agent into a target, once its Node is ready. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import type { AgentConfig } from '../../protocol/agent';
import { builtFile } from '../builtFile';
import { REQUEST_TIMEOUT_MS } from '../connection';
import type { Connection } from '../connection';
import { callPatiently } from '../evaluate';
import { inObjectGroup } from '../objectGroup';
import { LOAD, PROCESS, findInternals } from '../primordials';
import { TargetError, throwIfCancelled } from '../target';
import { MAIN_CONTEXT, NAMED, RETRY_MS, evaluateObject, evaluateValue, resultOf, toArgument } from './agentCalls';

const OBJECT_GROUP = 'asyncscope-install';
/** What an install says that came too early. */
const NOT_READY = 'not ready';
const READY_TIMEOUT_MS = 3_000;
/** Between two looks at a target that waits for a debugger. */
const WAIT_POLL_MS = 100;
/** So long a target that waits, or has just been let run, may take for an answer: it has all of its modules to load then. */
const WAITING_TIMEOUT_MS = 15_000;
export const OLDEST_NODE = 18;

const installed = v.object({
  runtime: v.string(),
  node: v.string(),
  isTooOld: v.boolean(),
  pid: v.number(),
  timeOrigin: v.number(),
  title: v.string(),
  cwd: v.string(),
  needsInternals: v.boolean(),
});
export type InstalledAgent = v.InferOutput<typeof installed>;

export interface InstallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when the target waits before its first line. */
  readonly onWaiting?: (() => void) | undefined;
}

/** No text that is called may differ from another agent's: see {@link installer}. */
const INSTALL = `function (json, ...internals) { return this(json, ...internals); }${NAMED}`;

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

/**
 * Puts the agent in once Node is ready to run a program.
 * @throws {TargetError} `agent failed`, `timeout`, `closed` or `cancelled`
 */
export async function installWhenReady(connection: Connection, config: AgentConfig, { signal, onWaiting }: InstallOptions): Promise<InstalledAgent> {
  const end = performance.now() + READY_TIMEOUT_MS;
  let hasWaited = false;
  let wasReady = true;
  for (;;) {
    throwIfCancelled(signal);
    const look = await evaluateValue(connection, READY, wasReady ? REQUEST_TIMEOUT_MS : WAITING_TIMEOUT_MS);
    const isReady: boolean = look !== false;
    // What is sent to a target that begins can come just before its first line. A debugger that is to stop there would stop in what we
    // call instead. It is past that line when it has answered and gets to its own work: at the next look.
    const isPastFirstLine = isReady && wasReady;
    wasReady = isReady;
    if (isPastFirstLine) {
      const checked = v.safeParse(installed, await callInstaller(connection, config));
      if (!checked.success) throw new TargetError('agent failed', 'The agent did not answer as expected.');
      if (checked.output.runtime !== NOT_READY) return checked.output;
    }
    if (!isReady && !hasWaited && performance.now() > end) {
      // It is the user who lets it run. We only say what it waits for, and wait too.
      hasWaited = true;
      onWaiting?.();
      await untilBegun(connection, config, signal);
    } else await sleep(!isReady && hasWaited ? WAIT_POLL_MS : RETRY_MS);
  }
}

/**
 * Asks again and again whether Node has begun to run, for as long as it takes. Every evaluation makes one more script in the list of
 * the debugger that the target waits for. Asked as the agent is asked (see `agentChannel.ts`) it makes none; and what answers
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
    await evaluateValue(
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
    await evaluateValue(connection, `delete globalThis[${JSON.stringify(gate)}]; delete globalThis[${JSON.stringify(out)}]`).catch(() => undefined);
    await connection.send('Runtime.removeBinding', { name: out }).catch(() => undefined);
  }
}

function callInstaller(connection: Connection, config: AgentConfig): Promise<unknown> {
  return inObjectGroup(connection, OBJECT_GROUP, async (group) => {
    const { primordials, getPromiseDetails, kPending } = await findInternals(connection, group);
    const call = {
      functionDeclaration: INSTALL,
      objectId: await evaluateObject(connection, installer(), group),
      arguments: [{ value: JSON.stringify(config) }, ...[primordials, getPromiseDetails, kPending].map(toArgument)],
      silent: true,
      returnByValue: true,
    };
    return resultOf(await callPatiently(connection, call)).value;
  });
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
var info = { runtime: runtime, node: '' + (p && p.version), isTooOld: +('' + versions.node).split('.')[0] < ${OLDEST_NODE}, pid: 0, timeOrigin: 0, title: '', cwd: '', needsInternals: false };
if (runtime !== 'node' || info.isTooOld) { delete g[config.outBinding]; return info; }
if (!${READY}) { info.runtime = ${JSON.stringify(NOT_READY)}; return info; }
var load = function (name) { return ${LOAD}(p, name); };
var own = P || g, E = own.Error, M = P
  ? { abs: P.MathAbs, ceil: P.MathCeil, floor: P.MathFloor, log: P.MathLog, max: P.MathMax, min: P.MathMin, round: P.MathRound, sqrt: P.MathSqrt }
  : g.Math;
var D = P ? { now: P.DateNow } : g.Date;
// the agent's free names: as they were before the program ran
var asyncscopeAgent = (function (Error, Map, Set, WeakMap, WeakRef, FinalizationRegistry, Object, Array, Number, Date, Symbol, Float64Array, Uint32Array, Int32Array, Uint8Array, decodeURIComponent, RangeError, Function, Promise, Math, JSON, Reflect) {
${readFileSync(builtFile('agent.js'), 'utf8')}
return asyncscopeAgent;
})(E, P ? P.SafeMap : g.Map, P ? P.SafeSet : g.Set, P ? P.SafeWeakMap : g.WeakMap, P ? P.SafeWeakRef : g.WeakRef,
  P ? P.SafeFinalizationRegistry : g.FinalizationRegistry, own.Object, own.Array, own.Number, D, own.Symbol, own.Float64Array,
  own.Uint32Array, own.Int32Array, own.Uint8Array, own.decodeURIComponent, own.RangeError, own.Function, own.Promise, M,
  P ? { stringify: P.JSONStringify, parse: P.JSONParse } : g.JSON, P ? { apply: P.ReflectApply } : g.Reflect);
var agent = asyncscopeAgent.install(config, { globalThis: g, process: p, Error: E, captureStackTrace: P ? P.ErrorCaptureStackTrace : E.captureStackTrace,
  promiseDetails: typeof getPromiseDetails === 'function' && typeof kPending === 'number' ? { of: getPromiseDetails, pending: kPending } : undefined }, load);
info.pid = p.pid;
info.title = '' + ((p.argv && p.argv[1]) || p.title);
try { info.cwd = p.cwd(); } catch (e) {}
try { info.timeOrigin = +load('perf_hooks').performance.timeOrigin || 0; } catch (e) {}
info.needsInternals = agent.needsInternals;
return info;
};
})(typeof require === 'function' ? require : undefined)`;
}
