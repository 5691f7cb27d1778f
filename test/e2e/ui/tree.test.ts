/** A person looks for something in Live Tasks: groups, filters, hidden sites, stacks, and the walkthrough that shows it all. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import type { Workbench } from '../workbench.ts';
import { lineFaces, lineOf, PATIENCE_MS, screenshotOfFailure, siteRow, VIEW } from './liveTasks.ts';
import type { SampleService } from './sampleService.ts';
import { inEveryTheme, LEAK_FILE as FILE, LEAK_LINE as LINE, openSample } from './sampleWorkbench.ts';

const PROJECT_FILE = join(SAMPLE, '.asyncscope.json');
const REASON = 'Known, and being repaired';

let workbench: Workbench;
let sample: SampleService;

beforeAll(async () => {
  ({ workbench, sample } = await openSample(10, { 'asyncscope.overheadBudget': 20 }));
});

afterEach(({ task }) => screenshotOfFailure(workbench, task));

afterAll(async () => {
  await Promise.all([workbench.close(), sample.stop()]);
  await rm(PROJECT_FILE, { force: true });
});

/** The text above the rows. */
function message(): Locator {
  return workbench.view(VIEW).locator('.message');
}

/** Rows come and go meanwhile, so that once may not be enough. */
async function pressUntil(key: string, visible: Locator): Promise<void> {
  await expect.poll(async () => {
    await workbench.page.keyboard.press(key);
    return visible.count();
  }).toBe(1);
}

/** Rows above it come and go, so that a click may meet its neighbour. */
async function select(row: Locator, text: string): Promise<void> {
  await expect.poll(async () => {
    await row.click();
    return workbench.view(VIEW).locator('.monaco-list-row.selected').allInnerTexts();
  }).toEqual([expect.stringContaining(text)]);
}

function filterBox(): Locator {
  return workbench.page.locator('.quick-input-widget:visible .quick-input-title', { hasText: 'Filter Live Tasks' });
}

test('sites stand in groups with totals', async () => {
  await workbench.runCommand('Asyncscope: Group by File');
  const group = workbench.treeRow(VIEW, new RegExp(`^${FILE.replace('.', '\\.')}`));
  await group.waitFor();
  await expect.poll(() => group.innerText()).toMatch(/\d+ sites?$/);
  await group.locator('.monaco-tl-twistie').click();
  await siteRow(workbench, FILE, LINE).waitFor();
  await inEveryTheme(workbench, 'groups');
  await workbench.runCommand('Asyncscope: Group by Kind');
  await workbench.treeRow(VIEW, /^Promises/).waitFor();
  await workbench.screenshot('groups-by-kind');
  await workbench.runCommand('Asyncscope: List Sites without Groups');
  await siteRow(workbench, FILE, LINE).waitFor();
});

test('keys are those of the find box while one types in it', async () => {
  await select(siteRow(workbench, FILE, LINE), `${FILE}:${String(LINE)}`);
  await workbench.page.keyboard.press('Control+Alt+F');
  const box = workbench.view(VIEW).locator('.monaco-tree-type-filter input');
  await box.fill('hide');
  await workbench.page.keyboard.press('Home');
  await workbench.page.keyboard.press('Delete');
  await expect.poll(() => box.inputValue()).toBe('ide');
  await workbench.page.keyboard.press('Escape');
  await box.waitFor({ state: 'hidden' });
});

test('the filter box follows what is typed, says what is wrong, and remembers', async () => {
  await select(siteRow(workbench, FILE, LINE), `${FILE}:${String(LINE)}`);
  await workbench.page.keyboard.press('Control+F');
  await workbench.quickInput().fill('kind:promis');
  await workbench.page.locator('.quick-input-widget .quick-input-message', { hasText: 'After "kind:" comes one of promise' }).waitFor();
  await workbench.screenshot('filter-wrong');
  await workbench.quickInput().fill(`kind:promise file:${FILE}`);
  await message().filter({ hasText: `Filter: kind:promise file:${FILE} — ` }).waitFor();
  await expect.poll(() => siteRow(workbench, 'warehouse.ts', lineOf('warehouse.ts', 'return new Promise')).count()).toBe(0);
  await workbench.screenshot('filter-box');
  await workbench.page.keyboard.press('Enter');
  await workbench.quickInput().waitFor({ state: 'hidden' });
  await message().filter({ hasText: / — 1 of \d+ sites$/ }).waitFor();
  await inEveryTheme(workbench, 'filtered');
  await workbench.runViewAction(VIEW, 'Clear Filter');
  await message().waitFor({ state: 'hidden' });
  await workbench.runCommand('Asyncscope: Filter…');
  await filterBox().waitFor();
  // A hover of the field would lie over the button.
  await workbench.hideMouse();
  await workbench.page.locator('.quick-input-widget .action-label[aria-label^="Recent Filters"]').click();
  await workbench.quickPickRow(`kind:promise file:${FILE}`).waitFor();
  await workbench.screenshot('filter-history');
  await workbench.page.keyboard.press('Escape');
});

test('a site is hidden with a reason and stays counted; the key, the box and the file', async () => {
  await workbench.openFile(`${FILE}:${String(LINE)}`);
  await expect.poll(async () => (await lineFaces(workbench)).get(LINE)?.gutter, { timeout: PATIENCE_MS }).toMatch(/promise-/);
  await select(siteRow(workbench, FILE, LINE), `${FILE}:${String(LINE)}`);
  await workbench.page.keyboard.press('Delete');
  await workbench.quickInput().fill(REASON);
  await workbench.screenshot('hide-box');
  await workbench.page.keyboard.press('Enter');
  await siteRow(workbench, FILE, LINE).waitFor({ state: 'detached' });
  const hidden = workbench.treeRow(VIEW, '1 hidden site');
  // It is the last row of the process, which may be below the others.
  await pressUntil('End', hidden);
  await expect.poll(async () => (await lineFaces(workbench)).get(LINE)?.gutter, { timeout: PATIENCE_MS }).toBeUndefined();
  expect(JSON.parse(await readFile(PROJECT_FILE, 'utf8'))).toMatchObject({ version: 1, hide: [{ file: `src/${FILE}`, line: LINE, reason: REASON }] });
  await hidden.click();
  await pressUntil('End', workbench.treeRow(VIEW, REASON));
  await workbench.hideMouse();
  await workbench.screenshot('hidden');
  await workbench.runCommand('Asyncscope: Open .asyncscope.json');
  await workbench.activeTab('.asyncscope.json').waitFor();
  await workbench.screenshot('project-file');
  await select(workbench.treeRow(VIEW, REASON), REASON);
  await workbench.runCommand('Asyncscope: Show Hidden Site Again');
  await hidden.waitFor({ state: 'detached' });
  await pressUntil('Home', siteRow(workbench, FILE, LINE));
});

test('the menu of a site', async () => {
  await siteRow(workbench, FILE, LINE).click({ button: 'right' });
  await workbench.page.locator('.context-view .action-label', { hasText: 'Copy as Folded Stacks' }).waitFor();
  const labels = await workbench.page.locator('.context-view .action-item .action-label').allInnerTexts();
  expect(labels.map((label) => label.trim()).filter((label) => label !== '')).toEqual([
    'Go to Line',
    'Open to the Side',
    'Reveal Stack',
    'Hide Site…',
    'Copy as Text',
    'Copy as JSON',
    'Copy as Folded Stacks',
  ]);
  await workbench.screenshot('site-menu');
  await workbench.page.keyboard.press('Escape');
});

test('keys go along the stack, and the editor follows', async () => {
  await select(siteRow(workbench, FILE, LINE), `${FILE}:${String(LINE)}`);
  await workbench.page.keyboard.press('Alt+Enter');
  await workbench.treeRow(VIEW, /^Started from/).waitFor();
  await workbench.activeTab(FILE).waitFor();
  const selected = workbench.view(VIEW).locator('.monaco-list-row.selected');
  const first = await selected.innerText();
  await workbench.page.keyboard.press('Alt+ArrowDown');
  await expect.poll(() => selected.innerText()).not.toBe(first);
  await workbench.page.keyboard.press('Alt+ArrowUp');
  await expect.poll(() => selected.innerText()).toBe(first);
  await inEveryTheme(workbench, 'stack');
  await selected.click();
  for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft']) await workbench.page.keyboard.press(key);
  await workbench.treeRow(VIEW, /^Started from/).waitFor({ state: 'detached' });
});

test('rows speak in words', async () => {
  await workbench.runCommand('Asyncscope: Group by Kind');
  const label = await workbench.treeRow(VIEW, /^Promises/).getAttribute('aria-label');
  expect(label).toMatch(/^Promises, (about )?[\d,]+ tasks? of \d+ sites?, .*oldest/);
  await workbench.runCommand('Asyncscope: List Sites without Groups');
  expect(await siteRow(workbench, FILE, LINE).getAttribute('aria-label')).toMatch(new RegExp(`promises?, at ${FILE.replace('.', '\\.')} line ${String(LINE)}`));
});

test('the walkthrough has steps that are done by doing them', async () => {
  await workbench.runCommand('Asyncscope: Get Started');
  const step = (title: string): Locator => workbench.page.locator('.getting-started-step', { hasText: title });
  await step('Attach to a process').waitFor();
  await workbench.runCommand('Asyncscope: Filter…');
  await filterBox().waitFor();
  await workbench.page.keyboard.press('Escape');
  await step('Filter and group').locator('.codicon-getting-started-step-checked.complete').waitFor();
  for (const [title, name] of [['Attach to a process', 'attach'], ['Read the lines', 'read'], ['Find what grows', 'baseline'], ['Filter and group', 'filter'], ['Follow the stack', 'stack'], ['Hide what you know', 'hide']] as const) {
    if ((await step(title).getAttribute('class'))?.includes('expanded') !== true) await step(title).click();
    await workbench.page.locator('.getting-started-step.expanded', { hasText: title }).waitFor();
    await workbench.screenshot(`walkthrough-${name}`);
  }
  await step('Read the lines').click();
  await inEveryTheme(workbench, 'walkthrough');
});
