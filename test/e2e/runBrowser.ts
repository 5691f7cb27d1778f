/** Runs the extension-host tests in the VS Code workbench in the browser. Exit code 0: they ran to their end. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { exitOnSignals } from '../../scripts/lib/processes.ts';
import { ROOT, TEST_RESULTS } from '../../scripts/lib/paths.ts';
import { ensureWorkbench } from '../../scripts/lib/setup.ts';
import { HOST_FOLDER, HOST_SUITE_TIMEOUT_MS, prepareHostSuite, readHostResults } from './hostSuite.ts';
import { PROGRESS_MARK } from './hostResults.ts';
import { openWorkbench } from './workbench.ts';

exitOnSignals();
await ensureWorkbench();
const extension = process.env['ASYNCSCOPE_EXTENSION'] ?? ROOT;
const suite = await prepareHostSuite();
/** Everything else that the workbench logs. */
const log = createWriteStream(join(TEST_RESULTS, 'host-workbench.log'));
let end: (code: number) => void = () => undefined;
const ended = new Promise<number>((resolve) => {
  end = resolve;
});
const workbench = await openWorkbench({
  folder: HOST_FOLDER,
  env: suite.env,
  smokeTestDriver: true,
  payload: (host) => [
    ['extensionDevelopmentPath', `vscode-remote://${host}${extension}`],
    ['extensionTestsPath', `vscode-remote://${host}${suite.testsPath}`],
    ['skipWelcome', 'true'],
  ],
  async prepare(page) {
    await page.exposeFunction('codeAutomationLog', (type: string, args: readonly unknown[]) => {
      const line = format(...args);
      if (line.startsWith(PROGRESS_MARK)) console.log(line.slice(PROGRESS_MARK.length));
      else log.write(`${type}: ${line}\n`);
    });
    await page.exposeFunction('codeAutomationExit', (code: number) => end(code));
  },
});
const timer = setTimeout(() => {
  console.error(`The extension-host tests did not end within ${HOST_SUITE_TIMEOUT_MS / 60_000} minutes.`);
  end(1);
}, HOST_SUITE_TIMEOUT_MS);
const code = await ended;
clearTimeout(timer);
if (code !== 0) await workbench.screenshot('host-suite-failed');
await workbench.close();
log.end();
const results = await readHostResults();
for (const { title, message } of results.failures) console.error(`\n${title}\n${message}`);
