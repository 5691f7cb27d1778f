/** The package that users install: what is in it, and that it works in a VS Code that knows nothing of this repository. */
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { TEST_VSIX } from '../../../scripts/lib/vsix.ts';
import { VSIX_FILES, listZip } from '../../support/vsixFiles.ts';
import { openWorkbench } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';

/** What people download. */
const PACKAGE_LIMIT_BYTES = 1_000_000;

let workbench: Workbench;
beforeAll(async () => {
  workbench = await openWorkbench({ folder: SAMPLE, vsix: [TEST_VSIX] });
});
afterAll(() => workbench.close());

test('the package contains exactly the files it should', async () => {
  expect(await listZip(TEST_VSIX)).toEqual(VSIX_FILES);
});

test('the package is small', async () => {
  expect((await stat(TEST_VSIX)).size).toBeLessThan(PACKAGE_LIMIT_BYTES);
});

test('the installed package is active', async () => {
  await workbench.runCommand('View: Show Run and Debug');
  await workbench.view('Live Tasks').waitFor();
  await workbench.runCommand('Developer: Show Running Extensions');
  await workbench.page.locator('.editor-instance .monaco-list-row', { hasText: 'Asyncscope' }).waitFor();
  await workbench.screenshot('installed-package');
});
