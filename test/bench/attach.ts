/**
 * From the attach to the first counts, in milliseconds, and what that costs the process.
 *
 *   npm run bench -- attach [--node 24] [--attaches 15] [--service express,hello,postgresql]
 *
 * Time from the call to the model's first figures: once on services at rest, once under load. Processor time is what the main
 * thread of the service at rest takes. Each attach goes to a process that has never been attached to. Medians of the lower half;
 * the connection is direct, as in the terminal.
 */
import { parseArgs } from 'node:util';
import type { TestNode } from '../support/nodes.ts';
import { processorTime } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { DEFAULT_LOAD, chosenServices, startDatabases, startLoader, startService, watch } from './lib/services.ts';
import type { Loader, Service } from './lib/services.ts';
import { low, quantile } from './lib/statistics.ts';

const WARM_UP_MS = 500;
/** Longer than an attach takes. */
const LOAD_MS = 1_500;

const { values } = parseArgs({
  options: { node: { type: 'string' }, attaches: { type: 'string', default: '15' }, service: { type: 'string' } },
});

const servers = await startDatabases(chosenServices(values.service));
const loader = await startLoader(DEFAULT_LOAD.connections);
try {
  console.log(`${describeMachine()}. ${values.attaches} attaches each.`);
  const row = startTable(['service'.padEnd(30), 'Node', 'at rest, ms', 'slowest, ms', 'main thread, ms', 'under load, ms', 'slowest, ms']);
  for (const node of chosenNodes(values.node)) {
    for (const service of chosenServices(values.service)) {
      const all = [];
      for (let round = 0; round < Number(values.attaches); round++) all.push(await measure(node, service));
      const rest = all.map((each) => each.atRest);
      const busy = all.map((each) => each.underLoad);
      row([
        service.name,
        String(node.version),
        low(rest).toFixed(0),
        quantile(rest, 1).toFixed(0),
        low(all.map((each) => each.main)).toFixed(0),
        low(busy).toFixed(0),
        quantile(busy, 1).toFixed(0),
      ]);
    }
  }
} finally {
  await loader.stop();
  await servers.stop();
}

async function measure(node: TestNode, service: Service): Promise<{ atRest: number; main: number; underLoad: number }> {
  const [quiet, busy] = await Promise.all([0, 1].map(() => startService(node.path, service, servers.env, loader)));
  if (quiet === undefined || busy === undefined) throw new Error('No service was started.');
  try {
    await loader.run(quiet, WARM_UP_MS);
    const before = await processorTime(quiet.pid);
    const atRest = await attachTime(quiet.url);
    const main = (await processorTime(quiet.pid)).main - before.main;
    await loader.run(busy, WARM_UP_MS);
    const load: ReturnType<Loader['run']> = loader.run(busy, LOAD_MS);
    const underLoad = await attachTime(busy.url);
    await load;
    return { atRest, main, underLoad };
  } finally {
    await Promise.all([quiet.stop(), busy.stop()]);
  }
}

/** Milliseconds until the model holds the first answer. */
async function attachTime(url: string): Promise<number> {
  const began = performance.now();
  const watching = await watch(url);
  const took = performance.now() - began;
  await watching.stop();
  return took;
}
