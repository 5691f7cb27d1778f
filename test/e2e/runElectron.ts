/** Runs the extension-host tests in desktop VS Code, which is downloaded. For machines where it can be. */
import { runTests } from '@vscode/test-electron';
import { join } from 'node:path';
import { exitOnSignals } from '../../scripts/lib/processes.ts';
import { ROOT } from '../../scripts/lib/paths.ts';
import { HOST_FOLDER, prepareHostSuite, readHostResults } from './hostSuite.ts';

exitOnSignals();
const suite = await prepareHostSuite();
let failure: unknown;
try {
  await runTests({
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: suite.testsPath,
    extensionTestsEnv: suite.env,
    cachePath: join(ROOT, 'test', 'e2e', '.vscode-test'),
    launchArgs: [HOST_FOLDER, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome', '--skip-release-notes', '--disable-telemetry'],
  });
} catch (error) {
  failure = error;
}
try {
  // The results decide. That VS Code ended with an error too is only news when there are none.
  const results = await readHostResults();
  for (const { title, message } of results.failures) console.error(`\n${title}\n${message}`);
} catch (error) {
  throw failure ?? error;
}
