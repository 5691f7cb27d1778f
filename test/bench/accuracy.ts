/**
 * How often the true number of live tasks of a line lies in the interval that is shown, at rates far beyond the budget.
 *
 *   npm run bench -- accuracy [--node 24] [--polls 200] [--rates 100000,200000]
 *
 * A program creates promises on nine lines and knows how many are alive on each. It stands still for each poll, so that both count
 * the same moment. A line that no sample came from for a while has no row, and then nothing is said of it. A 95 % interval should hold the
 * truth in about 95 % of the polls.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { attach } from '../../src/cdp/attach.ts';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import { pollInto } from '../../src/server/session.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import type { TestNode } from '../support/nodes.ts';
import { startMeasured } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { DEFAULT_BUDGET_PERCENT } from './lib/services.ts';
import { median } from './lib/statistics.ts';

/** Until the burst is spent and the lines hold as many as they will. */
const SETTLE_MS = 6_000;
/** What is shown is whole tasks. */
const ROUNDING = 0.5;
const BETWEEN_POLLS_MS = 150;

const { values } = parseArgs({
  options: { node: { type: 'string' }, polls: { type: 'string', default: '200' }, rates: { type: 'string', default: '100000,200000' } },
});

interface Seen {
  readonly truth: number;
  readonly shown: number;
  readonly error: number;
}

console.log(`${describeMachine()}. Share of ${values.polls} polls in which the true count is in the stated interval.`);
const row = startTable(['line'.padEnd(8), 'Node', 'creations/s', 'true live', 'has a row', 'in the interval', 'shown, median', '±, median', 'bias of all polls']);
for (const node of chosenNodes(values.node)) {
  for (const rate of values.rates.split(',').map(Number)) await measure(node, rate);
}

async function measure(node: TestNode, rate: number): Promise<void> {
  const program = await startMeasured(node.path, 'rates.mjs', { args: [String(rate)] });
  const target = await attach(program.url, { budgetPercent: DEFAULT_BUDGET_PERCENT });
  const model = new SessionModel();
  const positions = createSourceMaps();
  const lines = new Map<string, Seen[]>();
  try {
    const end = performance.now() + SETTLE_MS;
    while (performance.now() < end) {
      await pollInto(model, target, positions);
      await sleep(BETWEEN_POLLS_MS);
    }
    const first = await still();
    await program.ask({ do: 'go' });
    let made = first.made;
    let ms = first.ms;
    let overhead = 0;
    for (let poll = 0; poll < Number(values.polls); poll++) {
      await sleep(BETWEEN_POLLS_MS);
      const truth = await still();
      await pollInto(model, target, positions);
      await program.ask({ do: 'go' });
      made = truth.made;
      ms = truth.ms;
      overhead += model.overhead(DEFAULT_BUDGET_PERCENT)?.percent ?? 0;
      for (const [name, live] of Object.entries(truth.live)) {
        const there = shown(name);
        lines.set(name, [...(lines.get(name) ?? []), ...(there === undefined ? [] : [{ truth: live, ...there }])]);
      }
    }
    const actual = ((made - first.made) * 1000) / (ms - first.ms);
    const all = [...lines.values()].flat();
    for (const [name, seen] of [...lines, ['all', all] as const]) {
      const polls = Number(values.polls) * (name === 'all' ? lines.size : 1);
      if (seen.length === 0) {
        row([name, String(node.version), actual.toFixed(0), '', '0 %']);
        continue;
      }
      const held = seen.filter(({ truth, shown, error }) => Math.abs(truth - shown) <= error + ROUNDING);
      const sum = (pick: (each: Seen) => number): number => seen.reduce((total, each) => total + pick(each), 0);
      row([
        name,
        String(node.version),
        actual.toFixed(0),
        median(seen.map((each) => each.truth)).toFixed(0),
        `${((seen.length / polls) * 100).toFixed(0)} %`,
        `${((held.length / seen.length) * 100).toFixed(1)} %`,
        median(seen.map((each) => each.shown)).toFixed(0),
        median(seen.map((each) => each.error)).toFixed(0),
        `${((sum((each) => each.shown) / sum((each) => each.truth) - 1) * 100).toFixed(1)} %`,
      ]);
    }
    console.log(`Weight at the end: ${model.overhead(DEFAULT_BUDGET_PERCENT)?.promiseWeight ?? 0}; the agent says that it took ${(overhead / Number(values.polls)).toFixed(2)} % of the time.`);
  } finally {
    await target.detach();
    await program.stop();
  }

  async function still(): Promise<{ live: Record<string, number>; made: number; ms: number }> {
    return (await program.ask({ do: 'still' })) as { live: Record<string, number>; made: number; ms: number };
  }

  function shown(name: string): { shown: number; error: number } | undefined {
    for (const site of model.sites()) {
      if (site.kind === 'promise' && site.stack.some((frame) => frame.function === name)) return { shown: site.count, error: site.error };
    }
    return undefined;
  }
}
