/**
 * What the agent keeps in the target for each live task, in bytes.
 *
 *   npm run bench -- memory [--node 24] [--pairs 3]
 *
 * Two processes make as many tasks, one of them watched; compared is how much heap and array buffers grow by it, after
 * collections. "Sampled with stack" lets the agent look at every creation; "counted" lets it look at as many as the default
 * budget allows in a burst that is far beyond it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { TestNode } from '../support/nodes.ts';
import { startMeasured } from './lib/process.ts';
import type { MeasuredProcess } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { DEFAULT_BUDGET_PERCENT, watch } from './lib/services.ts';
import type { Watching } from './lib/services.ts';
import { median } from './lib/statistics.ts';

interface Case {
  readonly name: string;
  readonly what: 'promise' | 'timeout';
  readonly count: number;
  readonly sites: number;
  readonly budgetPercent: number;
}

interface Pair {
  /** Bytes a task. */
  readonly bare: number;
  readonly watched: number;
  /** Tasks in the model. */
  readonly shown: number;
  readonly weight: number;
}

const WITHOUT_LIMIT = 100;
const CASES: readonly Case[] = [
  { name: 'promises, sampled with stack', what: 'promise', count: 100_000, sites: 2000, budgetPercent: WITHOUT_LIMIT },
  { name: 'promises, counted', what: 'promise', count: 1_000_000, sites: 2000, budgetPercent: DEFAULT_BUDGET_PERCENT },
  { name: 'timers, sampled with stack', what: 'timeout', count: 100_000, sites: 2000, budgetPercent: WITHOUT_LIMIT },
  { name: 'timers, counted', what: 'timeout', count: 1_000_000, sites: 2000, budgetPercent: DEFAULT_BUDGET_PERCENT },
];
/** Enough for a million timers and for what the agent keeps of them. */
const FLAGS = ['--expose-gc', '--max-old-space-size=3000'];
/** Made at a time, so that polls get their turn between. */
const BATCH = 10_000;

const { values } = parseArgs({ options: { node: { type: 'string' }, pairs: { type: 'string', default: '3' } } });

console.log(`${describeMachine()}. Medians of ${values.pairs} pairs.`);
const row = startTable(['tasks'.padEnd(30), 'Node', 'live', 'bytes a task, bare', 'bytes a task, agent', 'shown live', 'weight']);
for (const node of chosenNodes(values.node)) {
  for (const each of CASES) {
    const pairs: Pair[] = [];
    for (let pair = 0; pair < Number(values.pairs); pair++) pairs.push(await measurePair(node, each));
    const middle = (pick: (pair: Pair) => number, digits: number): string => median(pairs.map(pick)).toFixed(digits);
    row([
      each.name,
      String(node.version),
      String(each.count),
      middle((pair) => pair.bare, 0),
      middle((pair) => pair.watched - pair.bare, 1),
      middle((pair) => pair.shown, 0),
      middle((pair) => pair.weight, 0),
    ]);
  }
}

async function measurePair(node: TestNode, each: Case): Promise<Pair> {
  const [subject, other] = await Promise.all([startMeasured(node.path, 'tasks.mjs', { flags: FLAGS }), startMeasured(node.path, 'tasks.mjs', { flags: FLAGS })]);
  try {
    // what only the first ones cost
    for (const program of [subject, other]) await make(program, { ...each, count: BATCH });
    const watching = await watch(subject.url, each.budgetPercent);
    await make(subject, { ...each, count: BATCH });
    const shownBefore = await shown(watching, each);
    const watched = await growth(subject, each);
    const shownAfter = await shown(watching, each);
    await watching.stop();
    const bare = await growth(other, each);
    const overhead = watching.model.overhead(each.budgetPercent);
    const weight = (each.what === 'promise' ? overhead?.promiseWeight : overhead?.resourceWeight) ?? NaN;
    return { bare, watched, shown: shownAfter - shownBefore, weight };
  } finally {
    await Promise.all([subject.stop(), other.stop()]);
  }
}

/** Live tasks of a kind, once the model has taken another answer. */
async function shown({ model }: Watching, { what }: Case): Promise<number> {
  const last = model.clockMs;
  while (model.clockMs === last) await sleep(5);
  return model.totals[what];
}

/** Bytes for each task made. */
async function growth(program: MeasuredProcess, each: Case): Promise<number> {
  const before = await memory(program);
  await make(program, each);
  return ((await memory(program)) - before) / each.count;
}

async function make(program: MeasuredProcess, { what, count, sites }: Case): Promise<void> {
  for (let made = 0; made < count; made += BATCH) await program.ask({ do: 'make', what, count: BATCH, sites });
}

async function memory(program: MeasuredProcess): Promise<number> {
  return ((await program.ask({ do: 'memory' })) as { bytes: number }).bytes;
}
