/** A person debugs the sample service with F5: what they see and do from the start to the end of the debug session. */
import { open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { TEST_VSIX } from '../../../scripts/lib/vsix.ts';
import { openWorkbench } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';
import { DUMP, dumpRow, takeDump, unfoldDump } from './asyncDump.ts';
import { clickLens, PATIENCE_MS, VIEW, lineFaces, lineOf, screenshotOfFailure, sessionRow, showLiveTasks, siteRow } from './liveTasks.ts';

/** Where the sample makes its mistakes: README of the sample. */
const PAYMENT = { file: 'payments.ts', function: 'expectConfirmation', line: lineOf('payments.ts', 'new Promise<Receipt>') };
const PAYMENT_AWAIT = lineOf('payments.ts', 'await confirmation');
const TRACKING = { file: 'tracking.ts', line: lineOf('tracking.ts', 'setInterval') };
/** Runs for every order. */
const HANDLER = { file: 'orders.ts', line: lineOf('orders.ts', 'await this.priced(') };

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench({
    folder: SAMPLE,
    vsix: [TEST_VSIX],
    env: { ORDERS_PORT: '0' },
    settings: { 'debug.internalConsoleOptions': 'neverOpen', 'remote.autoForwardPorts': false },
  });
  await showLiveTasks(workbench);
});

afterEach(({ task }) => screenshotOfFailure(workbench, task));

afterAll(() => workbench.close());

test('F5 is enough: session, process and sites appear, badge and status bar count', async () => {
  await workbench.page.keyboard.press('F5');
  await siteRow(workbench, PAYMENT.file, PAYMENT.line).waitFor({ timeout: PATIENCE_MS });
  expect(await sessionRow(workbench).allInnerTexts()).toEqual([expect.stringMatching(/^server\.js\s*pid \d+ · v\d+\./)]);
  expect(await workbench.treeRow(VIEW, /^\s*Process/).innerText()).toMatch(/[\d.]+ MB of [\d.]+ GB · loop [\d.]+ ms/);
  expect(await siteRow(workbench, PAYMENT.file, PAYMENT.line).getAttribute('aria-label')).toMatch(/^expectConfirmation, (about )?\d+ promises?, at payments\.ts line \d+/);
  await expect.poll(() => workbench.badge('Run and Debug').innerText(), { timeout: PATIENCE_MS }).toMatch(/^\d+K?\+?$/);
  await workbench.statusBarItem(/server\.js ~?[\d,]+ tasks · \d+\/\d+ MB · loop [\d.]+ ms/).waitFor();
});

test('a line that leaves promises pending says so above it, beside it, behind it and on hovering', async () => {
  await workbench.openFile(`${PAYMENT.file}:${PAYMENT.line}`);
  await expect
    .poll(async () => (await lineFaces(workbench)).get(PAYMENT.line), { timeout: PATIENCE_MS })
    .toEqual({
      lens: expect.stringMatching(/^~?[\d,]+ promises? · oldest /) as string,
      gutter: expect.stringMatching(/media\/gutter\/dark\/promise-[1-4]\.svg/) as string,
      text: expect.stringMatching(/^(now )?~?[\d,]+ promises?/) as string,
    });
  // it leaks, so the lens falls behind
  await expect.poll(async () => (await lineFaces(workbench)).get(PAYMENT.line)?.text, { timeout: PATIENCE_MS }).toMatch(/^now ~?[\d,]+ promises/);
  const silent = (await lineFaces(workbench)).get(PAYMENT.line + 1);
  expect(silent).toEqual({ lens: undefined, gutter: undefined, text: undefined });

  const hover = workbench.page.locator('.monaco-hover-content', { hasText: PAYMENT.function }).first();
  // A lens that appears above moves the line away from under the mouse.
  await vi.waitFor(async () => {
    await workbench.hideMouse();
    await workbench.editor().locator('.view-line', { hasText: 'confirmation = new Promise' }).locator('span', { hasText: /^Promise$/ }).hover();
    await hover.waitFor({ timeout: 5_000 });
  }, PATIENCE_MS);
  const text = await hover.innerText();
  expect(text).toMatch(/\d+ promises? — expectConfirmation/);
  expect(text).toMatch(/oldest .+ · .+\/s started · .+\/s ended/);
  expect(text).toMatch(new RegExp(`Started from[^]*expectConfirmation — payments\\.ts:${PAYMENT.line}:\\d+\\s+collect — payments\\.ts:`));
  await workbench.page.keyboard.press('Escape');
});

test('a click on a site opens its line, a click on the lens selects the site', async () => {
  // Rows change places as their counts change: a click can meet the row that was there before.
  await vi.waitFor(async () => {
    await siteRow(workbench, TRACKING.file, TRACKING.line).click();
    await workbench.activeTab(TRACKING.file).waitFor({ timeout: 3_000 });
  }, PATIENCE_MS);
  await workbench.statusBarItem(`Ln ${TRACKING.line}, `).waitFor();
  await workbench.openFile(`${PAYMENT.file}:${PAYMENT.line}`);
  await expect.poll(async () => (await lineFaces(workbench)).get(PAYMENT.line)?.lens, { timeout: PATIENCE_MS }).toMatch(/promise/);
  await clickLens(workbench, PAYMENT.line);
  await workbench.view(VIEW).locator('.monaco-list-row.selected', { hasText: PAYMENT.function }).waitFor();
});

test('a breakpoint stops the process, and the figures go on', async () => {
  const { page } = workbench;
  await workbench.openFile(`${HANDLER.file}:${HANDLER.line}`);
  await workbench.runCommand('Debug: Toggle Breakpoint');
  await page.locator('.editor-group-container.active .codicon-debug-stackframe').first().waitFor({ timeout: PATIENCE_MS });
  const uptime = workbench.treeRow(VIEW, 'Uptime');
  // The row that says that the process is stopped appears above, so that a click may meet it.
  await expect
    .poll(
      async () => {
        if ((await uptime.count()) === 0) await workbench.treeRow(VIEW, /^\s*Process/).locator('.monaco-tl-twistie').click();
        return uptime.count();
      },
      { timeout: PATIENCE_MS, interval: 1_000 },
    )
    .toBe(1);
  for (let polls = 0; polls < 3; polls += 1) {
    const before = await uptime.innerText();
    await expect.poll(() => uptime.innerText(), { timeout: PATIENCE_MS }).not.toBe(before);
  }
  expect(await page.locator('.editor-group-container.active .codicon-debug-stackframe').count()).toBeGreaterThan(0);
  expect(await sessionRow(workbench).innerText()).not.toMatch(/not responding|paused/);
  await workbench.runCommand('Debug: Toggle Breakpoint');
  await page.keyboard.press('F5');
  await page.locator('.codicon-debug-stackframe').first().waitFor({ state: 'detached' });
  await workbench.treeRow(VIEW, /^\s*Process/).locator('.monaco-tl-twistie').click();
});

test('a dump under the debugger has exact lines and variables, and debugging goes on', async () => {
  await takeDump(workbench, 'server.js');
  const waits = new RegExp(`^\\s*Payments\\.collect\\s*awaits payments\\.ts:${PAYMENT_AWAIT}`);
  await unfoldDump(workbench, /Payments\.collect/);
  await dumpRow(workbench, waits).waitFor({ timeout: PATIENCE_MS });
  await unfoldDump(workbench, /^\s*Tasks\s*\d+/);
  await unfoldDump(workbench, /^\s*Task 1$/);
  await unfoldDump(workbench, waits);
  await dumpRow(workbench, /^\s*order\s*Order \{id: 'order-/).first().waitFor({ timeout: PATIENCE_MS });
  await workbench.screenshot('debug-dump');
  await workbench.runViewAction(DUMP, 'Clear Async Dump');
  await workbench.view(DUMP).waitFor({ state: 'detached' });
  await workbench.expandView(VIEW, true);
  expect(await sessionRow(workbench).innerText()).not.toMatch(/not responding|paused/);
  await siteRow(workbench, PAYMENT.file, PAYMENT.line).waitFor({ timeout: PATIENCE_MS });
});

test('one click writes a heap snapshot that only its owner can read, and opens it', async () => {
  await workbench.runViewAction(VIEW, 'Take Heap Snapshot');
  await workbench.activeTab('.heapsnapshot').waitFor({ timeout: PATIENCE_MS });
  await workbench.notification('Heap snapshot written').waitFor();
  // The extension's own storage, unless a setting names another place.
  const directory = join(dirname(workbench.server.settingsFile), 'globalStorage', 'asyncscope.asyncscope', 'snapshots');
  const [name, ...others] = await readdir(directory);
  expect(others).toEqual([]);
  expect(name).toMatch(/^server\.js-\d{8}-\d{6}\.heapsnapshot$/);
  const path = join(directory, name ?? '');
  expect([await modeOf(directory), await modeOf(path)]).toEqual(['700', '600']);
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 0).finally(() => file.close());
  expect(buffer.toString()).toBe('{"snapshot":');
  await workbench.runCommand('View: Close Editor');
});

test('when debugging stops the session ends, and its figures go', async () => {
  await workbench.openFile(`${PAYMENT.file}:${PAYMENT.line}`);
  await expect.poll(async () => (await lineFaces(workbench)).get(PAYMENT.line)?.gutter, { timeout: PATIENCE_MS }).toBeDefined();
  await workbench.page.keyboard.press('Shift+F5');
  await sessionRow(workbench).filter({ hasText: 'ended' }).waitFor({ timeout: PATIENCE_MS });
  expect(await siteRow(workbench, PAYMENT.file, PAYMENT.line).count()).toBe(0);
  await workbench.treeRow(VIEW, /The process has exited|The debug session ended/).waitFor();
  await workbench.statusBarItem(/server\.js ended/).waitFor();
  await expect.poll(() => workbench.badge('Run and Debug').count()).toBe(0);
  await expect.poll(async () => (await lineFaces(workbench)).get(PAYMENT.line), { timeout: PATIENCE_MS }).toMatchObject({ gutter: undefined, text: undefined });
});

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}
