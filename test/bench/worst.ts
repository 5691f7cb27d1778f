/**
 * The worst case: a program that awaits ten million times and does nothing else.
 *
 *   npm run bench -- worst [--node 24] [--pairs 7] [--awaits 10000000]
 *
 * Processor time against bare: of the whole run from the attach on, and of its second half, when the agent has found its rate.
 * As in `services`, each pair has fresh processes: one that is attached to between two runs, a control, one that gets a
 * promise hook of V8's that does nothing, and the bare one, which all are compared with.
 */
import { parseArgs } from 'node:util';
import type { TestNode } from '../support/nodes.ts';
import { startMeasured } from './lib/process.ts';
import type { MeasuredProcess } from './lib/process.ts';
import { chosenNodes, describeMachine, ratio, startTable } from './lib/report.ts';
import { setEmptyHook, watch } from './lib/services.ts';
import { median } from './lib/statistics.ts';

const FORMS = {
  awaitSettled: 'await of a settled promise',
  awaitCalls: 'await of an async call',
  awaitNew: 'await of a new Promise',
} as const;
type Form = keyof typeof FORMS;

/** A run is measured in so many parts, the second half of which is "once adaptive". */
const PARTS = 10;
const WARM_UP_SHARE = 0.2;

const { values } = parseArgs({
  options: { node: { type: 'string' }, pairs: { type: 'string', default: '7' }, awaits: { type: 'string', default: '10000000' } },
});
const awaits = Number(values.awaits);

interface Run {
  readonly whole: number;
  readonly adaptive: number;
}

/** What the figures are of, in the order of the processes; the last process is what they are compared with. */
const ROLES = ['watched', 'control', 'empty hook'] as const;
type Role = (typeof ROLES)[number];
type Pair = Readonly<Record<'bare' | Role, Run>>;

console.log(`${describeMachine()}. Ratios of processor time against bare, medians of ${values.pairs} pairs of ${awaits} awaits.`);
const row = startTable(['what'.padEnd(28), 'Node', 'bare ns', 'whole', ...ROLES.slice(1), 'once adaptive', ...ROLES.slice(1)]);
for (const node of chosenNodes(values.node)) {
  for (const [form, name] of Object.entries(FORMS)) {
    const pairs: Pair[] = [];
    for (let pair = 0; pair < Number(values.pairs); pair++) pairs.push(await measurePair(node, form as Form));
    row([
      name,
      String(node.version),
      ((median(pairs.map((pair) => pair.bare.whole)) * 1000) / awaits).toFixed(0),
      ...(['whole', 'adaptive'] as const).flatMap((key) => ROLES.map((who) => ratio(median(pairs.map((pair) => pair[who][key]))))),
    ]);
  }
}

async function measurePair(node: TestNode, form: Form): Promise<Pair> {
  const all = await Promise.all([...ROLES, 'bare'].map(() => startMeasured(node.path, 'awaits.mjs')));
  const runAll = async (count: number): Promise<readonly Run[]> => {
    const runs = [];
    for (const each of all) runs.push(await run(each, form, count));
    return runs;
  };
  const [subject, , floor] = all as [MeasuredProcess, MeasuredProcess, MeasuredProcess];
  try {
    await runAll(awaits * WARM_UP_SHARE);
    const before = await runAll(awaits);
    const watching = await watch(subject.url);
    const stopHook = await setEmptyHook(floor.url);
    const after = await runAll(awaits);
    await watching.stop();
    await stopHook();
    const change = (index: number, key: keyof Run): number => at(after, index)[key] / at(before, index)[key] / (at(after, -1)[key] / at(before, -1)[key]);
    const changes = (role: Role): Run => ({ whole: change(ROLES.indexOf(role), 'whole'), adaptive: change(ROLES.indexOf(role), 'adaptive') });
    return { bare: at(before, -1), watched: changes('watched'), control: changes('control'), 'empty hook': changes('empty hook') };
  } finally {
    await Promise.all(all.map((each) => each.stop()));
  }
}

async function run(program: MeasuredProcess, form: Form, count: number): Promise<Run> {
  const { us } = (await program.ask({ form, count, parts: PARTS })) as { us: readonly number[] };
  const sum = (parts: readonly number[]): number => parts.reduce((total, part) => total + part, 0);
  return { whole: sum(us), adaptive: sum(us.slice(PARTS / 2)) };
}

function at(runs: readonly Run[], index: number): Run {
  const found = runs.at(index);
  if (found === undefined) throw new Error(`There is no run ${index}.`);
  return found;
}
