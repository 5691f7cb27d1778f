/** Attaches that come at a bad moment, to a program that does not let itself be looked at, or whose inspector lies. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { connect } from '../../../src/cdp/connection.ts';
import { lossTexts } from '../../../src/core/format/losses.ts';
import { evaluateOver } from '../../support/evaluate.ts';
import { follow } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import { startTarget, stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';

afterAll(stopTargets);

const OPTIONS = { budgetPercent: 100 };

describe.each(NODES)('Node $version', (node) => {
  test('what was there before cannot be looked at: the attach goes on, counts what begins, and says so', async () => {
    const target = await startTarget(
      node,
      `process._getActiveHandles = () => { throw new TypeError('not today'); };
globalThis.kept = [setTimeout(function early() {}, 1e6)];
globalThis.work = function work() { for (let i = 0; i < 3; i++) kept.push(setTimeout(() => {}, 1e6)); };
console.log('idle')`,
    );
    const attached = await attach(target.url, OPTIONS);
    const picture = follow(attached);
    await picture.poll();
    expect(lossTexts(picture.model.losses)).toContain('What was there before the attach could not all be looked at: figures may be too low');
    const user = await connect(target.url);
    await user.send('Runtime.evaluate', { expression: 'work()' });
    await user.close();
    await picture.poll();
    // timers from before are in another list, which can be looked at
    expect(picture.counts()).toMatchObject({ 'timeout early': 1, 'timeout work': 3 });
    await attached.detach();
  });

  test('an attach in the middle of a request keeps nothing of the request', async () => {
    // the request is busy until the agent is in, so that the attach is bound to come in the middle of it
    const target = await startTarget(
      node,
      `const { AsyncLocalStorage } = require('async_hooks');
globalThis.storage = new AsyncLocalStorage();
globalThis.request = () => {
  let store = { large: new Array(1000) };
  globalThis.store = new WeakRef(store);
  storage.run(store, () => { while (!globalThis.over) for (let i = 0; i < 1e5; i++); });
  globalThis.left = true;
};
setInterval(() => {}, 1000);
console.log('idle')`,
      ['--expose-gc'],
    );
    const user = await connect(target.url);
    const look = (expression: string, awaitPromise = false): Promise<unknown> => evaluateOver(user, expression, { awaitPromise });
    await look('void setImmediate(request)');
    await until(async () => (await look('typeof store')) === 'object');
    const attached = await attach(target.url, { ...OPTIONS, leaseMs: 4000 });
    const picture = follow(attached);
    expect(await look('typeof left + typeof storage.getStore()')).toBe('undefinedobject');
    await look('void (globalThis.over = true)');
    await until(async () => (await look('typeof left')) === 'boolean');
    await until(async () => {
      // or it would be the end of the lease that lets it go
      await picture.poll();
      return (await look('new Promise((resolve) => setImmediate(() => { gc(); resolve(store.deref() === undefined); }))', true)) === true;
    });
    expect(picture.model.restarts).toBe(0);
    // those of the test itself come and go
    expect(Object.keys(picture.counts()).filter((key) => !/^(?:promise|immediate) /.test(key))).toEqual(['interval (module)']);
    await attached.detach();
    await user.close();
  });
});
