/** What a person does in the Async Dump view. */
import type { Locator } from 'playwright-core';
import type { Workbench } from '../workbench.ts';
import { PATIENCE_MS, VIEW } from './liveTasks.ts';

export const DUMP = 'Async Dump';

/** Says yes where it is asked first: on a slow machine a process has grown so much meanwhile. Resolves when `what` is there. */
export async function confirmDump(workbench: Workbench, process: string, what: Locator): Promise<void> {
  const question = workbench.dialog(`An async dump will stop ${process} for about`);
  await what.or(question).first().waitFor({ timeout: PATIENCE_MS });
  if (await question.isVisible()) await question.getByRole('button', { name: 'Dump Async Tasks' }).click();
  await what.waitFor({ timeout: PATIENCE_MS });
}

/** Takes the first dump of a process, and gives it the room of the Live Tasks. */
export async function takeDump(workbench: Workbench, process: string): Promise<void> {
  await workbench.runViewAction(VIEW, 'Dump Async Tasks');
  await confirmDump(workbench, process, workbench.view(DUMP));
  await workbench.expandView(VIEW, false);
  await workbench.expandView(DUMP, true);
}

export function dumpRow(workbench: Workbench, text: string | RegExp): Locator {
  return workbench.treeRow(DUMP, text);
}

/** Unfolds the first such row that can be, unless it is. */
export async function unfoldDump(workbench: Workbench, text: string | RegExp): Promise<void> {
  const found = dumpRow(workbench, text).and(workbench.page.locator('[aria-expanded]')).first();
  await found.waitFor();
  if ((await found.getAttribute('aria-expanded')) === 'false') await found.locator('.monaco-tl-twistie').click();
  await dumpRow(workbench, text).and(workbench.page.locator('[aria-expanded="true"]')).first().waitFor();
}

/** When the dump was taken and how long the process stood still for it, in the view's words. */
export async function dumpMessage(workbench: Workbench): Promise<string> {
  return (await workbench.view(DUMP).locator('.message').textContent()) ?? '';
}
