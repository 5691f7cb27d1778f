/** When timers are due, by Node's own clock for them: of timers that the program says when it has started. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dump, WaitsFor } from '../../src/core/model/dump.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import type { RunningProgram } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';

const SHORT_MS = 10 * 60_000;
const LONG_MS = 30 * 60_000;
const EVERY_MS = 3 * 60 * 60_000;
/** Of two timers alike; more than a second, so that texts differ. */
const APART_MS = 1_100;
/** Timers, and what is made of them, have whole milliseconds. */
const ROUNDING_MS = 1;

const PROGRAM = `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function short() { await wait(${SHORT_MS}); }
async function long() { await wait(${LONG_MS}); }
async function crowd() { await wait(${LONG_MS}); }
const tick = () => {};
const began = performance.now();
short();
long();
console.error('between ' + (performance.now() - began));
setInterval(tick, ${EVERY_MS});
crowd();
setTimeout(() => { crowd(); console.error('ready'); }, ${APART_MS});
`;
/** As test doubles of timers do. */
const REPLACED = `
require('timers').setTimeout = () => undefined;
${PROGRAM}`;

let directory: string;
const running: RunningProgram[] = [];

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-timers-')));
});
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  await rm(directory, { recursive: true, force: true });
});

async function dumpOf(node: (typeof NODES)[number], name: string, program: string): Promise<{ readonly dump: Dump; readonly stderr: string; readonly livedMs: number }> {
  const file = join(directory, name);
  await writeFile(file, program);
  const began = performance.now();
  const target = await startProgram(node, { name, file, flags: [], stripped: false });
  running.push(target);
  const dumped = await takeDump(target.url);
  await dumped.close();
  return { dump: dumped.dump, stderr: target.stderr(), livedMs: performance.now() - began };
}

function waitOf({ groups }: Dump, name: string): WaitsFor | undefined {
  return groups.find(({ chain }) => chain[0]?.function === name)?.waitsFor;
}

describe.concurrent.each(NODES)('Node $version', (node) => {
  test('a timer says when it is due, and several when the first and the last are', async () => {
    const { dump, stderr, livedMs } = await dumpOf(node, 'timers.cjs', PROGRAM);
    const [short, long, crowd] = ['short', 'long', 'crowd'].map((name) => waitOf(dump, name));
    const shortDue = Number(short?.details['dueInMs']);
    const longDue = Number(long?.details['dueInMs']);
    const between = Number(/^between (.+)$/m.exec(stderr)?.[1]);

    expect(shortDue).toBeLessThanOrEqual(SHORT_MS);
    expect(shortDue).toBeGreaterThanOrEqual(SHORT_MS - livedMs - ROUNDING_MS);
    expect(longDue - shortDue).toBeGreaterThanOrEqual(LONG_MS - SHORT_MS - ROUNDING_MS);
    expect(longDue - shortDue).toBeLessThanOrEqual(LONG_MS - SHORT_MS + between + ROUNDING_MS);
    expect(short?.text).toMatch(/^timer: 10 min, due in \d+ min( \d+ s)?$/);
    expect(short?.details).not.toHaveProperty('lastDueInMs');
    expect(Number(crowd?.details['lastDueInMs']) - Number(crowd?.details['dueInMs'])).toBeGreaterThanOrEqual(APART_MS - ROUNDING_MS);
    expect(crowd?.text).toMatch(/^timer: 30 min, due in \d+ min( \d+ s)?, the last in \d+ min( \d+ s)?$/);

    const interval = dump.resources.timers.find(({ type }) => type === 'interval');
    expect(interval?.text).toMatch(/^every 3 h, tick \(.+\), next in 2 h 59 min$/);
    const due = Number(interval?.details['dueInMs']);
    expect(due).toBeLessThanOrEqual(EVERY_MS);
    expect(due).toBeGreaterThanOrEqual(EVERY_MS - livedMs - ROUNDING_MS);
  });

  test('where the program has replaced the timers, nothing is said of it', async () => {
    const { dump } = await dumpOf(node, 'replaced.cjs', REPLACED);
    expect(waitOf(dump, 'short')).toMatchObject({ text: 'timer: 10 min', details: { delayMs: SHORT_MS } });
    expect(waitOf(dump, 'short')?.details).not.toHaveProperty('dueInMs');
  });
});
