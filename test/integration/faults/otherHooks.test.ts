/** Other tools that hook into promises and async resources, before and after us: each sees what it sees without us. */
import { afterAll, describe, expect, test } from 'vitest';
import type { FaultProgram } from '../../support/faultProgram.ts';
import { WORK, runAlone, runWatched } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import { stopTargets } from '../../support/target.ts';

afterAll(stopTargets);

/** An observer as a performance monitor makes it: every resource, with its context passed on. */
const MONITOR = `
const asyncHooks = require('async_hooks');
const events = { __proto__: null };
const count = (name) => { events[name] = (events[name] || 0) + 1; };
let counting = false;
const monitor = asyncHooks.createHook({
  init(id, type) { if (counting && (type === 'PROMISE' || type === 'Timeout')) count('init ' + type); },
  promiseResolve() { if (counting) count('resolve'); },
  before() {}, after() {}, destroy() {},
});`;
const COUNTED = (work: string): string => `counting = true; ${work} for (let i = 0; i < 4; i++) Promise.resolve(i).then(() => {});`;
/** Contexts as a web framework uses them: each of ten requests has its own, through timers, promises and awaits. */
const CONTEXTS = `
const { AsyncLocalStorage } = require('async_hooks');
const storage = new AsyncLocalStorage();
let wrong = 0;
let done = 0;
const request = async (id) => {
  const check = () => { if (storage.getStore() !== id) wrong++; };
  check(); await null; check();
  await require('timers/promises').setTimeout(1); check();
  await new Promise((resolve) => setImmediate(resolve)); check();
  await storage.run('inner', async () => { await null; if (storage.getStore() !== 'inner') wrong++; }); check();
  storage.exit(() => { if (storage.getStore() !== undefined) wrong++; }); check();
  await require('fs').promises.stat('/'); check();
  done++;
  if (done === 10) say('contexts wrong: ' + wrong);
};`;

/** What the agent of a performance monitor does: it wraps what requests go through, follows each by its context, and keeps its spans by id. */
const APM = `
const { AsyncLocalStorage, createHook, executionAsyncId } = require('async_hooks');
const http = require('http');
const storage = new AsyncLocalStorage();
const spans = new Map();
createHook({
  init(id, type, trigger) { const span = spans.get(trigger); if (span !== undefined) spans.set(id, span); },
  destroy(id) { spans.delete(id); },
}).enable();
const { emit } = http.Server.prototype;
http.Server.prototype.emit = function (event, ...values) {
  if (event !== 'request') return Reflect.apply(emit, this, [event, ...values]);
  const span = { url: values[0].url };
  return storage.run(span, () => { spans.set(executionAsyncId(), span); return Reflect.apply(emit, this, [event, ...values]); });
};
const { then } = Promise.prototype;
Promise.prototype.then = function (one, other) {
  const span = storage.getStore();
  const bound = (callback) => (typeof callback === 'function' && span !== undefined ? (value) => storage.run(span, callback, value) : callback);
  return Reflect.apply(then, this, [bound(one), bound(other)]);
};
let wrong = 0;
let answered = 0;
const server = http.createServer(async (request, response) => {
  const check = () => { if (storage.getStore()?.url !== request.url) wrong++; };
  check(); await null; check();
  await require('timers/promises').setTimeout(1); check();
  await Promise.resolve().then(check); check();
  response.end(request.url);
});
let closed = false;
const ask = (url) => http.get({ port: server.address().port, host: '127.0.0.1', agent: false, path: url }, (response) => {
  let body = '';
  response.on('data', (chunk) => { body += chunk; }).on('end', () => {
    if (body !== url) wrong++;
    if (++answered === 10) server.close(() => { closed = true; });
  });
});`;

const PROGRAMS: Readonly<Record<string, FaultProgram>> = {
  'a monitor on async_hooks with destroy and promiseResolve, before us': {
    setup: `${MONITOR} monitor.enable();`,
    work: COUNTED(''),
    end: `counting = false; say(JSON.stringify(events));`,
  },
  'a monitor on async_hooks that is enabled while we watch': {
    setup: MONITOR,
    work: COUNTED('monitor.enable();'),
    end: `counting = false; monitor.disable(); say(JSON.stringify(events));`,
  },
  'AsyncLocalStorage with run, enterWith and exit': {
    setup: CONTEXTS,
    work: `for (let id = 0; id < 10; id++) { if (id % 2) storage.run(id, request, id); else host.setImmediate(() => { storage.enterWith(id); request(id); }); }
while (false);`,
    over: "done === 10 && !/Immediate|FSReq/.test(host.active().join())",
  },
  'the agent of a performance monitor': {
    setup: APM,
    work: `server.listen(0, '127.0.0.1', () => { for (let i = 0; i < 10; i++) ask('/' + i); });`,
    over: "closed && !/TCP|HTTP/.test(host.active().join())",
    end: `say('answered ' + answered + ', wrong ' + wrong);`,
  },
  'v8.promiseHooks of its own': {
    setup: `const seen = { init: 0, settled: 0 }; let on = false; const { promiseHooks } = require('v8');
promiseHooks.createHook({ init() { if (on) seen.init++; }, settled() { if (on) seen.settled++; } });`,
    work: `on = true; for (let i = 0; i < 4; i++) Promise.resolve(i);`,
    end: `on = false; say(JSON.stringify(seen));`,
  },
  'v8.promiseHooks that are set while we watch': {
    setup: `const seen = { init: 0, settled: 0 }; let on = true; const { promiseHooks } = require('v8');`,
    work: `const stop = promiseHooks.onInit(() => { if (on) seen.init++; }); for (let i = 0; i < 4; i++) Promise.resolve(i); globalThis.stopHooks = stop;`,
    end: `on = false; stopHooks(); delete globalThis.stopHooks; say(JSON.stringify(seen));`,
  },
  'a vm context': {
    setup: `const vm = require('vm'); const context = vm.createContext({ kept, out: '' });`,
    work: `vm.runInContext('globalThis.mine = []; for (let i = 0; i < 4; i++) mine.push(new Promise(() => {}));', context);`,
    end: `say(Reflect.ownKeys(context).join());`,
  },
};

describe.each(NODES)('Node $version', (node) => {
  describe.concurrent('sees what it sees without us, and we count right', () => {
    test.each(Object.entries(PROGRAMS))('%s', async (_name, program) => {
      const [alone, watched] = await Promise.all([runAlone(node, program), runWatched(node, program)]);
      // and so does the last of their own resources go
      const lines = (text: string): string[] => text.replace(/[+~-] active .*\n/g, '').split('\n').filter((line) => line !== '').sort();
      // what the requests of a program print comes when it comes
      expect({ ...watched.outcome, stdout: lines(watched.outcome.stdout) }).toEqual({ ...alone, stdout: lines(alone.stdout) });
      expect(alone).toMatchObject({ code: 0, signal: null });
      expect(watched.counts).toMatchObject(WORK);
      expect(watched.model.dropped).toBe(0);
    });
  });
});
