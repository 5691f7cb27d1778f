/**
 * What one poll costs a process with a million live tasks on 2,000 lines.
 *
 *   npm run bench -- poll [--node 24] [--polls 40] [--tasks 1000000]
 *
 * Before each poll 1 % of the tasks are exchanged: spread over all lines, or on 1 % of the lines. Processor time is that of
 * the main thread from asking to answering, beyond what an idle process takes in the same time; the agent's own figure
 * is what it says of the poll itself; bytes are those of the answer as it leaves the process. Medians of the lower half.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseInspector } from '../../src/cdp/address.ts';
import { attachTo } from '../../src/cdp/attach.ts';
import { connect } from '../../src/cdp/connection.ts';
import type { TestNode } from '../support/nodes.ts';
import { processorTime, startMeasured } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { DEFAULT_BUDGET_PERCENT } from './lib/services.ts';
import { low, quantile } from './lib/statistics.ts';

const SITES = 2000;
const BATCH = 10_000;
const WITHOUT_LIMIT = 100;
const CHANGED_SHARE = 0.01;
/** Until the agent's functions are compiled. */
const WARM_UP_POLLS = 10;

const { values } = parseArgs({
  options: { node: { type: 'string' }, polls: { type: 'string', default: '40' }, tasks: { type: 'string', default: '1000000' } },
});
const tasks = Number(values.tasks);
const polls = Number(values.polls);

console.log(`${describeMachine()}. ${tasks} live promises on ${SITES} lines, 1 % changed before each of ${polls} polls.`);
const row = startTable(['budget', 'Node', 'changed on lines', 'main thread, ms', "agent's own figure, ms", 'KB', 'largest KB', 'first poll KB']);
for (const node of chosenNodes(values.node)) {
  for (const budgetPercent of [DEFAULT_BUDGET_PERCENT, WITHOUT_LIMIT]) await measure(node, budgetPercent);
}

async function measure(node: TestNode, budgetPercent: number): Promise<void> {
  const program = await startMeasured(node.path, 'tasks.mjs', { flags: ['--expose-gc', '--max-old-space-size=3000'] });
  try {
    const connection = await connect(program.url);
    const target = await attachTo(connection, parseInspector(program.url), { budgetPercent });
    let bytes = 0;
    connection.on('Runtime.bindingCalled', ({ payload }) => {
      bytes += typeof payload === 'string' ? Buffer.byteLength(payload) : 0;
    });
    for (let made = 0; made < tasks; made += BATCH) {
      await program.ask({ do: 'make', what: 'promise', count: BATCH, sites: SITES });
      // sites are told once, and not in the figures of a poll that follows change
      if (made % (10 * BATCH) === 0) await target.poll();
    }
    bytes = 0;
    await target.poll();
    const first = bytes;
    const samples = new Map<number, { main: number; own: number; bytes: number }[]>();
    for (let round = 0; round < WARM_UP_POLLS + polls; round++) {
      for (const sites of [SITES, SITES * CHANGED_SHARE]) {
        await program.ask({ do: 'exchange', count: tasks * CHANGED_SHARE, sites });
        await sleep(20);
        const idle = await timed(() => sleep(20));
        bytes = 0;
        const asked = await timed(async () => {
          await target.poll();
          await sleep(20);
        });
        const answered = bytes;
        // what the last poll took is said by the next
        const { pollMs } = await target.poll();
        const sample = { main: asked - idle, own: pollMs, bytes: answered };
        if (round >= WARM_UP_POLLS) samples.set(sites, [...(samples.get(sites) ?? []), sample]);
      }
    }
    for (const [sites, all] of samples) {
      row([
        `${budgetPercent} %`,
        String(node.version),
        String(sites),
        low(all.map((sample) => sample.main)).toFixed(2),
        low(all.map((sample) => sample.own)).toFixed(2),
        (low(all.map((sample) => sample.bytes)) / 1024).toFixed(1),
        (quantile(all.map((sample) => sample.bytes), 1) / 1024).toFixed(1),
        (first / 1024).toFixed(1),
      ]);
    }
    await target.detach();

    /** Milliseconds of the main thread. */
    async function timed(work: () => Promise<unknown>): Promise<number> {
      const before = await processorTime(program.pid);
      await work();
      return (await processorTime(program.pid)).main - before.main;
    }
  } finally {
    await program.stop();
  }
}
