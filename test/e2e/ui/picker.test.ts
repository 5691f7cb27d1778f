/** A person picks a process that runs without an inspector, and is asked where picking alone does not say enough. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { toolNode } from '../../../scripts/lib/setup.ts';
import { TEST_VSIX } from '../../../scripts/lib/vsix.ts';
import { cleanEnvironment } from '../../../scripts/lib/workbenchServer.ts';
import { openWorkbench } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';
import { PATIENCE_MS, screenshotOfFailure, sessionRow, showLiveTasks, VIEW } from './liveTasks.ts';

/** Keeps five promises alive on one line, whenever somebody begins to look. */
const PROGRAM = `const waiting = [];
setInterval(() => {
  new Promise((resolve) => waiting.push(resolve));
  if (waiting.length > 5) waiting.shift()();
}, 50);
`;

let directory: string;
let workbench: Workbench;
let plain: ChildProcess;
let handler: ChildProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-picker-'));
  const start = async (folder: string, text: string): Promise<ChildProcess> => {
    await mkdir(join(directory, folder));
    await writeFile(join(directory, folder, 'service.js'), text);
    return spawn(toolNode(), ['--inspect-port=0', 'service.js'], { cwd: join(directory, folder), env: cleanEnvironment(), stdio: 'ignore' });
  };
  plain = await start('checkout', PROGRAM);
  handler = await start('reload', `process.on('SIGUSR1', () => {});\n${PROGRAM}`);
  workbench = await openWorkbench({ folder: SAMPLE, vsix: [TEST_VSIX], settings: { 'asyncscope.pollInterval': 250 } });
  await showLiveTasks(workbench);
});

afterEach(({ task }) => screenshotOfFailure(workbench, task));

afterAll(async () => {
  plain.kill('SIGKILL');
  handler.kill('SIGKILL');
  await workbench.close();
  await rm(directory, { recursive: true, force: true });
});

async function pick(process: ChildProcess): Promise<void> {
  await workbench.runCommand('Asyncscope: Attach to Process…');
  await workbench.quickInput().fill(`pid ${process.pid ?? 0}`);
  const row = workbench.quickPickRow('opens its inspector (SIGUSR1)').filter({ hasText: `pid ${process.pid ?? 0}` });
  await row.waitFor({ timeout: PATIENCE_MS });
  await workbench.screenshot(`picker-${process === plain ? 'plain' : 'handler'}`);
  await row.click();
}

test('a process without an inspector is picked by its name, and watched', async () => {
  await pick(plain);
  await workbench.treeRow(VIEW, 'service.js:3').waitFor({ timeout: PATIENCE_MS });
  expect(await sessionRow(workbench).innerText()).toMatch(new RegExp(`^checkout\\s*127\\.0\\.0\\.1:\\d+ · pid ${plain.pid ?? 0}`, 's'));
});

test('its end is told, and that it is waited for', async () => {
  plain.kill('SIGKILL');
  await sessionRow(workbench).filter({ hasText: 'waiting for it to come back' }).waitFor({ timeout: PATIENCE_MS });
  await workbench.screenshot('waiting-for-restart');
  await workbench.runCommand('Asyncscope: Detach from All Processes');
  await expect.poll(() => workbench.treeRows(VIEW).count()).toBe(0);
});

test('a program that may handle the signal itself is not sent it unasked', async () => {
  await pick(handler);
  const question = workbench.page.locator('.monaco-dialog-box');
  await question.filter({ hasText: 'Send SIGUSR1 to this process?' }).waitFor({ timeout: PATIENCE_MS });
  expect(await question.innerText()).toContain(join(directory, 'reload', 'service.js'));
  await workbench.screenshot('picker-asks');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await question.waitFor({ state: 'detached' });
  await expect.poll(() => workbench.treeRows(VIEW).count(), { timeout: PATIENCE_MS }).toBe(0);
  expect(handler.exitCode).toBeNull();
});

test('another machine is a question', async () => {
  await workbench.runCommand('Asyncscope: Attach to Process…');
  await workbench.quickInput().fill('192.0.2.1:9229');
  await workbench.quickPickRow('attach to this address').click();
  const question = workbench.page.locator('.monaco-dialog-box');
  await question.filter({ hasText: 'Attach to 192.0.2.1:9229, which is another machine?' }).waitFor({ timeout: PATIENCE_MS });
  await workbench.screenshot('remote-asks');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await question.waitFor({ state: 'detached' });
  await expect.poll(() => workbench.treeRows(VIEW).count(), { timeout: PATIENCE_MS }).toBe(0);
});
