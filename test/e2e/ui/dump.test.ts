/** A person dumps the sample service with its leaks on: the tree, the line, the variables, the graph. */
import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Workbench } from '../workbench.ts';
import { confirmDump, DUMP, dumpMessage, dumpRow, takeDump, unfoldDump } from './asyncDump.ts';
import { clickLens, lineFaces, lineOf, PATIENCE_MS, screenshotOfFailure } from './liveTasks.ts';
import type { SampleService } from './sampleService.ts';
import { inEveryTheme, LEAK_FILE as FILE, openSample } from './sampleWorkbench.ts';

/** The line that awaits the promises of the leak. */
const LINE = lineOf(FILE, 'await confirmation');

let workbench: Workbench;
let sample: SampleService;

beforeAll(async () => {
  ({ workbench, sample } = await openSample(5));
});

afterEach(({ task }) => screenshotOfFailure(workbench, task));

afterAll(async () => {
  await Promise.all([workbench.close(), sample.stop()]);
});

function row(text: string | RegExp): Locator {
  return dumpRow(workbench, text);
}

function unfold(text: string | RegExp): Promise<void> {
  return unfoldDump(workbench, text);
}

function graph(): FrameLocator {
  return workbench.webview();
}

function box(text: string | RegExp): Locator {
  return graph().locator('.box', { hasText: text }).first();
}

/** Points at the line until its hover is there: a lens that appears above moves the line away from under the mouse. */
async function hover(): Promise<Locator> {
  const content = workbench.page.locator('.monaco-hover-content', { hasText: 'suspended' }).first();
  await vi.waitFor(async () => {
    await workbench.hideMouse();
    await workbench.editor().locator('.view-line', { hasText: 'await confirmation' }).locator('span', { hasText: /confirmation/ }).first().hover();
    await content.waitFor({ timeout: 5_000 });
  }, PATIENCE_MS);
  return content;
}

async function clickInHover(text: string | RegExp): Promise<void> {
  await workbench.page.locator('.tab', { hasText: FILE }).first().click();
  await (await hover()).locator('a', { hasText: text }).first().click();
  await workbench.hideMouse();
}

test('one click shows what waits, by verdict, with the reason', async () => {
  await takeDump(workbench, 'orders');
  await row(/^\s*Orphans/).waitFor({ timeout: PATIENCE_MS });
  await expect.poll(() => dumpMessage(workbench)).toMatch(/suspended functions, [\d,]+ pending promises\. Taken at \d\d:\d\d:\d\d; the process stood still for/);
  await unfold(/Payments\.collect.*nothing that is alive/);
  await row(/Nothing that is alive can settle this promise/).waitFor();
  await row(/^\s*Payments\.collect\s*awaits payments\.ts/).waitFor();
  await row(/^\s*Waits for nothing that is alive/).waitFor();
  await inEveryTheme(workbench, 'dump-tree');
});

test('a click opens the line, which has a mark, a text and a lens of its own', async () => {
  await row(/^\s*Payments\.collect\s*awaits payments\.ts/).click();
  await workbench.activeTab(FILE).waitFor();
  await expect.poll(async () => (await lineFaces(workbench)).get(LINE)?.text, { timeout: PATIENCE_MS }).toMatch(/\d+ suspended here/);
  expect((await lineFaces(workbench)).get(LINE)?.gutter).toContain('suspended-orphan');
  // VS Code asks for lenses in its own time
  await expect.poll(async () => (await lineFaces(workbench)).get(LINE)?.lens, { timeout: PATIENCE_MS }).toMatch(/suspended/);
  await inEveryTheme(workbench, 'dump-line');
  await hover();
  await workbench.screenshot('dump-hover');
  await workbench.hideMouse();
  await clickLens(workbench, LINE);
  await workbench.view(DUMP).locator('.monaco-list-row.selected', { hasText: /Payments\.collect|then orders\.ts/ }).waitFor();
});

test('the hover of the line leads to the row, to the graph and to the variables', async () => {
  await clickInHover('Show in Dump');
  await workbench.view(DUMP).locator('.monaco-list-row.selected', { hasText: /Payments\.collect|then orders\.ts/ }).waitFor();
  await clickInHover('Show in Graph');
  await graph().locator('.box.leaf.selected', { hasText: 'Nothing that is alive' }).waitFor({ timeout: PATIENCE_MS });
  await workbench.page.locator('.tab', { hasText: 'Await Graph' }).locator('.action-label[aria-label^="Close"]').click();
  await clickInHover(/^Variables/);
  await row(/^\s*order\s*Order \{id: 'order-/).first().waitFor({ timeout: PATIENCE_MS });
});

test('a filter leaves the groups that have its words, until something else is looked at', async () => {
  await row(/^\s*Waits for nothing that is alive/).first().click();
  await workbench.page.keyboard.press('Control+F');
  await workbench.quickInput().fill('preparecel');
  await row(/No group has all of these words/).waitFor();
  await workbench.quickInput().fill('preparePARCEL stuck');
  await row(/Warehouse\.prepareParcel/).first().waitFor();
  await row(/Payments\.collect/).first().waitFor({ state: 'detached' });
  await workbench.page.keyboard.press('Enter');
  await expect.poll(() => dumpMessage(workbench)).toMatch(/Filter: preparePARCEL stuck — 1 of \d+ groups, \d+ tasks?/);
  await workbench.screenshot('dump-filter');
  await clickInHover('Show in Dump');
  await row(/Payments\.collect/).first().waitFor();
  await expect.poll(() => dumpMessage(workbench)).toMatch(/suspended functions/);
});

test('a single task shows its variables', async () => {
  await unfold(/^\s*Tasks\s*\d+/);
  await unfold(/^\s*Task 1$/);
  await unfold(/^\s*Payments\.collect\s*awaits payments\.ts/);
  await row(/^\s*Local/).first().waitFor({ timeout: PATIENCE_MS });
  await row(/^\s*order\s*Order \{id: 'order-/).first().waitFor();
  await workbench.screenshot('dump-variables');
  // another task is looked into meanwhile
  await unfold(/^\s*Task 2$/);
  await row(/^\s*Payments\.collect\s*awaits payments\.ts/).and(workbench.page.locator('[aria-expanded="false"]')).locator('.monaco-tl-twistie').click();
  await expect.poll(() => row(/^\s*Local/).count()).toBe(2);
  await unfold(/^\s*order\s*Order \{id: 'order-/);
  await row(/^\s*id\s*'order-/).first().waitFor({ timeout: PATIENCE_MS });
});

test('the graph shows the chains, and leads to the lines', async () => {
  await workbench.runViewAction(DUMP, 'Open Await Graph');
  await workbench.activeTab('Await Graph').waitFor();
  await box(/Payments\.collect/).waitFor({ timeout: PATIENCE_MS });
  await graph().locator('.box.leaf', { hasText: 'Nothing that is alive' }).waitFor();
  await inEveryTheme(workbench, 'dump-graph');
  await box(/Payments\.collect/).locator('.head').click();
  await graph().locator('.details .why', { hasText: 'Nothing that is alive can settle this promise' }).waitFor();
  await inEveryTheme(workbench, 'dump-graph-details');
  await workbench.switchTheme('high-contrast-light');
  await workbench.hideMouse();
  await workbench.screenshot('dump-graph-details-high-contrast-light');
  await workbench.switchTheme('dark');
  await workbench.runCommand('View: Toggle Maximize Editor Group');
  await workbench.hideMouse();
  await workbench.screenshot('dump-graph-wide');
  await workbench.runCommand('View: Toggle Maximize Editor Group');
  await box(/Payments\.collect/).locator('.line', { hasText: 'Payments.collect' }).click();
  await workbench.page.locator('.tab.active', { hasText: FILE }).waitFor();
});

test('the graph can be used with the keyboard alone', async () => {
  await workbench.activeTab('Await Graph').or(workbench.page.locator('.tab', { hasText: 'Await Graph' })).first().click();
  const search = graph().locator('.search');
  await search.click();
  await search.fill('Payments.collect');
  await graph().locator('.found', { hasText: /\d+ found/ }).waitFor();
  await workbench.page.keyboard.press('Enter');
  await graph().locator('.box.selected', { hasText: 'Payments.collect' }).waitFor();
  await workbench.page.keyboard.press('Escape');
  const focused = graph().locator('.box:focus');
  await focused.waitFor();
  await workbench.page.keyboard.press('ArrowRight');
  await graph().locator('.box.leaf:focus').waitFor();
  await workbench.page.keyboard.press('ArrowLeft');
  await graph().locator('.box.frames:focus').waitFor();
  await workbench.page.keyboard.press(' ');
  await graph().locator('.details:visible').waitFor();
});

test('one that takes too long can be cancelled, the one before stays, and the next is whole', async () => {
  const before = await dumpMessage(workbench);
  const progress = workbench.notification('Async dump of orders');
  sample.freeze();
  try {
    await workbench.runViewAction(DUMP, 'Dump Again');
    await confirmDump(workbench, 'orders', progress);
    await progress.hover();
    await workbench.screenshot('dump-progress');
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await progress.waitFor({ state: 'detached' });
  } finally {
    sample.thaw();
  }
  expect(await dumpMessage(workbench)).toBe(before);
  await row(/^\s*Orphans/).waitFor();

  await workbench.runViewAction(DUMP, 'Dump Again');
  await confirmDump(workbench, 'orders', progress);
  await expect.poll(() => dumpMessage(workbench), { timeout: PATIENCE_MS }).not.toBe(before);
  await row(/^\s*Orphans/).waitFor();
});

test('clearing takes the rows, the marks and the graph along', async () => {
  await workbench.runViewAction(DUMP, 'Clear Async Dump');
  await workbench.view(DUMP).waitFor({ state: 'detached' });
  await graph().locator('.empty', { hasText: 'There is no async dump' }).waitFor();
  await workbench.page.locator('.tab', { hasText: FILE }).first().click();
  await expect.poll(async () => (await lineFaces(workbench)).get(LINE)?.text ?? '').not.toMatch(/suspended/);
});
