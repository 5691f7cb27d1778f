/** A person attaches to processes that run already, by port: from the empty view to the end of a process. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { TEST_VSIX } from '../../../scripts/lib/vsix.ts';
import { openWorkbench } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';
import { attachTo, lineFaces, lineOf, PATIENCE_MS, screenshotOfFailure, sessionRow, showLiveTasks, siteRow, VIEW } from './liveTasks.ts';
import { startSample } from './sampleService.ts';
import type { SampleService } from './sampleService.ts';
import { watchLenses } from './watchLenses.ts';

const FILE = 'warehouse.ts';
/** Waits 80 ms for each order, so that it comes and goes from poll to poll. */
const PACKING_LINE = lineOf(FILE, 'delay(PACKING_MS)');
/** With the leak `listener`, one promise more for each order. */
const LEAK_LINE = lineOf(FILE, 'return new Promise');

let workbench: Workbench;
let sample: SampleService;

beforeAll(async () => {
  [workbench, sample] = await Promise.all([
    openWorkbench({ folder: SAMPLE, vsix: [TEST_VSIX], settings: { 'asyncscope.pollInterval': 250 } }),
    startSample({ load: 5, leaks: ['listener'] }),
  ]);
  await showLiveTasks(workbench);
});

afterEach(({ task }) => screenshotOfFailure(workbench, task));

afterAll(async () => {
  await Promise.all([workbench.close(), sample.stop()]);
});

test('the empty view says what to do', async () => {
  await expectEmptyView();
});

test('the command attaches to a port', async () => {
  await attachTo(workbench, sample.port);
  expect(await sessionRow(workbench).allInnerTexts()).toEqual([expect.stringMatching(new RegExp(`^orders\\s*127\\.0\\.0\\.1:${sample.port} · pid \\d+ · v\\d+\\.`))]);
  await siteRow(workbench, FILE, LEAK_LINE).waitFor({ timeout: PATIENCE_MS });
  await workbench.statusBarItem(/orders [\d,]+ tasks? · /).waitFor();
});

test('the same process by another address is not attached to twice: it would be counted twice', async () => {
  await attachTo(workbench, `localhost:${sample.port}`);
  await workbench.notification(/Process \d+ is attached to already/).waitFor({ timeout: PATIENCE_MS });
  expect(await sessionRow(workbench).count()).toBe(1);
});

test('lenses stay where they are while tasks come and go', async () => {
  await workbench.openFile(`${FILE}:${PACKING_LINE}`);
  await expect.poll(async () => (await lineFaces(workbench)).get(PACKING_LINE)?.lens, { timeout: PATIENCE_MS }).toMatch(/\d+ (timeout|promise)s?/);
  const seen = await watchLenses(workbench, PACKING_LINE, PATIENCE_MS);
  expect(seen.lost).toEqual([]);
  // That the line really had tasks and lost them, again and again.
  expect(seen.timesWithoutTasks).toBeGreaterThan(1);
  expect(seen.lines).toEqual(expect.arrayContaining([PACKING_LINE, LEAK_LINE]));
});

test('a detach leaves no marks on the lines, in neither of two editors of the file, and the empty view', async () => {
  expect((await lineFaces(workbench)).get(LEAK_LINE)?.gutter).toMatch(/promise-/);
  await workbench.runCommand('View: Split Editor');
  const editors = workbench.page.locator('.editor-group-container', { has: workbench.page.locator('.cgmr') });
  await expect.poll(() => editors.count(), { timeout: PATIENCE_MS }).toBe(2);
  await workbench.runCommand('Asyncscope: Detach from All Processes');
  await expectEmptyView();
  // The lenses stay a while, so that the text does not jump when somebody attaches again.
  await expect.poll(async () => [...(await lineFaces(workbench)).values()].filter(({ gutter, text }) => gutter ?? text), { timeout: PATIENCE_MS }).toEqual([]);
  await expect.poll(() => editors.count(), { timeout: PATIENCE_MS }).toBe(0);
  expect(await workbench.statusBarItem(/orders .*tasks?/).count()).toBe(0);
  expect(await workbench.badge('Run and Debug').count()).toBe(0);
});

test('when the process is killed, the view says so', async () => {
  await attachTo(workbench, sample.port);
  await siteRow(workbench, FILE, LEAK_LINE).waitFor({ timeout: PATIENCE_MS });
  const pid = Number(/pid (\d+)/.exec(await sessionRow(workbench).innerText())?.[1]);
  process.kill(pid, 'SIGKILL');
  await sample.exited;
  await sessionRow(workbench).filter({ hasText: /waiting for it to come back/ }).waitFor({ timeout: PATIENCE_MS });
  expect(await siteRow(workbench, FILE, LEAK_LINE).count()).toBe(0);
  expect(await workbench.treeRows(VIEW).count()).toBe(2);
  await workbench.statusBarItem(/orders waiting for it to come back/).waitFor();
  await expect.poll(() => workbench.badge('Run and Debug').count()).toBe(0);
});

async function expectEmptyView(): Promise<void> {
  const welcome = workbench.view(VIEW).locator('.welcome-view-content');
  await welcome.filter({ hasText: 'See what a Node process is waiting for' }).waitFor({ timeout: PATIENCE_MS });
  expect(await welcome.getByRole('button').allInnerTexts()).toEqual(['Start Debugging', 'Attach to Process…']);
  expect(await workbench.treeRows(VIEW).count()).toBe(0);
}
