/** Coming and going leaves nothing in the target. */
import { afterAll, describe, expect, test } from 'vitest';
import { measureRounds } from '../../support/rounds.ts';
import { NODES } from '../../support/nodes.ts';
import { startTarget, stopTargets } from '../../support/target.ts';

const ROUNDS = 40;
/** The agent's text alone is 100 KB; bindings and the strings of their names leave some 5 KB. */
const BYTES_PER_ROUND = 30_000;

afterAll(stopTargets);

describe.each(NODES)('Node $version', (node) => {
  test('many rounds of attach, poll and detach leave next to nothing in the heap', async () => {
    const target = await startTarget(node, "setInterval(() => {}, 1000); console.log('idle')", ['--expose-gc']);
    const { before, after } = await measureRounds(target.url, ROUNDS);
    expect((after - before) / ROUNDS).toBeLessThan(BYTES_PER_ROUND);
  });
});
