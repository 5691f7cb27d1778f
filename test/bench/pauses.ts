/**
 * How long collections of young garbage hold a program up: watched with the defaults and after the detach, against before the attach.
 *
 *   npm run bench -- pauses [--node 24] [--rounds 5] [--ms 2000]
 *
 * One process at a time, which does nothing but make garbage. What they take is what the slowest hundredth of a service's requests wait
 * for. Collections are done by one thread, as when a helping thread gets its turn is nothing to us. The control is a process that
 * nothing happens to; the empty hook is one of V8's promise hooks. Medians over all rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { TestNode } from '../support/nodes.ts';
import { startMeasured } from './lib/process.ts';
import { chosenNodes, describeMachine, ratio, startTable } from './lib/report.ts';
import { HEAP_FLAGS, setEmptyHook, watch } from './lib/services.ts';
import { median } from './lib/statistics.ts';

/** Functions are compiled, first looks are over, and what a detach has changed is compiled anew. */
const SETTLE_MS = 2_500;
const FLAGS = [...HEAP_FLAGS, '--no-parallel-scavenge'];

const { values } = parseArgs({
  options: { node: { type: 'string' }, rounds: { type: 'string', default: '5' }, ms: { type: 'string', default: '2000' } },
});

/** What happens to a process in the middle; returns what undoes it. */
const ROLES: Readonly<Record<string, (url: string) => Promise<() => Promise<void>>>> = {
  watched: async (url) => {
    const watching = await watch(url);
    return () => watching.stop();
  },
  'empty hook': setEmptyHook,
  control: () => Promise.resolve(() => Promise.resolve()),
};

console.log(`${describeMachine()}. Medians of ${values.rounds} rounds.`);
const row = startTable(['Node', 'what      ', 'before, us', 'attached', 'detached']);
for (const node of chosenNodes(values.node)) {
  const rounds = Object.keys(ROLES).map((role) => ({ role, all: [] as (readonly [number, number, number])[] }));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { role, all } of rounds) all.push(await measure(node, role));
  }
  for (const { role, all } of rounds) {
    row([
      String(node.version),
      role,
      median(all.map(([before]) => before)).toFixed(1),
      ratio(median(all.map(([before, attached]) => attached / before))),
      ratio(median(all.map(([before, , detached]) => detached / before))),
    ]);
  }
}

/** Microseconds of a collection: before, while it is done, and afterwards. */
async function measure(node: TestNode, role: string): Promise<readonly [number, number, number]> {
  const program = await startMeasured(node.path, 'garbage.mjs', { flags: FLAGS });
  try {
    const pause = async (): Promise<number> => {
      await sleep(SETTLE_MS);
      await program.ask({});
      await sleep(Number(values.ms));
      return Number((await program.ask({})).medianUs);
    };
    const before = await pause();
    const undo = await ROLES[role]?.(program.url);
    const attached = await pause();
    await undo?.();
    return [before, attached, await pause()];
  } finally {
    await program.stop();
  }
}
