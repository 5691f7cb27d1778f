/** Targets that may do little, and targets that somebody else has left. */
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { connect } from '../../../src/cdp/connection.ts';
import { evaluateOver } from '../../support/evaluate.ts';
import { WORK, follow, runAlone, runWatched, startProgram } from '../../support/faultProgram.ts';
import { NODES } from '../../support/nodes.ts';
import { startTarget, stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';
import { closeWires, wireTo } from '../../support/wire.ts';

afterAll(async () => {
  closeWires();
  await stopTargets();
});

describe.each(NODES)('Node $version', (node) => {
  test('the permission model: no inspector where Node allows none', async () => {
    const flags = node.version === 20 ? ['--experimental-permission'] : ['--permission'];
    const closed = await startProgram(node, { flags });
    expect(closed.url).toBe('');
    await closed.step('mark');
    await closed.end();
  });

  test('one of two Asyncscopes dies: the other counts on, and the agent of the dead one leaves', async () => {
    const target = await startTarget(node, "globalThis.kept = []; setInterval(() => { const { order } = globalThis; globalThis.order = undefined; order?.(); }, 20); console.log('idle')");
    const wire = await wireTo(Number(new URL(target.url).port));
    const survivor = await attach(target.url, { budgetPercent: 100 });
    const picture = follow(survivor);
    const victim = await attach(`${wire.port}`, { budgetPercent: 100, leaseMs: 1000 });
    await victim.poll();
    const user = await connect(target.url);
    const look = (expression: string): Promise<unknown> => evaluateOver(user, expression);
    const agents = "Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith('__asyncscope_')).length";
    expect(await look(agents)).toBe(2);
    wire.cut();
    await victim.closed;
    await until(async () => (await look(agents)) === 1);
    // by the program itself: V8 evaluates in the middle of whatever runs, also in a hook of ours, where nothing can be counted
    await look('globalThis.order = function made() { for (let i = 0; i < 4; i++) kept.push(new Promise(() => {}), setTimeout(() => {}, 60000)); }; 0');
    // a poll is answered in the middle of whatever runs, of that loop too
    await until(async () => {
      await picture.poll();
      return picture.count('timeout made') >= 4;
    });
    expect(picture.counts()).toMatchObject({ 'promise made': 4, 'timeout made': 4 });
    expect(picture.model.dropped).toBe(0);
    await user.close();
    await survivor.detach();
  });
});

// Node 20 and 22 have no way to allow it
describe.each(NODES.filter(({ version }) => version >= 24))('Node $version', (node) => {
  test('the permission model: where Node allows the inspector all is the same with us, and counted right', async () => {
    const program = { flags: ['--permission', '--allow-inspector'] };
    const [alone, watched] = [await runAlone(node, program), await runWatched(node, program)];
    expect(alone).toMatchObject({ code: 0, signal: null });
    expect(watched.outcome).toEqual(alone);
    expect(watched.counts).toMatchObject(WORK);
    expect(watched.model.dropped).toBe(0);
  });
});
