/** Runs the tests of this folder with mocha inside the extension host. VS Code calls `run`. */
import Mocha from 'mocha';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ONLY_VARIABLE, PROGRESS_MARK, RESULTS_VARIABLE } from '../hostResults.ts';
import type { HostResults } from '../hostResults.ts';

/** Milliseconds for one test on a busy machine with two cores. */
const TEST_TIMEOUT_MS = 60_000;

/** Rejects when a test failed; VS Code then ends with an error. */
export async function run(): Promise<void> {
  const resultsFile = process.env[RESULTS_VARIABLE];
  if (resultsFile === undefined) throw new Error(`${RESULTS_VARIABLE} is not set: start this with npm test.`);
  process.setSourceMapsEnabled(true);
  const only = process.env[ONLY_VARIABLE] ?? '';
  const mocha = new Mocha({ ui: 'bdd', timeout: TEST_TIMEOUT_MS, reporter: SilentReporter, ...(only !== '' && { grep: new RegExp(only) }) });
  // The bundles of the tests lie beside the bundle of this file.
  for (const name of (await readdir(__dirname)).sort()) {
    if (name.endsWith('.test.js')) mocha.addFile(join(__dirname, name));
  }
  const results = await runToEnd(mocha);
  await writeFile(resultsFile, JSON.stringify(results, undefined, 2));
  if (results.failed > 0) throw new Error(`${results.failed} tests failed.`);
}

function runToEnd(mocha: Mocha): Promise<HostResults> {
  return new Promise((resolve) => {
    const pending: string[] = [];
    const failures: { title: string; message: string }[] = [];
    let passed = 0;
    mocha
      .run(() => resolve({ passed, failed: failures.length, pending, failures }))
      .on('pass', (test) => {
        passed += 1;
        say(`✓ ${test.fullTitle()} (${test.duration ?? 0} ms)`);
      })
      .on('pending', (test) => {
        pending.push(test.fullTitle());
        say(`- ${test.fullTitle()}`);
      })
      .on('fail', (test, error: unknown) => {
        say(`✗ ${test.fullTitle()}`);
        failures.push({ title: test.fullTitle(), message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      });
  });
}

function say(text: string): void {
  console.log(`${PROGRESS_MARK} ${text}`);
}

/** `run` says everything itself. */
class SilentReporter extends Mocha.reporters.Base {}
