/** What holds tasks, by the names that the program has for it rather than by the timer or the socket that leads to it as well. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import type { RunningProgram } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';

const PROGRAM = `
class Database {
  pending = new Map();
  ask(id) { return new Promise((resolve) => this.pending.set(id, resolve)); }
  tick() { if (this.pending.size > 1e6) this.pending.clear(); }
}
function start() {
  const database = new Database();
  setInterval(() => database.tick(), 1000);
  return { parts: { database } };
}
const service = start();
async function query() { await service.parts.database.ask(1); }
query();

// without a name in the file: the process listens with it
(() => {
  const outbox = { queue: [] };
  setInterval(() => outbox.queue.length, 1000);
  const close = () => outbox.queue.length;
  process.on('SIGUSR2', close);
  (async function send() { await new Promise((resolve) => outbox.queue.push(resolve)); })();
})();

// no way leads to it but its timer's
async function sleep() { await new Promise((resolve) => setTimeout(resolve, 1e6)); }
sleep();
(() => {
  const local = new Set();
  setInterval(() => local.size, 1000);
  (async function alone() { await new Promise((resolve) => local.add(resolve)); })();
})();
// a timer's callback with a name says enough
function refresh() {
  const waiting = new Set();
  const onTick = () => waiting.size;
  setInterval(onTick, 1000);
  (async function named() { await new Promise((resolve) => waiting.add(resolve)); })();
}
refresh();
setImmediate(() => console.error('ready'));
`;

const HOLDERS: Readonly<Record<string, string>> = {
  query: 'service in /holders.cjs › parts › Database database › Map pending',
  send: "process 'SIGUSR2' listener › outbox › Array queue",
  sleep: 'Timeout',
  alone: 'Timeout › Set local',
  named: 'Timeout → callback onTick › Set waiting',
};

let directory: string;
const running: RunningProgram[] = [];

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-holders-')));
  await writeFile(join(directory, 'holders.cjs'), PROGRAM);
});
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  await rm(directory, { recursive: true, force: true });
});

describe.concurrent('holders', () => {
  test.each(NODES)('are told by names of the program on Node $version, twice the same', async (node) => {
    const target = await startProgram(node, { name: 'holders.cjs', file: join(directory, 'holders.cjs'), flags: [], stripped: false });
    running.push(target);
    for (let round = 0; round < 2; round++) {
      const dumped = await takeDump(target.url);
      await dumped.close();
      const holders = dumped.dump.groups.map(({ chain, heldBy }) => [chain[0]?.function ?? '', heldBy.map(({ path }) => path.replace(directory, '')).join('; ')] as const);
      expect(Object.fromEntries(holders)).toMatchObject(HOLDERS);
    }
  });
});
