/** Targets that others look at as well: debuggers that hold them, wait for them, or watch the same things. */
import { afterEach, describe, expect, test } from 'vitest';
import { attach } from '../../src/cdp/attach.ts';
import { connect } from '../../src/cdp/connection.ts';
import type { Connection } from '../../src/cdp/connection.ts';
import type { AttachedTarget, TargetError } from '../../src/cdp/target.ts';
import { STILL_THRESHOLD_MS } from '../../src/core/model/task.ts';
import type { AgentPoll } from '../../src/protocol/agent.ts';
import { evaluateOver, inJob } from '../support/evaluate.ts';
import { NODES } from '../support/nodes.ts';
import { startTarget, stopTargets } from '../support/target.ts';
import { until } from '../support/until.ts';
import { closeWires, wireTo } from '../support/wire.ts';

const OPTIONS = { budgetPercent: 100 };
const IDLE = "globalThis.kept = []; setInterval(() => {}, 20); console.log('idle')";
/** Messages to a target that waits: a look at it takes two. */
const SOME_LOOKS = 8;

afterEach(async () => {
  closeWires();
  await stopTargets();
});

/** Live tasks of a kind that began since the attach, of all polls so far. */
function liveOf(polls: readonly AgentPoll[], kind: string): number {
  const kinds = new Map(polls.flatMap((poll) => poll.sites).flatMap((site) => (site.inner ? [] : [[site.id, site.kind] as const])));
  const live = new Map(polls.flatMap((poll) => poll.changes).map((change) => [change[0], change[1]]));
  return [...live].reduce((sum, [site, count]) => sum + (kinds.get(site) === kind ? count : 0), 0);
}

/** What a debugger asks for: js-debug with its defaults, or the DevTools of Chrome. */
async function debuggerOn(url: string): Promise<Connection> {
  const user = await connect(url);
  for (const method of ['Runtime.enable', 'Debugger.enable', 'HeapProfiler.enable', 'Profiler.enable']) await user.send(method);
  await user.send('Debugger.setAsyncCallStackDepth', { maxDepth: 32 });
  return user;
}

const OURS = "JSON.stringify(Reflect.ownKeys(globalThis).map(String).filter((name) => name.includes('asyncscope')))";

describe.each(NODES)('Node $version', (node) => {
  test('a target that waits before its first line is waited for, and seen from that line on', async () => {
    const target = await startTarget(node, "const kept = [new Promise(() => {})]; console.log('begun'); setInterval(() => kept, 1000)", ['--inspect-brk=127.0.0.1:0']);
    const user = await connect(target.url);
    await user.send('Debugger.enable');
    const scripts: unknown[] = [];
    const waiting: string[] = [];
    let attached: AttachedTarget | undefined;
    const wire = await wireTo(Number(new URL(target.url).port));
    const attaching = attach(`${wire.port}`, { ...OPTIONS, onWaiting: () => waiting.push(target.stdout()) }).then((done) => (attached = done));
    await until(() => waiting.length > 0);
    user.on('Debugger.scriptParsed', (script) => scripts.push(script['url']));
    // with some looks at it nothing happens to it: it is not let run, and gets no scripts but the one that looks
    const before = wire.messages;
    await until(() => wire.messages - before >= SOME_LOOKS);
    expect(attached).toBeUndefined();
    expect(target.stdout()).toBe('');
    expect(scripts.length).toBeLessThanOrEqual(1);

    const paused = new Promise((resolve) => user.on('Debugger.paused', resolve));
    await user.send('Runtime.runIfWaitingForDebugger');
    await paused;
    // it stands before its first line now, for the debugger to go on
    await attaching;
    expect(target.stdout()).toBe('');
    expect(waiting).toEqual(['']);
    await user.send('Debugger.resume');
    await until(() => target.stdout().includes('begun'));
    const polls: AgentPoll[] = [];
    await until(async () => {
      polls.push(await (attached as AttachedTarget).poll());
      return liveOf(polls, 'promise') === 1 && liveOf(polls, 'interval') === 1;
    });
    await attached?.detach();
    expect(await evaluateOver(user, OURS)).toBe('[]');
    await user.close();
  });

  test('a pause that is due at the next statement comes in the program, never in what looks whether it runs', async () => {
    const target = await startTarget(node, "console.log('begun');\nsetInterval(() => {\n  globalThis.ticked = 1;\n}, 10)", ['--inspect-brk=127.0.0.1:0']);
    const user = await connect(target.url);
    const scripts = new Map<string, string>();
    user.on('Debugger.scriptParsed', ({ scriptId, url }) => scripts.set(String(scriptId), String(url)));
    const pauses: { readonly script: string | undefined; readonly reason: unknown; readonly breakpoints: number }[] = [];
    user.on('Debugger.paused', ({ callFrames, reason, hitBreakpoints }) => {
      const [top] = callFrames as { location: { scriptId: string } }[];
      pauses.push({ script: scripts.get(top?.location.scriptId ?? ''), reason, breakpoints: (hitBreakpoints as unknown[]).length });
    });
    await user.send('Debugger.enable');
    await user.send('Debugger.setBreakpointByUrl', { url: '[eval]', lineNumber: 2 });
    await user.send('Debugger.pause');
    let isWaiting = false;
    const attaching = attach(target.url, { ...OPTIONS, onWaiting: () => (isWaiting = true) });
    await until(() => isWaiting);
    expect(pauses).toEqual([]);
    await user.send('Runtime.runIfWaitingForDebugger');
    // the one that was asked for comes in Node's own code, then that of --inspect-brk
    await until(() => pauses.length === 1);
    await user.send('Debugger.resume');
    await until(() => pauses.length === 2);
    const attached = await attaching;
    await user.send('Debugger.resume');
    await until(() => pauses.length === 3);
    expect(pauses).toEqual([
      { script: expect.stringMatching(/^node:internal\/(?!asyncscope)/) as unknown, reason: 'other', breakpoints: 0 },
      { script: '[eval]', reason: 'Break on start', breakpoints: 0 },
      { script: '[eval]', reason: 'other', breakpoints: 1 },
    ]);
    await user.send('Debugger.disable');
    await attached.poll();
    await attached.detach();
    expect(await evaluateOver(user, OURS)).toBe('[]');
    await user.close();
  });

  test('the wait for the first line can be cancelled, and leaves nothing behind', async () => {
    const target = await startTarget(node, "setInterval(() => {}, 1000); console.log('begun')", ['--inspect-brk=127.0.0.1:0']);
    const cancel = new AbortController();
    const attaching = attach(target.url, { ...OPTIONS, signal: cancel.signal, onWaiting: () => cancel.abort() });
    const error = await attaching.then(() => undefined, (reason: unknown) => reason as TargetError);
    // a target that is gone before it is waited for ends the attach in another way
    const { exitCode, signalCode } = target.child;
    expect({ reason: error?.reason, exitCode, signalCode }, `${String(error)} ${String(error?.cause)}\n${target.stderr()}`).toEqual({ reason: 'cancelled', exitCode: null, signalCode: null });
    const user = await connect(target.url);
    expect(await evaluateOver(user, OURS)).toBe('[]');
    await user.send('Runtime.runIfWaitingForDebugger');
    await until(() => target.stdout().includes('begun'));
    await user.close();
  });

  test('a debugger that pauses on all exceptions is never paused by us', async () => {
    const target = await startTarget(
      node,
      `const fs = require('fs'); globalThis.kept = [];
       setInterval(() => { fs.promises.stat('/').then(() => {}); kept.push(new Promise(() => {})); setTimeout(() => {}, 5); }, 10);
       console.log('idle')`,
    );
    const user = await debuggerOn(target.url);
    let pauses = 0;
    user.on('Debugger.paused', () => {
      pauses++;
      user.send('Debugger.resume').catch(() => undefined);
    });
    await user.send('Debugger.setPauseOnExceptions', { state: 'all' });
    for (let round = 0; round < 2; round++) {
      const attached = await attach(target.url, OPTIONS);
      for (let i = 0; i < 5; i++) await attached.poll();
      await attached.watch([0, 1, 2]);
      await attached.poll();
      await attached.detach();
    }
    expect(pauses).toBe(0);
    // that one would have been seen
    user.send('Runtime.evaluate', { expression: "setTimeout(() => { try { throw new Error('seen'); } catch {} })" }).catch(() => undefined);
    await until(() => pauses > 0);
    await user.close();
  });

  test('a target that stands at a breakpoint answers, and its loop is said to stand still until it goes on', async () => {
    const target = await startTarget(node, IDLE);
    const attached = await attach(target.url, OPTIONS);
    expect((await attached.poll()).process.loop.stillMs).toBe(0);
    const user = await connect(target.url);
    const paused = new Promise((resolve) => user.on('Debugger.paused', resolve));
    await user.send('Debugger.enable');
    await user.send('Debugger.pause');
    await paused;
    let still = 0;
    await until(async () => (still = (await attached.poll()).process.loop.stillMs) >= STILL_THRESHOLD_MS);
    const later = (await attached.poll()).process.loop.stillMs;
    expect(later).toBeGreaterThan(still);
    await user.send('Debugger.resume');
    await until(async () => (await attached.poll()).process.loop.stillMs === 0);
    await user.close();
    await attached.detach();
  });

  test('two Asyncscopes, a debugger and DevTools at once: exact counts for both, and the debugger keeps what it has', async () => {
    const target = await startTarget(node, `globalThis.spawn = () => { for (let i = 0; i < 5; i++) kept.push(new Promise(() => {}), setTimeout(() => {}, 60_000)); }; ${IDLE}`);
    const [debug, devTools] = [await debuggerOn(target.url), await debuggerOn(target.url)];
    const [first, second] = [await attach(target.url, OPTIONS), await attach(target.url, OPTIONS)];
    const [firstPolls, secondPolls]: [AgentPoll[], AgentPoll[]] = [[], []];
    const counts = async (attached: AttachedTarget, polls: AgentPoll[], each: number): Promise<void> => {
      await until(async () => {
        polls.push(await attached.poll());
        return liveOf(polls, 'promise') === each && liveOf(polls, 'timeout') === each;
      });
    };
    await evaluateOver(debug, inJob('spawn();'));
    await counts(first, firstPolls, 5);
    await counts(second, secondPolls, 5);
    await first.detach();
    await evaluateOver(devTools, inJob('spawn();'));
    await counts(second, secondPolls, 10);
    // an async stack, as deep as the debugger asked for
    const paused = new Promise<Record<string, unknown>>((resolve) => debug.on('Debugger.paused', resolve));
    devTools.on('Debugger.paused', () => undefined);
    await debug.send('Runtime.evaluate', { expression: 'void setTimeout(function later() { debugger; }, 1)' });
    const { callFrames, asyncStackTrace } = await paused;
    expect((callFrames as { functionName: string }[])[0]?.functionName).toBe('later');
    expect(asyncStackTrace).toBeDefined();
    await debug.send('Debugger.resume');
    await devTools.send('Debugger.resume').catch(() => undefined);
    await second.detach();
    expect(await evaluateOver(debug, OURS)).toBe('[]');
    await devTools.close();
    await debug.close();
  });

  test('beside a debugger with asynchronous stacks calls of hooks are charged at what they cost there', async () => {
    const awaits = 200_000;
    const target = await startTarget(node, `globalThis.spin = async () => { const settled = Promise.resolve(); for (let i = 0; i < ${awaits}; i++) await settled; console.log('over'); }; ${IDLE}`);
    const attached = await attach(target.url, { ...OPTIONS, budgetPercent: 100 });
    await attached.poll();
    const debug = await debuggerOn(target.url);
    await evaluateOver(debug, 'void spin()');
    let chargedMs = 0;
    await until(async () => {
      const over = target.stdout().includes('over');
      const { agentMs, pollMs } = await attached.poll();
      chargedMs += agentMs - pollMs;
      return over;
    });
    // three times what it is without a debugger
    expect(chargedMs).toBeGreaterThan(awaits * 75e-6);
    await debug.close();
    await attached.detach();
  });

  test('a program that closes its inspector is told from one that exits', async () => {
    const target = await startTarget(node, `const inspector = require('inspector'); globalThis.close = () => setTimeout(() => inspector.close(), 50); ${IDLE}`);
    const attached = await attach(target.url, OPTIONS);
    await attached.poll();
    const user = await connect(target.url);
    await evaluateOver(user, 'void close()');
    await user.close();
    expect(await attached.closed).toBe('inspector closed');
    expect(target.child.exitCode).toBeNull();
  });
});
