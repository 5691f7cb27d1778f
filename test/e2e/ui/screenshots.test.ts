/** Pictures of the product for those who look after it and for the README, in every kind of theme. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { TEST_VSIX } from '../../../scripts/lib/vsix.ts';
import { openWorkbench, THEMES } from '../workbench.ts';
import type { Theme, Workbench } from '../workbench.ts';
import { attachTo, lineFaces, lineOf, PATIENCE_MS, showLiveTasks, siteRow, VIEW } from './liveTasks.ts';
import { startSample } from './sampleService.ts';
import type { SampleService } from './sampleService.ts';

/** The leak that the pictures show, with a line below it that only comes and goes. */
const FILE = 'payments.ts';
const LINE = lineOf(FILE, 'new Promise<Receipt>');

/** Live tasks of that line before the first picture: enough for the third of four tints. */
const ENOUGH_TASKS = 100;

/** As many objects as make a heap whose snapshot takes so long that it is asked about. */
const BALLAST = 'data:text/javascript,globalThis.ballast=Array.from({length:3e6},(_,i)=>({i}))';

/** Nothing but the lines, small enough that they fit; and exact counts on a machine that is busy drawing. */
const SETTINGS = {
  'breadcrumbs.enabled': false,
  'editor.stickyScroll.enabled': false,
  'editor.fontSize': 12,
  'workbench.reduceMotion': 'on',
  'remote.autoForwardPorts': false,
  'asyncscope.overheadBudget': 20,
};

let workbench: Workbench;
let sample: SampleService;
let large: SampleService;

beforeAll(async () => {
  [workbench, sample, large] = await Promise.all([
    openWorkbench({ folder: SAMPLE, vsix: [TEST_VSIX], settings: SETTINGS }),
    startSample({ load: 10, leaks: ['all'] }),
    startSample({ load: 0, leaks: [], nodeArgs: ['--import', BALLAST] }),
  ]);
  await showLiveTasks(workbench);
});

afterAll(async () => {
  await Promise.all([workbench.close(), sample.stop(), large.stop()]);
});

test('the empty view', async () => {
  await workbench.view(VIEW).locator('.welcome-view-content').getByRole('button', { name: 'Attach to Process…' }).waitFor();
  await workbench.screenshot('empty');
});

test('the overview in every kind of theme, with the hover', async () => {
  await attachTo(workbench, sample.port);
  await workbench.openFile(`${FILE}:${LINE}`);
  await expect
    .poll(async () => Number(/^~?(\d+) promises/.exec((await lineFaces(workbench)).get(LINE)?.lens ?? '')?.[1]), { timeout: PATIENCE_MS })
    .toBeGreaterThan(ENOUGH_TASKS);
  await siteRow(workbench, FILE, LINE).waitFor();
  for (const theme of Object.keys(THEMES) as Theme[]) {
    await workbench.switchTheme(theme);
    await workbench.hideMouse();
    await workbench.screenshot(`overview-${theme}`);
    // A lens that appears above moves the line away from under the mouse.
    await vi.waitFor(async () => {
      await workbench.hideMouse();
      await workbench.editor().locator('.view-line', { hasText: 'confirmation = new Promise' }).locator('span', { hasText: /^Promise$/ }).hover();
      await workbench.page.locator('.monaco-hover-content', { hasText: 'expectConfirmation' }).first().waitFor({ timeout: 5_000 });
    }, PATIENCE_MS);
    await workbench.screenshot(`hover-${theme}`);
    await workbench.hideMouse();
  }
});

test('the actions of the status bar', async () => {
  await workbench.switchTheme('dark');
  await workbench.statusBarItem(/orders .*tasks/).click();
  await workbench.quickPickRow('Take Heap Snapshot').waitFor();
  await workbench.screenshot('actions');
  await workbench.page.keyboard.press('Escape');
});

test.each([
  ['snapshot', 'Take Heap Snapshot', 'A heap snapshot'],
  ['dump', 'Dump Async Tasks', 'An async dump'],
])('the question before a long %s, and its cancel', async (name, action, subject) => {
  if (name === 'snapshot') {
    await workbench.runCommand('Asyncscope: Detach from All Processes');
    await attachTo(workbench, large.port);
  }
  await workbench.runViewAction(VIEW, action);
  const dialog = workbench.dialog(new RegExp(`${subject} will stop orders for about \\d+(?:\\.\\d)? (?:s|min)`));
  await dialog.waitFor();
  await dialog.getByText('Nothing else runs in the process meanwhile').waitFor();
  await workbench.screenshot(`${name}-question`);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await workbench.view('Async Dump').count()).toBe(0);
});
