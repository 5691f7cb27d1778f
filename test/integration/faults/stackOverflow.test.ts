/** Programs that use up their stack in the middle of what the agent's hooks look at. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { follow, startProgram } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import { stopTargets } from '../../support/target.ts';

afterAll(stopTargets);

/** Functions of many frame sizes, so that the stack ends at every place of a hook in turn. */
const SIZES = 60;
/**
 * Each kind is the body of a function that calls itself until the stack is used up. `L` declares so many variables that the
 * frame has a size of its own.
 */
const KINDS = {
  'calls of async functions': 'return async function f() { L await f(); }',
  'new promises': 'return function f() { L new Promise(() => {}); f(); }',
  'promises that settle': 'return function f() { L let r; new Promise((resolve) => { r = resolve; }); if (r) r(); f(); }',
  ticks: 'return function f() { L process.nextTick(() => {}); f(); }',
};

const SETUP = (kind: keyof typeof KINDS): string => `
let [caught, uncaught] = [0, 0];
process.on('uncaughtException', () => { uncaught++; });
process.on('unhandledRejection', () => { uncaught++; });
function overflow() {
  for (let size = 0; size < ${SIZES}; size++) {
    const locals = Array.from({ length: size }, (_, i) => 'let v' + i + ' = ' + i + ';').join('');
    const f = new Function(${JSON.stringify(KINDS[kind])}.replace('L', locals))();
    try { f()?.catch(() => { caught++; }); } catch (error) { if (error instanceof RangeError) caught++; }
  }
}`;

describe.each(NODES)('Node $version', (node) => {
  describe.concurrent.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s at the very end of the stack', (kind) => {
    test('the program gets its own RangeError and nothing else, and what is counted afterwards stands at its line', async () => {
      const run = await startProgram(node, {
        flags: ['--stack-size=200'],
        setup: SETUP(kind),
        work: 'overflow();',
        end: "say('caught ' + caught + ', uncaught ' + uncaught);",
      });
      await run.step('mark');
      const target = await attach(run.url, { budgetPercent: 100 });
      const picture = follow(target);
      await picture.poll();
      await run.step('work');
      await picture.poll();
      expect(picture.counts()).toMatchObject({ 'promise promised': 7, 'promise work': 5, 'timeout work': 3 });
      // next to nothing of some 100,000 promises was out of sight
      expect(picture.model.dropped).toBeLessThan(100 * SIZES);
      if (kind === 'promises that settle') expect(picture.count('promise f')).toBeLessThan(100 * SIZES);
      await target.detach();
      const { stdout, code } = await run.end();
      expect(stdout).toContain(`caught ${SIZES}, uncaught 0\n`);
      expect(stdout).toContain('changed: \n');
      expect(code).toBe(0);
    });
  });
});
