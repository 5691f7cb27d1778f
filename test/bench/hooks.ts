/**
 * What a call of V8's promise hooks costs, alone and beside a debugger: what the agent charges its budget for them.
 *
 *   npm run bench -- hooks [--node 24] [--rounds 9]
 *
 * One process for each row, which has no hooks, one, the other and both in turns; processor time, medians over all rounds. The promise that
 * V8 makes for the hooks alone is in it.
 */
import { parseArgs } from 'node:util';
import { connect } from '../../src/cdp/connection.ts';
import type { TestNode } from '../support/nodes.ts';
import { startMeasured } from './lib/process.ts';
import { chosenNodes, describeMachine, ratio, startTable } from './lib/report.ts';
import { median } from './lib/statistics.ts';

/** Undefined without a debugger; 0 where it keeps no asynchronous stacks. VS Code's keeps 32. */
const STACK_DEPTHS = [undefined, 0, 32] as const;
const KINDS = [[], ['init'], ['settled'], ['init', 'settled']] as const;
/** Some tenths of a second each. */
const CALLS = { alone: 100_000, debugged: 8_000 };

const { values } = parseArgs({ options: { node: { type: 'string' }, rounds: { type: 'string', default: '9' } } });

console.log(`${describeMachine()}. Medians of ${values.rounds} rounds.`);
const row = startTable(['Node', 'debugger         ', 'bare, ns a promise', 'init', 'settled', 'both', 'ns a call: init', 'both']);
for (const node of chosenNodes(values.node)) for (const depth of STACK_DEPTHS) await measure(node, depth);

async function measure(node: TestNode, depth: (typeof STACK_DEPTHS)[number]): Promise<void> {
  const program = await startMeasured(node.path, 'hooks.mjs');
  try {
    const session = depth === undefined ? undefined : await connect(program.url);
    await session?.send('Debugger.enable');
    await session?.send('Debugger.setAsyncCallStackDepth', { maxDepth: depth });
    const calls = depth === undefined ? CALLS.alone : CALLS.debugged;
    const all = KINDS.map((): number[] => []);
    // the first round is for V8 to compile
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const [index, hooks] of KINDS.entries()) {
        const { us, promises } = (await program.ask({ hooks, calls })) as Record<'us' | 'promises', number>;
        if (round > 0) all[index]?.push((us * 1000) / promises);
      }
    }
    const [bare = NaN, init = NaN, settled = NaN, both = NaN] = all.map(median);
    const title = depth === undefined ? 'none' : depth === 0 ? 'no async stacks' : `${String(depth)} frames`;
    row([String(node.version), title, bare.toFixed(0), ...[init, settled, both].map((each) => ratio(each / bare)), (init - bare).toFixed(0), ((both - bare) / 2).toFixed(0)]);
    await session?.close();
  } finally {
    await program.stop();
  }
}
