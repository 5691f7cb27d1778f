/** Programs that change what others rely on: each runs as it does without us, and its counts are right. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { evaluate } from '../../support/evaluate.ts';
import type { FaultProgram } from '../../support/faultProgram.ts';
import { WORK, follow, runAlone, runWatched, startProgram } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import { stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';

afterAll(stopTargets);

interface Case extends FaultProgram {
  /** What is counted where it is not all of {@link WORK} at its own lines. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly stacks?: 'cut' | 'none';
}

const PROGRAMS: Readonly<Record<string, Case>> = {
  'a program that does nothing odd': {},
  'replaces Promise': {
    setup: `const Native = Promise;
globalThis.Promise = class Own extends Native {};
for (const name of ['resolve', 'all', 'race']) Native[name] = () => { throw new Error('not this one'); };`,
  },
  'replaces Error': {
    setup: `const Native = Error;
globalThis.Error = class Error extends Native { constructor(...values) { super(...values); say('an error was made'); } };`,
    end: `try { throw new Error('x'); } catch (error) { say(error.stack.split('\\n')[0]); }`,
  },
  'deletes Error': { setup: 'delete globalThis.Error;' },
  'a custom Error.prepareStackTrace': {
    setup: `Error.prepareStackTrace = (error, sites) => 'mine ' + error.message + ' ' + (sites.length > 0);`,
    end: `say(new Error('x').stack);`,
  },
  'an Error.prepareStackTrace that throws': {
    setup: `Error.prepareStackTrace = () => { throw new TypeError('no stacks today'); };`,
    end: `try { say(new Error('x').stack); } catch (error) { say('threw'); }`,
  },
  'an Error.prepareStackTrace that cannot be changed': {
    setup: `Object.defineProperty(Error, 'prepareStackTrace', { value: (error) => 'fixed ' + error.message });`,
    end: `say(new Error('x').stack);`,
  },
  'an Error.prepareStackTrace behind an accessor': {
    setup: `let used = 0; Object.defineProperty(Error, 'prepareStackTrace', { get() { used++; return undefined; }, set() { used += 100; }, configurable: true });`,
    end: `say(String(used));`,
  },
  'Error.stackTraceLimit of 0': { setup: 'Error.stackTraceLimit = 0;', end: `say(new Error('x').stack);` },
  'Error.stackTraceLimit frozen at 3': {
    setup: `Object.defineProperty(Error, 'stackTraceLimit', { value: 3, writable: false, configurable: false });`,
    counts: { 'promise promised': 7, 'promise work': 5, 'timeout (no position)': 3 },
    stacks: 'cut',
    end: `say(new Error('x').stack.split('\\n').length + ' lines');`,
  },
  'Error.stackTraceLimit behind a getter': {
    setup: `let used = 0; Object.defineProperty(Error, 'stackTraceLimit', { get() { used++; return 5; }, set() { used += 100; }, configurable: true });`,
    end: `say(new Error('x').stack + ' ' + used);`,
  },
  'Error.stackTraceLimit deleted': { setup: 'delete Error.stackTraceLimit;', end: `say(String(new Error('x').stack));` },
  'freezes Error': {
    setup: 'Object.freeze(Error);',
    stacks: 'cut',
    end: `say(new Error('x').stack.split('\\n').length + ' lines');` },
  'replaces collections': {
    setup: `for (const name of ['Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry']) globalThis[name] = class { constructor() { throw new TypeError(name); } };`,
  },
  'deletes collections': { setup: `for (const name of ['Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry', 'Reflect', 'JSON', 'Float64Array', 'Uint32Array', 'Symbol']) delete globalThis[name];` },
  'collections whose methods throw': {
    setup: `for (const [holder, names] of [[Map.prototype, ['get', 'set', 'has', 'delete']], [Set.prototype, ['add', 'has', 'delete']], [WeakMap.prototype, ['get', 'set', 'has', 'delete']], [WeakRef.prototype, ['deref']], [FinalizationRegistry.prototype, ['register', 'unregister']]]) {
  for (const name of names) holder[name] = () => { throw new TypeError('patched ' + name); };
}`,
  },
  'Array.prototype methods that throw': {
    setup: `for (const name of ['push', 'shift', 'map', 'find', 'includes', 'forEach', 'join', 'flatMap', 'some', 'filter', 'slice', 'splice', 'concat']) {
  const original = Array.prototype[name];
  Array.prototype[name] = function (...values) { if (on) throw new TypeError('patched ' + name); return original.apply(this, values); };
}
let on = false;`,
    work: 'on = true; host.process.nextTick(() => { on = false; });',
  },
  'Object.prototype with setters, toJSON and then': {
    setup: `let used = '';
for (const name of ['toJSON', 'then', 'site', 'start', 'state', 'stack', 'prepareStackTrace', 'trackPromises', 'rows', 'frames', 'live']) {
  Object.defineProperty(Object.prototype, name, { configurable: true, enumerable: false, get() { return undefined; }, set(value) { used += name + ' '; Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true }); } });
}`,
    end: `say('used: ' + used);`,
  },
  'toJSON on every prototype': {
    setup: `for (const { prototype } of [Object, Array, String, Number, Boolean]) Object.defineProperty(prototype, 'toJSON', { configurable: true, value() { say('toJSON was called'); return 0; } });`,
  },
  'a Function.prototype whose methods throw': {
    setup: `const { bind, call, apply } = Function.prototype; let on = false;
for (const name of ['bind', 'call', 'apply']) { const original = Function.prototype[name]; Function.prototype[name] = function (...values) { if (on) throw new TypeError(name); return Reflect.apply(original, this, values); }; }`,
    work: 'on = true; host.process.nextTick(() => { on = false; });',
  },
  'replaces process': { setup: `globalThis.process = { argv: [], versions: {}, env: {} };` },
  'deletes process': { setup: 'delete globalThis.process;' },
  'a process whose methods throw': {
    setup: `for (const name of ['binding', 'memoryUsage', 'uptime', 'getActiveResourcesInfo', 'cwd', 'getBuiltinModule']) { try { Object.defineProperty(process, name, { configurable: true, writable: true, value() { throw new TypeError('patched ' + name); } }); } catch {} }`,
  },
  'a process whose figures are none': {
    setup: `process.memoryUsage = () => ({ heapUsed: 1 }); process.uptime = () => -1; process.getActiveResourcesInfo = () => ['toString', 7, 'x'.repeat(10000)];`,
  },
  'a Date.now that tells no time': { setup: 'Date.now = () => undefined;' },
  'deletes most globals': {
    setup: `for (const key of Reflect.ownKeys(globalThis)) { if (!['globalThis', 'Promise', 'WebAssembly'].includes(key)) try { delete globalThis[key]; } catch {} }`,
  },
  'deletes performance, Date and timers': {
    setup: `for (const key of ['performance', 'Date', 'setTimeout', 'setInterval', 'clearInterval', 'Math', 'Number', 'Object']) delete globalThis[key];`,
  },
  'a lockdown: frozen intrinsics, a tamed Error and no clock': {
    setup: `const Native = Error;
const { getOwnPropertyDescriptors, getPrototypeOf, freeze } = Object;
globalThis.Error = function Error(...values) { return Reflect.construct(Native, values, new.target); };
Object.defineProperties(globalThis.Error, {
  prototype: { value: Native.prototype, writable: false },
  captureStackTrace: { value: () => {} },
  stackTraceLimit: { get: () => 7, set: () => {} },
  prepareStackTrace: { get: () => undefined, set: () => {} },
});
for (const name of ['now']) Date[name] = () => NaN;
Math.random = () => { throw new TypeError('no chance'); };
const seen = new Set();
const harden = (value) => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
  seen.add(value);
  freeze(value);
  for (const { value: inner, get, set } of Object.values(getOwnPropertyDescriptors(value))) [inner, get, set].forEach(harden);
  harden(getPrototypeOf(value));
};
for (const name of ['Object', 'Function', 'Array', 'Error', 'TypeError', 'RangeError', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakRef', 'FinalizationRegistry', 'Symbol', 'JSON', 'Reflect', 'Math', 'Date']) harden(globalThis[name]);
harden(Native);`,
    end: `say(new Error('x').stack.split('\\n').length + ' lines');`,
    stacks: 'cut',
  },
  '--frozen-intrinsics': { flags: ['--frozen-intrinsics', '--no-warnings'], stacks: 'cut' },
  '--disallow-code-generation-from-strings': {
    flags: ['--disallow-code-generation-from-strings'],
    end: `try { say(String((0, eval)('1'))); } catch (error) { say(error.name); }`,
  },
  '--disable-proto=throw': { flags: ['--disable-proto=throw'], end: `try { ({}).__proto__; } catch (error) { say(error.code); }` },
  '--enable-source-maps': { flags: ['--enable-source-maps'], end: `say(new Error('x').stack.split('\\n')[0]);` },
  '--stack-trace-limit=0': { flags: ['--stack-trace-limit=0'] },
};

describe.each(NODES)('Node $version', (node) => {
  describe.concurrent('is the same with us and counted right', () => {
    test.each(Object.entries(PROGRAMS))('%s', async (_name, program) => {
      const [alone, watched] = await Promise.all([runAlone(node, program), runWatched(node, program)]);
      expect(watched.outcome).toEqual(alone);
      expect(alone).toMatchObject({ code: 0, signal: null });
      expect(watched.counts).toMatchObject(program.counts ?? WORK);
      expect(watched.model.stacks).toBe(program.stacks ?? 'whole');
      expect(watched.model.dropped).toBe(0);
    });
  });
});

describe.each(NODES)('Node $version', (node) => {
  test('a program that has frozen globalThis is left alone, with the reason', async () => {
    const program: FaultProgram = { setup: 'host.process.nextTick(() => Object.freeze(globalThis));' };
    const alone = await runAlone(node, program);
    const run = await startProgram(node, program);
    await run.step('mark');
    await expect(attach(run.url, { budgetPercent: 100 })).rejects.toMatchObject({
      reason: 'agent failed',
      message: expect.stringContaining('the program has frozen its globals') as unknown,
    });
    await run.step('work');
    expect(await run.end()).toEqual(alone);
  });

  test('a program that lets one answer fail loses nothing by it', async () => {
    const run = await startProgram(node, {
      // for an answer only: hooks ask for the time whenever something of Node's own comes up
      setup: `globalThis.clock = { fails: 0 };
const now = performance.now.bind(performance);
Object.getPrototypeOf(performance).now = () => { if (clock.fails > 0 && /at poll .*asyncscope/.test(new Error().stack)) { clock.fails--; throw new Error('no time'); } return now(); };`,
    });
    await run.step('mark');
    const target = await attach(run.url, { budgetPercent: 100 });
    const picture = follow(target);
    await picture.poll();
    await run.step('work');
    await evaluate(run.url, 'clock.fails = 1');
    await expect(picture.poll()).rejects.toMatchObject({ reason: 'timeout' });
    await picture.poll();
    expect(picture.counts()).toMatchObject(WORK);
    expect(picture.model.losses).toMatchObject({ lostPolls: 0, restarts: 0 });
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0 });
  });

  test("a program with a clock of a test's is watched by the time that it really is", async () => {
    const run = await startProgram(node, { setup: 'performance.now = () => 7;' });
    await run.step('mark');
    const target = await attach(run.url, { budgetPercent: 100 });
    const { now } = await target.poll();
    await until(async () => (await target.poll()).now > now);
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0 });
  });

  test('a program that changes Error while it is watched loses no line', async () => {
    const run = await startProgram(node, { work: `Object.defineProperty(Error, 'prepareStackTrace', { value: (error) => 'fixed ' + error.message }); Object.freeze(Error);` });
    await run.step('mark');
    const target = await attach(run.url, { budgetPercent: 100 });
    const picture = follow(target);
    await picture.poll();
    await run.step('work');
    await picture.poll();
    expect(picture.counts()).toMatchObject(WORK);
    expect(picture.model.dropped).toBe(0);
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0 });
  });
});
