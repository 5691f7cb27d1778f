/** Attaching to real Node processes, and every way out again. */
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { attach, attachTo } from '../../src/cdp/attach.ts';
import { QUEUED_CHUNKS_LIMIT } from '../../src/cdp/heapSnapshot.ts';
import { AGENT_TIMER } from '../../src/core/base/agentTimer.ts';
import { connect } from '../../src/cdp/connection.ts';
import type { AttachedTarget } from '../../src/cdp/target.ts';
import type { AgentPoll } from '../../src/protocol/agent.ts';
import { evaluate, inJob } from '../support/evaluate.ts';
import { NODES } from '../support/nodes.ts';
import { IDLE, startTarget, stopTargets } from '../support/target.ts';
import { until } from '../support/until.ts';

const OPTIONS = { budgetPercent: 100 };
/** What Node reads from a socket at a time (libuv: uv__read in src/unix/stream.c). */
const SOCKET_READ_BYTES = 64 * 1024;
/** Everything of a process that an observer could leave something in. */
const FOOTPRINT = `(() => JSON.stringify({
  globals: Reflect.ownKeys(globalThis).map(String).sort(),
  error: Reflect.ownKeys(Error).map(String).sort(),
  limit: Error.stackTraceLimit,
  listeners: process.eventNames().map(String).sort(),
  exit: process.listenerCount('exit'),
  hooks: process.binding === undefined ? 0 : 1,
  active: process.getActiveResourcesInfo().sort(),
}))()`;

afterEach(stopTargets);

async function footprint(url: string): Promise<Record<string, unknown>> {
  return JSON.parse(String(await evaluate(url, FOOTPRINT))) as Record<string, unknown>;
}

/** Live tasks that began since the attach, by kind, of all polls so far. */
function counter(): { take(poll: AgentPoll): void; live(kind: string): number } {
  const kinds = new Map<number, string>();
  const live = new Map<number, number>();
  return {
    take(poll) {
      if (poll.seq === 1) {
        kinds.clear();
        live.clear();
      }
      for (const site of poll.sites) if (!site.inner && site.before === undefined) kinds.set(site.id, site.kind);
      for (const change of poll.changes) live.set(change[0], change[1]);
    },
    live(kind) {
      let sum = 0;
      for (const [site, count] of live) if (kinds.get(site) === kind) sum += count;
      return sum;
    },
  };
}

async function reaches(target: AttachedTarget, kind: string, count: number): Promise<void> {
  const counts = counter();
  await until(async () => {
    counts.take(await target.poll());
    return counts.live(kind) === count;
  });
}

describe.each(NODES)('Node $version', (node) => {
  describe.each([
    ['ends naturally', 'setTimeout(() => {}, 1000)', 0],
    ['calls process.exit', 'setTimeout(() => process.exit(7), 1000)', 7],
    ['throws', "setTimeout(() => { throw new Error('on purpose'); }, 1000)", 1],
    ['rejects', "setTimeout(() => { Promise.reject(new Error('on purpose')); }, 1000)", 1],
  ])('a target that %s', (_how, code, exitCode) => {
    test('exits by itself, with its own exit code', async () => {
      const target = await startTarget(node, code);
      const attached = await attach(target.url, OPTIONS);
      await attached.poll();
      expect(await attached.closed).toBe('target exited');
      expect(await target.exited).toEqual({ code: exitCode, signal: null });
    });
  });

  test('a target that has only just begun is attached to, and runs on', async () => {
    // Node prints its inspector's address before its own modules are loaded
    for (let round = 0; round < 10; round++) {
      const target = await startTarget(node, 'setTimeout(() => {}, 2000)');
      const attached = await attach(target.url, OPTIONS);
      expect((await attached.poll()).seq).toBe(1);
      await attached.detach();
      target.child.kill('SIGKILL');
      await target.exited;
    }
  });

  test('a killed target is said to have exited', async () => {
    const target = await startTarget(node, IDLE);
    const attached = await attach(target.url, OPTIONS);
    target.child.kill('SIGKILL');
    expect(await attached.closed).toBe('target exited');
    await expect(attached.poll()).rejects.toMatchObject({ reason: 'closed' });
  });

  test('a detach leaves nothing of ours behind', async () => {
    const target = await startTarget(node, IDLE);
    const before = await footprint(target.url);
    const attached = await attach(target.url, OPTIONS);
    await attached.poll();
    await attached.watch([0]);
    await attached.poll();
    await attached.detach();
    expect(await attached.closed).toBe('detached');
    expect(await footprint(target.url)).toEqual(before);
  });

  describe("a test's clock in the place of Node's timers", () => {
    /** Our timers are those of Node's lists that call what has their name. */
    const PROGRAM = `const { mock } = require('node:test');
      const lists = require('internal/timers').timerListMap;
      globalThis.enable = () => { mock.timers.enable({ apis: ['setInterval'] }); };
      globalThis.pass = (ms) => { mock.timers.tick(ms); };
      globalThis.ours = () => {
        let count = 0;
        for (const list of Object.values(lists)) for (let each = list._idleNext; each !== list; each = each._idleNext) if (each._onTimeout.name === '${AGENT_TIMER}') count++;
        return count;
      };
      setInterval(() => {}, 1000); console.log('idle')`;
    const FLAGS = ['--expose-internals', '--no-warnings'];

    test('during a detach: nothing of ours is left', async () => {
      const target = await startTarget(node, PROGRAM, FLAGS);
      const attached = await attach(target.url, OPTIONS);
      expect(await evaluate(target.url, 'ours()')).toBe(1);
      await evaluate(target.url, 'enable()');
      await attached.poll();
      await attached.detach();
      expect(await evaluate(target.url, 'ours()')).toBe(0);
    });

    test('during an attach: time is told by Node all the same', async () => {
      const target = await startTarget(node, PROGRAM, FLAGS);
      await evaluate(target.url, 'enable()');
      const attached = await attach(target.url, { ...OPTIONS, leaseMs: 2_000 });
      expect((await attached.poll()).seq).toBe(1);
      expect(await evaluate(target.url, 'ours()')).toBe(1);
      await evaluate(target.url, 'pass(60_000)');
      expect((await attached.poll()).seq).toBe(2);
      // and that nobody polls is seen, too
      await until(async () => (await evaluate(target.url, 'ours()')) === 0);
      await attached.detach();
    });
  });

  test('looking at what runs makes no callback of the program dearer for good', async () => {
    const code = `const { async_hook_fields, constants } = require('internal/test/binding').internalBinding('async_wrap');
      globalThis.isDearer = () => async_hook_fields[constants.kUsesExecutionAsyncResource];
      setInterval(() => {}, 1000); console.log('idle')`;
    const target = await startTarget(node, code, ['--expose-internals', '--no-warnings']);
    const attached = await attach(target.url, OPTIONS);
    const { sites } = await attached.poll();
    await attached.watch(sites.map(({ id }) => id));
    const { tasks } = await attached.poll();
    expect(tasks.flatMap(({ rows }) => rows.map(({ repeats }) => repeats))).toContain(true);
    expect(await evaluate(target.url, 'isDearer()')).toBe(0);
    await attached.detach();
    expect(await evaluate(target.url, 'isDearer()')).toBe(0);
  });

  test('an agent that nobody polls takes itself out', async () => {
    const target = await startTarget(node, IDLE);
    const before = await footprint(target.url);
    const attached = await attach(target.url, { ...OPTIONS, leaseMs: 200 });
    await attached.poll();
    await until(async () => JSON.stringify(await footprint(target.url)) === JSON.stringify(before));
    await expect(attached.countPromises()).rejects.toMatchObject({ reason: 'timeout', message: expect.stringContaining('has waited for 0.2 s and left') as unknown });
    // and is put in again by the next poll, which begins anew
    expect((await attached.poll()).seq).toBe(1);
    await attached.detach();
    expect(await footprint(target.url)).toEqual(before);
  });

  test('attach, detach, attach again: each sees what began since', async () => {
    const target = await startTarget(node, `globalThis.kept = []; ${IDLE}`);
    for (const count of [3, 5]) {
      const attached = await attach(target.url, OPTIONS);
      await evaluate(target.url, inJob(`for (let i = 0; i < ${count}; i++) kept.push(new Promise(() => {}));`));
      await reaches(attached, 'promise', count);
      await attached.detach();
    }
  });

  test('two agents in one target count the same and not each other', async () => {
    const target = await startTarget(node, `globalThis.kept = []; ${IDLE}`);
    const first = await attach(target.url, OPTIONS);
    const second = await attach(target.url, OPTIONS);
    // by this, with its id, one process is known however it was reached
    expect([first.timeOrigin > 0, second.timeOrigin]).toEqual([true, first.timeOrigin]);
    await evaluate(target.url, inJob('for (let i = 0; i < 4; i++) kept.push(new Promise(() => {}), setTimeout(() => {}, 60000));'));
    for (const attached of [first, second]) await reaches(attached, 'promise', 4);
    await first.detach();
    await evaluate(target.url, inJob('kept.push(new Promise(() => {}));'));
    const counts = counter();
    await until(async () => {
      counts.take(await second.poll());
      return counts.live('promise') === 1;
    });
    await second.detach();
  });

  test('answers while the target is paused at a breakpoint, and while it is busy', async () => {
    const target = await startTarget(
      node,
      `globalThis.kept = [new Promise(() => {})]; setInterval(() => {}, 20);
       globalThis.busy = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };`,
    );
    const attached = await attach(target.url, OPTIONS);
    const user = await connect(target.url);
    const paused = new Promise((resolve) => user.on('Debugger.paused', resolve));
    await user.send('Debugger.enable');
    await user.send('Debugger.pause');
    await paused;
    expect((await attached.poll()).seq).toBe(1);
    await user.send('Debugger.resume');
    const done = user.send('Runtime.evaluate', { expression: 'busy(400)' });
    expect((await attached.poll()).seq).toBe(2);
    await done;
    await user.close();
    await attached.detach();
  });

  test('polls that come in the middle of a hook neither lose nor mix up lines', async () => {
    const sites = 15_000;
    const target = await startTarget(
      node,
      `const vm = require('vm');
       globalThis.kept = [];
       const scripts = Array.from({ length: ${sites} }, (_, i) =>
         new vm.Script('kept.push(new Promise(() => {}))', { filename: '/line' + i + '.js', lineOffset: i }));
       globalThis.spawn = () => { for (const script of scripts) for (let i = 0; i < 2; i++) script.runInThisContext(); };
       ${IDLE}`,
    );
    const attached = await attach(target.url, OPTIONS);
    const user = await connect(target.url);
    const polls = [await attached.poll()];
    // from the event loop: what is evaluated is not interrupted
    await user.send('Runtime.evaluate', { expression: 'void setTimeout(spawn, 10)' });
    const started = () => polls.flatMap((poll) => poll.sites).length;
    const end = performance.now() + 20_000;
    while (started() < sites && performance.now() < end) polls.push(await attached.poll());
    polls.push(await attached.poll());
    const frames = polls.flatMap((poll) => poll.frames);
    const live = new Map(polls.flatMap((poll) => poll.changes).map((change) => [change[0], change[1]]));
    // nobody has told the agent whose these scripts are: it keeps whole stacks apart
    const counts = new Map<string, number>();
    for (const site of polls.flatMap((poll) => poll.sites)) {
      const frame = frames[site.frames[1] ?? -1];
      const line = `${frame?.[1] ?? '?'}:${frame?.[2] ?? 0}`;
      counts.set(line, (counts.get(line) ?? 0) + (live.get(site.id) ?? 0));
    }
    const shown = [...counts].map(([line, count]) => `${line} ${count}`).filter((row) => row.startsWith('/line'));
    const expected = Array.from({ length: sites }, (_, i) => `/line${i}.js:${i + 1} 2`);
    // some of them came while it was at work
    expect(polls.filter((poll) => poll.sites.length > 0).length).toBeGreaterThan(2);
    expect(shown.sort()).toEqual(expected.sort());
    await user.close();
    await attached.detach();
  });

  test('polls put no script into the debugger', async () => {
    const target = await startTarget(node, IDLE);
    const attached = await attach(target.url, OPTIONS);
    await attached.poll();
    const user = await connect(target.url);
    await user.send('Debugger.enable');
    const scripts: unknown[] = [];
    user.on('Debugger.scriptParsed', (script) => scripts.push(script['url']));
    for (let i = 0; i < 5; i++) await attached.poll();
    // a script of our own arrives after any that the polls made
    await user.send('Runtime.evaluate', { expression: '0 //# sourceURL=last' });
    await until(() => scripts.includes('last'));
    expect(scripts).toEqual(['last']);
    await user.close();
    await attached.detach();
  });

  test('vm contexts get no globals of ours', async () => {
    const target = await startTarget(
      node,
      `globalThis.context = require('vm').createContext({}); require('vm').runInContext('1', context); ${IDLE}`,
    );
    const attached = await attach(target.url, OPTIONS);
    await attached.poll();
    expect(await evaluate(target.url, 'Reflect.ownKeys(context).length')).toBe(0);
    await attached.detach();
  });

  test('a heap snapshot arrives whole', async () => {
    const target = await startTarget(node, IDLE);
    const attached = await attach(target.url, OPTIONS);
    let text = '';
    const progress: number[] = [];
    await attached.takeHeapSnapshot({ write: (chunk) => void (text += chunk), progress: (done) => progress.push(done) });
    const snapshot = JSON.parse(text) as { snapshot: { node_count: number }; nodes: number[] };
    expect(snapshot.snapshot.node_count).toBeGreaterThan(1000);
    expect(progress.at(-1)).toBe(1);
    const aborted = new AbortController();
    aborted.abort();
    await expect(attached.takeHeapSnapshot({ write: () => undefined, signal: aborted.signal })).rejects.toMatchObject({ reason: 'cancelled' });
    await attached.detach();
  });

  test('a heap snapshot that is written slowly waits in the target, not in our memory', async () => {
    const target = await startTarget(node, `globalThis.kept = Array.from({ length: 300_000 }, (_, i) => ({ name: 'order ' + i })); ${IDLE}`);
    const connection = await connect(target.url);
    let read = 0;
    let largestPiece = 0;
    connection.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
      const { length } = String(chunk);
      read += length;
      largestPiece = Math.max(largestPiece, length);
    });
    const attached = await attachTo(connection, { kind: 'inspector', host: '127.0.0.1', port: 1 }, OPTIONS);
    let written = '';
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const snapshot = attached.takeHeapSnapshot({
      write: async (chunk) => {
        await held;
        written += chunk;
      },
    });
    await until(() => read > QUEUED_CHUNKS_LIMIT);
    // nothing is read while others are answered
    for (let i = 0; i < 5; i++) await footprint(target.url);
    const whileHeld = read;
    // the piece that goes beyond the limit, whatever size V8 gives its pieces, and what one socket had read already
    const bound = QUEUED_CHUNKS_LIMIT + largestPiece + SOCKET_READ_BYTES;
    goOn();
    await snapshot;
    expect((JSON.parse(written) as { nodes: unknown[] }).nodes.length).toBeGreaterThan(1_000_000);
    expect(whileHeld).toBeLessThanOrEqual(bound);
    expect(written.length).toBeGreaterThan(2 * QUEUED_CHUNKS_LIMIT);
    await attached.detach();
  });

  test('above its budget the agent samples, says so, and stays near the truth', async () => {
    const total = 200_000;
    const target = await startTarget(node, `globalThis.kept = []; globalThis.spawn = (n) => { for (let i = 0; i < n; i++) kept.push(new Promise(() => {})); }; ${IDLE}`);
    const attached = await attach(target.url, { budgetPercent: 1 });
    await evaluate(target.url, inJob(`spawn(${total}); globalThis.spawned = true;`));
    await until(async () => (await evaluate(target.url, 'globalThis.spawned')) === true);
    const poll = await attached.poll();
    expect(poll.sampledPromises).toBe(true);
    const change = poll.changes.reduce((most, each) => (each[1] > most[1] ? each : most));
    const error = Math.sqrt(change[2]);
    expect(error).toBeGreaterThan(0);
    // five standard deviations: fails once in a million runs
    expect(Math.abs(change[1] - total)).toBeLessThan(5 * error);
    await attached.detach();
  });
});

describe('an inspector of this machine', () => {
  test.each([['127.0.0.1', 'localhost'], ['127.0.0.2', '127.0.0.2'], ['[::1]', '[::1]'], ['0.0.0.0', '127.0.0.1'], ['0.0.0.0', '0.0.0.0']])(
    'that listens on %s is reached by %s',
    async (listening, host) => {
      const [node] = NODES;
      if (node === undefined) return;
      const target = await startTarget(node, IDLE, [`--inspect=${listening}:0`]);
      const { port, pathname } = new URL(target.url);
      for (const address of [`${host}:${port}`, `ws://${host}:${port}${pathname}`]) {
        const attached = await attach(address, OPTIONS);
        expect(attached.info.pid).toBe(target.child.pid);
        await attached.detach();
      }
    },
  );
});

describe('what is not a Node inspector', () => {
  test.each([
    ['', 'bad target'],
    ['9229x', 'bad target'],
    ['0', 'bad target'],
    ['99999', 'bad target'],
    ['127.0.0.1:1', 'refused'],
    ['ws://127.0.0.1:1/x', 'refused'],
    ['no-such-host.invalid:9229', 'refused'],
  ])('"%s": %s', async (target, reason) => {
    await expect(attach(target, OPTIONS)).rejects.toMatchObject({ name: 'TargetError', reason });
  });

  test('an inspector on another machine, unless the user has agreed to it', async () => {
    const [node] = NODES;
    const own = Object.values(networkInterfaces()).flat().find((each) => each?.family === 'IPv4' && !each.internal)?.address;
    if (node === undefined || own === undefined) return;
    const target = await startTarget(node, IDLE, ['--inspect=0.0.0.0:0']);
    const { port, pathname } = new URL(target.url);
    for (const address of [`${own}:${port}`, `ws://${own}:${port}${pathname}`]) {
      await expect(attach(address, OPTIONS)).rejects.toMatchObject({ reason: 'remote host' });
      await expect(attach(address, OPTIONS)).rejects.not.toThrow(pathname);
      const attached = await attach(address, { ...OPTIONS, allowRemote: true });
      expect(attached.info.url).toBe(`${own}:${port}`);
      await attached.detach();
    }
  });

  test('a web server', async () => {
    const server = createServer((_request, response) => response.end('<html>'));
    await expect(attach(String(await listen(server)), OPTIONS)).rejects.toMatchObject({ reason: 'not an inspector' });
    server.close();
  });

  test('a browser', async () => {
    const server = createServer((_request, response) => response.end('{"Browser":"Chrome/156.0"}'));
    server.on('request', () => undefined);
    const port = await listen(server);
    await expect(attach(String(port), OPTIONS)).rejects.toMatchObject({ name: 'TargetError' });
    server.close();
  });

  test('a socket that says nothing', async () => {
    const server = createTcpServer(() => undefined);
    await expect(attach(`ws://127.0.0.1:${await listen(server)}/x`, OPTIONS)).rejects.toMatchObject({ reason: 'timeout' });
    server.close();
  });
});

async function listen(server: { listen(port: number, host: string, done: () => void): unknown; address(): unknown }): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}
