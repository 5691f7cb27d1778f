/**
 * Programs that do what no one expects, run once without us and once with us: what they print, how they end and every
 * property of their globals must be the same.
 */
import { spawn } from 'node:child_process';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import type { Site } from '../../src/core/model/task.ts';
import { attach } from '../../src/cdp/attach.ts';
import type { AttachedTarget } from '../../src/cdp/target.ts';
import type { TestNode } from './nodes.ts';
import { adopt } from './target.ts';
import { until } from './until.ts';

export interface FaultProgram {
  /** Runs before anything else. What it takes away is gone when the program is looked at. */
  readonly setup?: string;
  /** Runs at the beginning of the work. */
  readonly work?: string;
  /** Runs before the program says how it was. */
  readonly end?: string;
  /** An expression: what was begun by the work is over, and the program may be asked how it is. */
  readonly over?: string;
  readonly flags?: readonly string[];
}

/** What every program does when it is told to work, by function and kind: the truth. */
export const WORK = { 'promise promised': 7, 'promise work': 5, 'timeout work': 3 } as const;

/**
 * The inventory is taken with what was there before the setup, so that a program without `Map` or with a `push` that throws
 * has one too. A value is compared by identity, an accessor by its functions: no getter is run.
 */
const FRAME = (program: FaultProgram): string => `'use strict';
const host = {
  __proto__: null,
  write: require('fs').writeSync,
  stdin: process.stdin,
  process,
  stringify: JSON.stringify,
  string: String,
  setTimeout, clearTimeout, setImmediate,
  Promise,
  active: process.getActiveResourcesInfo.bind(process),
  limit: 10,
};
const inventory = (() => {
  const { ownKeys, getOwnPropertyDescriptor, apply, isExtensible } = Reflect;
  const { is } = Object;
  const description = getOwnPropertyDescriptor(Symbol.prototype, 'description').get;
  const names = ['globalThis', 'Object', 'Function', 'Array', 'Error', 'TypeError', 'RangeError', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakRef',
    'FinalizationRegistry', 'Symbol', 'JSON', 'Reflect', 'Math', 'Date', 'queueMicrotask', 'setTimeout', 'AsyncFunction', 'timers', 'asyncHooks', 'v8', 'promiseHooks', 'util'];
  const AsyncFunction = (async () => {}).constructor;
  const values = [globalThis, Object, Function, Array, Error, TypeError, RangeError, Promise, Map, Set, WeakMap, WeakRef,
    FinalizationRegistry, Symbol, JSON, Reflect, Math, Date, queueMicrotask, setTimeout, AsyncFunction, require('timers'), require('async_hooks'), require('v8'), require('v8').promiseHooks, require('util')];
  const holders = [];
  for (let i = 0; i < names.length; i++) {
    holders[i * 2] = [names[i], values[i]];
    holders[i * 2 + 1] = [names[i] + '.prototype', values[i].prototype];
  }
  holders[holders.length] = ['process', process];
  const skip = { __proto__: null, _events: 1, _eventsCount: 1, domain: 1, inventory: 1 };
  const eventNames = process.eventNames.bind(process);
  const listenerCount = process.listenerCount.bind(process);
  function take() {
    const list = [];
    for (let i = 0; i < holders.length; i++) {
      const name = holders[i][0], holder = holders[i][1];
      if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) continue;
      const keys = ownKeys(holder);
      for (let k = 0; k < keys.length; k++) {
        const key = keys[k];
        const text = typeof key === 'symbol' ? 'Symbol(' + apply(description, key, []) + ')' : key;
        if (skip[text]) continue;
        list[list.length] = { __proto__: null, name: name + ' ' + text, at: getOwnPropertyDescriptor(holder, key) };
      }
      list[list.length] = { __proto__: null, name: name + ' extensible', at: { __proto__: null, value: isExtensible(holder) } };
    }
    const events = eventNames();
    for (let i = 0; i < events.length; i++) list[list.length] = { __proto__: null, name: 'on ' + host.string(events[i]), at: { __proto__: null, value: listenerCount(events[i]) } };
    const active = host.active();
    let counts = '';
    const seen = { __proto__: null };
    for (let i = 0; i < active.length; i++) seen[active[i]] = (seen[active[i]] || 0) + 1;
    for (const type in seen) list[list.length] = { __proto__: null, name: 'active ' + type, at: { __proto__: null, value: seen[type] } };
    list[list.length] = { __proto__: null, name: 'Error.stackTraceLimit', at: getOwnPropertyDescriptor(values[4], 'stackTraceLimit') };
    return list;
  }
  function same(a, b) {
    return a === undefined || b === undefined ? a === b
      : is(a.value, b.value) && is(a.get, b.get) && is(a.set, b.set) && a.enumerable === b.enumerable && a.configurable === b.configurable && a.writable === b.writable;
  }
  return { take, differences(before, after) {
    const seen = { __proto__: null };
    let out = '';
    for (let i = 0; i < before.length; i++) seen[before[i].name] = before[i].at;
    for (let i = 0; i < after.length; i++) {
      if (!(after[i].name in seen)) out += '+ ' + after[i].name + '\\n';
      else if (!same(seen[after[i].name], after[i].at)) out += '~ ' + after[i].name + '\\n';
      delete seen[after[i].name];
    }
    for (const name in seen) out += '- ' + name + '\\n';
    return out;
  } };
})();
const say = (text) => { host.write(1, text + '\\n'); };
const kept = [];
const timers = [];
const pending = () => {};
// what Node loads for it is loaded before anything is spoiled
inventory.take();
${program.setup ?? ''}
;
function promised() { return new Promise(pending); }
async function called() { await promised.forever; }
promised.forever = new host.Promise(pending);
function work() {
  ${program.work ?? ''}
  for (let i = 0; i < 7; i++) kept[kept.length] = promised();
  for (let i = 0; i < 5; i++) kept[kept.length] = called();
  for (let i = 0; i < 3; i++) timers[timers.length] = host.setTimeout(function later() {}, 1000000);
}
let before;
let lines = '';
host.stdin.setEncoding('utf8');
host.stdin.on('data', (text) => {
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\n') { lines += text[i]; continue; }
    const line = lines;
    lines = '';
    if (line === 'mark') { before = inventory.take(); say('marked'); }
    if (line === 'work') { work(); say('worked'); }
    if (line === 'end') finish();
  }
});
function finish() {
      if (!(${program.over ?? 'true'})) {
        host.setTimeout(finish, 5);
        return;
      }
      for (let k = 0; k < timers.length; k++) host.clearTimeout(timers[k]);
      say('changed: ' + inventory.differences(before, inventory.take()));
      ${program.end ?? ''}
      host.stdin.destroy();
}
say('idle');
`;

/** Everything that somebody outside can tell a run by. */
export interface Outcome {
  readonly stdout: string;
  /** Without what Node says about its inspector. */
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Program {
  readonly pid: number;
  /** The inspector's ws:// address. */
  readonly url: string;
  readonly stdout: () => string;
  /** Tells the program to do its next step and waits until it has. */
  step(line: 'mark' | 'work'): Promise<void>;
  /** Tells the program to end and waits until it has. */
  end(): Promise<Outcome>;
}

const INSPECTOR_CHATTER = /^(?:Debugger (?:listening|ending) on .*|For help, see: https:\/\/nodejs\.org\/.*|Debugger attached\.|Waiting for the debugger to disconnect\.\.\.|Debugger ending.*)\n/gm;
const ANSWER = { mark: 'marked', work: 'worked' } as const;

export async function startProgram(node: TestNode, program: FaultProgram, inspect = true): Promise<Program> {
  const flags = [...(inspect ? ['--inspect=127.0.0.1:0'] : []), ...(program.flags ?? [])];
  const child = spawn(node.path, [...flags, '-e', FRAME(program)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = adopt(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // a program that has ended early is seen by its output
  child.stdin.on('error', () => undefined);
  let gone = false;
  const ended = exited.then((how) => {
    gone = true;
    return how;
  });
  const says = async (text: string): Promise<void> => {
    await until(() => gone || stdout.includes(`${text}\n`));
    if (!stdout.includes(`${text}\n`)) throw new Error(`The program ended before it said "${text}": ${stdout}${stderr}`);
  };
  await says('idle');
  return {
    pid: child.pid ?? 0,
    url: /ws:\/\/\S+/.exec(stderr)?.[0] ?? '',
    stdout: () => stdout,
    async step(line) {
      child.stdin.write(`${line}\n`);
      await says(ANSWER[line]);
    },
    async end() {
      child.stdin.write('end\n');
      const { code, signal } = await ended;
      return { stdout, stderr: stderr.replace(INSPECTOR_CHATTER, '').replaceAll(String(child.pid), 'PID'), code, signal };
    },
  };
}

export async function runAlone(node: TestNode, program: FaultProgram): Promise<Outcome> {
  const run = await startProgram(node, program, false);
  await run.step('mark');
  await run.step('work');
  return run.end();
}

/** A model that polls go into, without source maps. */
export function follow(target: AttachedTarget): { readonly model: SessionModel; poll(): Promise<void>; count(key: string): number; counts(): Record<string, number> } {
  const model = new SessionModel();
  const counts = (): Record<string, number> => {
    const all: Record<string, number> = {};
    for (const site of model.sites()) if (site.count > 0) all[keyOf(site)] = (all[keyOf(site)] ?? 0) + site.count;
    return all;
  };
  return {
    model,
    async poll() {
      model.apply(await target.poll(), (file, line, column) => ({ file, line, column }));
    },
    count: (key) => counts()[key] ?? 0,
    counts,
  };
}

function keyOf(site: Site): string {
  return `${site.kind} ${site.file === null ? '(no position)' : (site.stack.find((frame) => frame.line === site.line && frame.file === site.file)?.function ?? '(module)')}`;
}

export interface Watched {
  readonly outcome: Outcome;
  readonly model: SessionModel;
  readonly counts: Record<string, number>;
}

/** Attaches before the work and detaches after it. */
export async function runWatched(node: TestNode, program: FaultProgram): Promise<Watched> {
  const run = await startProgram(node, program);
  await run.step('mark');
  const target = await attach(run.url, { budgetPercent: 100 });
  const picture = follow(target);
  await picture.poll();
  await run.step('work');
  await picture.poll();
  const counts = picture.counts();
  await target.detach();
  return { outcome: await run.end(), model: picture.model, counts };
}
