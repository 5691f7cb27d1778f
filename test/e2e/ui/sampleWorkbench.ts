/** The workbench on the sample service with all its leaks, attached, with Live Tasks in view. */
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { TEST_VSIX } from '../../../scripts/lib/vsix.ts';
import { openWorkbench, THEMES } from '../workbench.ts';
import type { Theme, Workbench } from '../workbench.ts';
import { attachTo, lineOf, PATIENCE_MS, showLiveTasks, siteRow } from './liveTasks.ts';
import { startSample } from './sampleService.ts';
import type { SampleService } from './sampleService.ts';

/** Pictures are the same in every run, and show little besides. */
const QUIET = {
  'breadcrumbs.enabled': false,
  'editor.stickyScroll.enabled': false,
  'editor.fontSize': 12,
  'workbench.reduceMotion': 'on',
  'remote.autoForwardPorts': false,
};

/** A leak whose promises can never settle. */
export const LEAK_FILE = 'payments.ts';
/** The line that makes them. */
export const LEAK_LINE = lineOf(LEAK_FILE, 'new Promise<Receipt>');

/**
 * Resolves when the leak has a row.
 * @param load requests per second that the service sends to itself
 */
export async function openSample(load: number, settings: Readonly<Record<string, unknown>> = {}): Promise<{ readonly workbench: Workbench; readonly sample: SampleService }> {
  const [workbench, sample] = await Promise.all([
    openWorkbench({ folder: SAMPLE, vsix: [TEST_VSIX], settings: { ...QUIET, ...settings } }),
    startSample({ load, leaks: ['all'] }),
  ]);
  await showLiveTasks(workbench);
  await attachTo(workbench, sample.port);
  await siteRow(workbench, LEAK_FILE, LEAK_LINE).waitFor({ timeout: PATIENCE_MS });
  return { workbench, sample };
}

/** Leaves a picture in each theme; the workbench is dark again afterwards. */
export async function inEveryTheme(workbench: Workbench, name: string): Promise<void> {
  for (const theme of Object.keys(THEMES) as Theme[]) {
    await workbench.switchTheme(theme);
    await workbench.hideMouse();
    await workbench.screenshot(`${name}-${theme}`);
  }
  await workbench.switchTheme('dark');
}
