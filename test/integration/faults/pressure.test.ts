/** Targets that are short of memory or of time: each is the same with us, and counted right. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import type { SessionModel } from '../../../src/core/model/sessionModel.ts';
import type { FaultProgram, Outcome } from '../../support/faultProgram.ts';
import { WORK, follow, runAlone, startProgram } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import type { TestNode } from '../../support/nodes.ts';
import { stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';

afterAll(stopTargets);

/** Collections of many programs at a time, on a busy machine. */
const OVER_LIMIT_MS = 40_000;

/** Has little left of a small heap, and makes and settles promises in it. */
const SMALL_HEAP: FaultProgram = {
  flags: ['--max-old-space-size=48', '--max-semi-space-size=1'],
  setup: `host.ballast = [];
while (process.memoryUsage().heapUsed < 36 * 2 ** 20) host.ballast.push(new Array(10_000).fill(0).map((_, i) => ({ i })));
let rounds = 0;
let over = false;
function settled(list) { list.push(new host.Promise((resolve) => host.setImmediate(resolve))); }
async function churn() {
  for (; rounds < 20; rounds++) {
    const list = [];
    for (let i = 0; i < 500; i++) settled(list);
    await host.Promise.all(list);
  }
  // not from here: a poll would see the call of this function under way
  host.setImmediate(() => { over = true; say('over'); });
}`,
  work: 'churn();',
  over: 'over',
};

const DROPPED = 1000;
const COLLECTIONS = 25;
/**
 * Collects the whole heap again and again, and drops pending promises meanwhile. What was referred to weakly in a job lives to the
 * job's end (ECMAScript, AddToKeptObjects), so the last ones are collected in a job of their own.
 */
const HEAVY_COLLECTION: FaultProgram = {
  flags: ['--expose-gc', '--max-semi-space-size=1'],
  setup: `let rounds = 0;
function dropped() { new host.Promise(pending); }
function collect() {
  if (rounds < ${COLLECTIONS}) for (let i = 0; i < ${DROPPED / COLLECTIONS}; i++) dropped();
  gc();
  if (rounds++ < ${COLLECTIONS}) host.setImmediate(collect);
  else say('over');
}`,
  work: 'collect();',
  over: `rounds === ${COLLECTIONS + 1}`,
};

/** The program asks whether it is over by a timer, which may be what it then finds active. */
function withoutTimers({ stdout, ...rest }: Outcome): Outcome {
  return { ...rest, stdout: stdout.replace(/[+~-] active Timeout\n/g, '').replace('changed: \n', '') };
}

/** Waits in a system call, where nothing can be answered. */
const blocked = (ms: number): FaultProgram => ({
  setup: "const { execFileSync } = require('child_process');",
  work: `say('blocked'); execFileSync('sleep', ['${ms / 1000}']);`,
});

/** Polls until the program says that what it does beside the work is over. */
async function watchUntilOver(node: TestNode, program: FaultProgram, use: (model: SessionModel, poll: () => Promise<void>) => Promise<void>): Promise<Outcome> {
  const run = await startProgram(node, program);
  await run.step('mark');
  const target = await attach(run.url, { budgetPercent: 100 });
  const picture = follow(target);
  await picture.poll();
  await run.step('work');
  await until(async () => {
    await picture.poll();
    return run.stdout().includes('over\n');
  }, OVER_LIMIT_MS);
  await picture.poll();
  expect(picture.counts()).toMatchObject(WORK);
  expect(picture.model.dropped).toBe(0);
  await use(picture.model, () => picture.poll());
  await target.detach();
  return run.end();
}

function sitesOf(model: SessionModel, name: string) {
  return [...model.sites()].filter((site) => site.kind === 'promise' && site.stack.some((frame) => frame.function === name && frame.line === site.line));
}

describe.concurrent.each(NODES)('Node $version', (node) => {
  test('a heap that is small and nearly full: the same with us, and counted right', async () => {
    const [alone, watched] = await Promise.all([
      runAlone(node, SMALL_HEAP),
      watchUntilOver(node, SMALL_HEAP, async (model, poll) => {
        await until(async () => {
          await poll();
          const sites = sitesOf(model, 'settled');
          return sites.length > 0 && sites.every((site) => site.count === 0);
        });
      }),
    ]);
    expect(withoutTimers(watched)).toEqual(withoutTimers(alone));
    expect(alone).toMatchObject({ code: 0, signal: null });
  });

  test('collections all the time: the same with us, and what was collected while pending is counted as abandoned', async () => {
    const [alone, watched] = await Promise.all([
      runAlone(node, HEAVY_COLLECTION),
      watchUntilOver(node, HEAVY_COLLECTION, async (model, poll) => {
        await until(async () => {
          await poll();
          const [site] = sitesOf(model, 'dropped');
          return site?.abandoned === DROPPED && site.count === 0;
        });
      }),
    ]);
    expect(withoutTimers(watched)).toEqual(withoutTimers(alone));
    expect(alone).toMatchObject({ code: 0, signal: null });
  });

  // ten seconds are longer than a request may take, and are waited for once
  const longest = node.version === 24;
  test('a loop that is blocked for longer than the lease: counted right afterwards, and nothing begins anew', async () => {
    const program = blocked(longest ? 10_000 : 3_000);
    const run = await startProgram(node, program);
    await run.step('mark');
    const target = await attach(run.url, { budgetPercent: 100, leaseMs: 1000 });
    const picture = follow(target);
    await picture.poll();
    const worked = run.step('work');
    await until(() => run.stdout().includes('blocked\n'));
    if (longest) await expect(picture.poll()).rejects.toMatchObject({ reason: 'timeout' });
    await worked;
    // answers that came too late for their polls come first
    await until(async () => (await picture.poll().then(() => true, () => false)) && picture.count('timeout work') === WORK['timeout work']);
    expect(picture.counts()).toMatchObject(WORK);
    expect(picture.model.restarts).toBe(0);
    expect(picture.model.dropped).toBe(0);
    await target.detach();
    expect(await run.end()).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^idle\nmarked\nblocked\nworked\nchanged: /) as unknown });
  });
});
