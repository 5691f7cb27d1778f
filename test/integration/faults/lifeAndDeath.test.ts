/** Targets that die, stand still, fill up or cannot be reached, at every moment. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { connect } from '../../../src/cdp/connection.ts';
import { TargetError } from '../../../src/cdp/target.ts';
import { lossTexts } from '../../../src/core/format/losses.ts';
import { WORK, follow, startProgram } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import type { TestNode } from '../../support/nodes.ts';
import { IDLE, startTarget, stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';
import { closeWires, textFrame, wireTo } from '../../support/wire.ts';

const OPTIONS = { budgetPercent: 100 };
/** V8 ignores the third binding of a name that is never removed. */
const UNANSWERED = 3;
/** A string that is in every address of an inspector. */
const SECRET = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}/;

afterAll(async () => {
  closeWires();
  await stopTargets();
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** What an attach that must not succeed or hang comes to. */
async function failure(attaching: Promise<{ detach(): Promise<void> }>): Promise<string> {
  try {
    await (await attaching).detach();
    return 'attached';
  } catch (error) {
    expect(error).toBeInstanceOf(TargetError);
    expect((error as Error).message).not.toMatch(SECRET);
    return (error as TargetError).reason;
  }
}

// most of it is waiting
describe.concurrent.each(NODES)('Node $version', (node: TestNode) => {
  test('a target that is killed at any phase of an attach: it fails with a reason or is said to have exited', async () => {
    const outcomes = new Set<string>();
    for (let commands = 1; commands <= 9; commands++) {
      const target = await startTarget(node, IDLE);
      const wire = await wireTo(portOf(target.url));
      const attaching = failure(attach(target.url.replace(/:\d+\//, `:${wire.port}/`), OPTIONS));
      // the kill comes after so many commands have gone through
      await until(() => wire.messages >= commands || commands > 8);
      target.child.kill('SIGKILL');
      outcomes.add(await attaching);
      await target.exited;
    }
    for (const outcome of outcomes) expect(['closed', 'refused', 'not an inspector', 'attached']).toContain(outcome);
    expect(outcomes).toContain('closed');
  });

  test('a target that exits by itself while it is attached to keeps its exit code and does not wait', async () => {
    for (const delay of [0, 5, 10, 20, 40, 80]) {
      const target = await startTarget(node, `setTimeout(() => process.exit(7), ${delay})`);
      const outcome = await failure(attach(target.url, OPTIONS));
      expect(['closed', 'refused', 'not an inspector', 'attached']).toContain(outcome);
      expect(await target.exited).toEqual({ code: 7, signal: null });
    }
  });

  test('a suspended target does not answer, and goes on where it was when it is resumed', async () => {
    const run = await startProgram(node, {});
    await run.step('mark');
    const target = await attach(run.url, { ...OPTIONS, leaseMs: 2000 });
    const picture = follow(target);
    await picture.poll();
    await run.step('work');
    await picture.poll();
    process.kill(run.pid, 'SIGSTOP');
    const poll = target.poll();
    await expect(poll).rejects.toMatchObject({ reason: 'timeout' });
    process.kill(run.pid, 'SIGCONT');
    await until(() => picture.poll().then(() => true, () => false));
    expect(picture.counts()).toMatchObject({ 'promise promised': 7, 'promise work': 5, 'timeout work': 3 });
    expect(picture.model.restarts).toBe(0);
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0, stdout: 'idle\nmarked\nworked\nchanged: \n' });
  });

  test('a target that is suspended for several polls is asked on as soon as it is resumed, and has lost nothing', async () => {
    const run = await startProgram(node, {});
    await run.step('mark');
    const target = await attach(run.url, { ...OPTIONS, leaseMs: 60_000 });
    const picture = follow(target);
    await picture.poll();
    await run.step('work');
    process.kill(run.pid, 'SIGSTOP');
    // at once, as each waits for seconds
    const polls = await Promise.allSettled(Array.from({ length: UNANSWERED }, () => target.poll()));
    for (const poll of polls) expect(poll).toMatchObject({ reason: { reason: 'timeout' } });
    process.kill(run.pid, 'SIGCONT');
    // comes after the late answers
    await target.heapUsed();
    for (let i = 0; i < 2 * UNANSWERED; i++) await picture.poll();
    expect(picture.counts()).toMatchObject(WORK);
    expect(picture.model.restarts).toBe(0);
    expect(picture.model.lostPolls).toBe(0);
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0, stdout: 'idle\nmarked\nworked\nchanged: \n' });
  });

  test('a target that runs out of memory dies as it would without us, and is said to have exited', async () => {
    const target = await startTarget(
      node,
      "globalThis.kept = []; globalThis.fill = () => { for (;;) kept.push(new Promise(() => {}), new Array(1e4).fill({})); }; setInterval(() => {}, 1000); console.log('idle')",
      ['--max-old-space-size=40'],
    );
    const attached = await attach(target.url, { budgetPercent: 1 });
    await attached.poll();
    const user = await connect(target.url);
    user.send('Runtime.evaluate', { expression: 'setTimeout(fill, 0)' }).catch(() => undefined);
    expect(await attached.closed).toBe('target exited');
    const { code, signal } = await target.exited;
    // V8 aborts: 128 and the number of SIGABRT where a shell tells it
    expect(signal ?? code).toMatch(/SIGABRT|SIGTRAP|SIGILL/);
    expect(target.stderr()).toContain('heap out of memory');
    await user.close();
  });
});

const node = NODES[2] as TestNode;

describe.concurrent('a connection that is half open', () => {
  test('nothing comes from the target: every request ends with a timeout, and the target is left by its lease', async () => {
    const run = await startProgram(node, {});
    await run.step('mark');
    const wire = await wireTo(portOf(run.url));
    const target = await attach(run.url.replace(/:\d+\//, `:${wire.port}/`), { ...OPTIONS, leaseMs: 2000 });
    await target.poll();
    wire.fromTarget = false;
    await expect(target.poll()).rejects.toMatchObject({ reason: 'timeout' });
    await target.detach();
    expect(await target.closed).toBe('detached');
    await run.step('work');
    expect(await run.end()).toMatchObject({ code: 0, stdout: 'idle\nmarked\nworked\nchanged: \n' });
  });

  test('nothing reaches the target: the agent takes itself out, and a connection that comes back begins anew and says so', async () => {
    const run = await startProgram(node, {});
    await run.step('mark');
    const wire = await wireTo(portOf(run.url));
    const target = await attach(run.url.replace(/:\d+\//, `:${wire.port}/`), { ...OPTIONS, leaseMs: 2000 });
    const picture = follow(target);
    await picture.poll();
    wire.toTarget = false;
    await expect(target.poll()).rejects.toMatchObject({ reason: 'timeout' });
    // what was sent meanwhile is lost; the lease is over
    wire.toTarget = true;
    await picture.poll();
    expect(lossTexts(picture.model.losses)).toContain('The process was out of reach for long: tasks from before that are not counted');
    await run.step('work');
    await picture.poll();
    expect(picture.counts()).toMatchObject(WORK);
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0, stdout: 'idle\nmarked\nworked\nchanged: \n' });
  });

  test.each<[string, Buffer]>([
    ['garbage that is no frame', Buffer.alloc(1000, 0xff)],
    ['a text frame that is no JSON', textFrame('{"id":')],
    ['a frame that claims more than there is', Buffer.concat([textFrame('x', 2 ** 40)])],
    ['a megabyte of JSON that is no message', textFrame(JSON.stringify('x'.repeat(1_000_000)))],
    ['an answer to what was never asked', textFrame('{"id":99999,"result":{}}')],
  ])('%s: the session ends or goes on, and nothing else breaks', async (_what, bytes) => {
    const run = await startProgram(node, {});
    await run.step('mark');
    const wire = await wireTo(portOf(run.url));
    const target = await attach(run.url.replace(/:\d+\//, `:${wire.port}/`), { ...OPTIONS, leaseMs: 2000 });
    await target.poll();
    wire.inject(bytes);
    const outcome = await target.poll().then(
      () => 'answered',
      (error: unknown) => {
        expect((error as Error).message).not.toMatch(SECRET);
        return (error as TargetError).reason;
      },
    );
    expect(['answered', 'closed', 'timeout']).toContain(outcome);
    await target.detach();
    await run.step('work');
    expect(await run.end()).toMatchObject({ code: 0 });
  });

  test('a connection that is cut is said to be lost while the target lives', async () => {
    const run = await startProgram(node, {});
    await run.step('mark');
    const wire = await wireTo(portOf(run.url));
    const target = await attach(`${wire.port}`, { ...OPTIONS, leaseMs: 2000 });
    await target.poll();
    wire.cut();
    expect(await target.closed).toBe('connection lost');
    await expect(target.poll()).rejects.toMatchObject({ reason: 'closed' });
    await run.step('work');
    expect(await run.end()).toMatchObject({ code: 0 });
  });
});
