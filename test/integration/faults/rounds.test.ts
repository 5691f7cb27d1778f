/** Coming and going leaves nothing in the target, and disturbs nothing in it. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { connect } from '../../../src/cdp/connection.ts';
import { evaluateOver } from '../../support/evaluate.ts';
import { measureRounds } from '../../support/rounds.ts';
import { NODES } from '../../support/nodes.ts';
import { startTarget, stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';

const ROUNDS = 100;
/** The agent's text alone is 100 KB; bindings and the strings of their names leave some 5 KB. */
const BYTES_PER_ROUND = 30_000;

/** Does a little work all the time, in contexts of its own, and counts what went wrong with it. */
const PROGRAM = `
const { AsyncLocalStorage } = require('async_hooks');
const storage = new AsyncLocalStorage();
globalThis.seen = { done: 0, wrong: 0 };
const check = (id) => { if (storage.getStore() !== id) seen.wrong++; };
const work = async (id) => {
  await null; check(id);
  await new Promise((resolve) => setImmediate(resolve)); check(id);
  await require('timers/promises').setTimeout(1); check(id);
  seen.done++;
};
let id = 0;
setInterval(() => { id++; storage.run(id, () => work(id).catch(() => { seen.wrong++; })); }, 5);
console.log('idle');`;

/** Collects its young garbage all the time, and never the whole heap: what a stranger leaves at collections is there for good. */
const YOUNG = ['--min-semi-space-size=1', '--max-semi-space-size=1'];
const CHURN = `
globalThis.churn = (megabytes) => {
  let last;
  for (let i = 0; i < megabytes * 25_000; i++) last = [i];
  return last.length && process.memoryUsage.rss();
};
setInterval(() => undefined, 1000);
console.log('idle');`;
/** Listens to collections itself. */
const OBSERVED = `
globalThis.heard = 0;
new (require('perf_hooks').PerformanceObserver)((list) => { heard += list.getEntries().length; }).observe({ entryTypes: ['gc'] });
setInterval(() => undefined, 1000);
console.log('idle');`;
const CHURNED_MB = 1_500;
/** A note of each of those collections would have some 5 KB. */
const GROWTH_LIMIT_BYTES = 3e6;

afterAll(stopTargets);

describe.concurrent.each(NODES)('Node $version', (node) => {
  test('many rounds of attach, poll and detach leave next to nothing in the heap', async () => {
    const target = await startTarget(node, PROGRAM, ['--expose-gc']);
    const { before, after } = await measureRounds(target.url, ROUNDS);
    expect((after - before) / ROUNDS).toBeLessThan(BYTES_PER_ROUND);
    const user = await connect(target.url);
    const seen = (await evaluateOver(user, 'seen')) as { done: number; wrong: number };
    expect(seen.wrong).toBe(0);
    expect(seen.done).toBeGreaterThan(ROUNDS);
    await user.close();
  });

  test('collections of garbage are nothing to us any more after the detach', async () => {
    const { url } = await startTarget(node, CHURN, YOUNG);
    const user = await connect(url);
    const churn = async (megabytes: number): Promise<number> => Number(await evaluateOver(user, `churn(${megabytes})`));
    const target = await attach(url, { budgetPercent: 1 });
    for (let i = 0; i < 3; i++) {
      await churn(100);
      await target.poll();
    }
    expect((await target.poll()).process.gc.count).toBeGreaterThan(0);
    await target.detach();
    const before = await churn(100);
    expect((await churn(CHURNED_MB)) - before).toBeLessThan(GROWTH_LIMIT_BYTES);
    await user.close();
  });

  test("a program's own observer of collections hears of them before, during and after", async () => {
    const { url } = await startTarget(node, OBSERVED, ['--expose-gc']);
    const user = await connect(url);
    const hears = async (): Promise<void> => {
      await evaluateOver(user, 'heard = 0; gc()');
      await until(async () => Number(await evaluateOver(user, 'heard')) > 0);
    };
    await hears();
    const target = await attach(url, { budgetPercent: 1 });
    await hears();
    // so many in a row that we listen no more for a while
    for (let i = 0; i < 10; i++) await evaluateOver(user, 'for (let i = 0; i < 20; i++) gc()');
    expect((await target.poll()).process.gc.count).toBeGreaterThan(0);
    expect((await target.poll()).process.gc.estimated).toBe(true);
    await hears();
    await target.detach();
    await hears();
    await user.close();
  });
});
