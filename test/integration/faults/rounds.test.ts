/** Coming and going leaves nothing in the target, and disturbs nothing in it. */
import { afterAll, describe, expect, test } from 'vitest';
import { connect } from '../../../src/cdp/connection.ts';
import { measureRounds } from '../../support/rounds.ts';
import { NODES } from '../../support/nodes.ts';
import { startTarget, stopTargets } from '../../support/target.ts';

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

afterAll(stopTargets);

describe.concurrent.each(NODES)('Node $version', (node) => {
  test('many rounds of attach, poll and detach leave next to nothing in the heap', async () => {
    const target = await startTarget(node, PROGRAM, ['--expose-gc']);
    const { before, after } = await measureRounds(target.url, ROUNDS);
    expect((after - before) / ROUNDS).toBeLessThan(BYTES_PER_ROUND);
    const user = await connect(target.url);
    const { result } = (await user.send('Runtime.evaluate', { expression: 'seen', returnByValue: true })) as { result: { value: { done: number; wrong: number } } };
    expect(result.value.wrong).toBe(0);
    expect(result.value.done).toBeGreaterThan(ROUNDS);
    await user.close();
  });
});
