/**
 * `npm test [-- <part> ...]`: every check there is, or some parts of it: `typecheck`, `lint`, `unit`, `integration`, `e2e`.
 * Ends with the line `N passed, N failed`. What cannot run counts as failed, and so does a test that was skipped.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ROOT, TEST_RESULTS } from './lib/paths.ts';
import { exitOnSignals, run } from './lib/processes.ts';
import { SetupError, ensureChromium, ensureLibraries, ensureNodes, ensureServers, ensureSourceTools, ensureWorkbench } from './lib/setup.ts';
import { TEST_VSIX, TEST_VSIX_LOG, packageVsix } from './lib/vsix.ts';
import { readHostResults } from '../test/e2e/hostSuite.ts';

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

interface Stage {
  readonly name: string;
  readonly part: Part;
  readonly run: (logFile: string) => Promise<Outcome>;
}

const PARTS = ['typecheck', 'lint', 'unit', 'integration', 'e2e'] as const;
type Part = (typeof PARTS)[number];

const PASSED: Outcome = { passed: 1, failed: 0 };
const FAILED: Outcome = { passed: 0, failed: 1 };

/** In this order: what is quick and tells much comes first. */
const STAGES: readonly Stage[] = [
  { name: 'typecheck', part: 'typecheck', run: (log) => runScript('typecheck', [], log) },
  { name: 'lint', part: 'lint', run: (log) => runScript('lint', [], log) },
  { name: 'unit', part: 'unit', run: (log) => runVitest('unit', log) },
  {
    name: 'integration',
    part: 'integration',
    async run(log) {
      await ensureNodes();
      await ensureSourceTools();
      await ensureLibraries();
      await ensureServers();
      return runVitest('integration', log);
    },
  },
  { name: 'e2e: extension host', part: 'e2e', run: runHostSuite },
  {
    name: 'e2e: workbench',
    part: 'e2e',
    async run(log) {
      await ensureNodes();
      await ensureWorkbench();
      await ensureChromium();
      await packageVsix(TEST_VSIX, TEST_VSIX_LOG);
      return runVitest('ui', log);
    },
  },
];

exitOnSignals();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => !(PARTS as readonly string[]).includes(part));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. Parts: ${PARTS.join(', ')}.`);
  process.exitCode = 2;
} else {
  const stages = STAGES.filter(({ part }) => wanted.length === 0 || wanted.includes(part));
  const outcomes = await runStages(stages);
  report(outcomes);
}

async function runStages(stages: readonly Stage[]): Promise<ReadonlyMap<string, Outcome>> {
  await rm(TEST_RESULTS, { recursive: true, force: true });
  await mkdir(TEST_RESULTS, { recursive: true });
  const outcomes = new Map<string, Outcome>();
  const runs = stages.some(({ part }) => part !== 'typecheck' && part !== 'lint');
  // Tests run what ships: the production bundles.
  if (runs) outcomes.set('build', await runStage('build', (log) => runScript('build', ['--production'], log)));
  for (const { name, part, run } of stages) {
    const needsBuild = part !== 'typecheck' && part !== 'lint';
    if (needsBuild && outcomes.get('build')?.failed !== 0) {
      console.error(`\n${name} was not run: there is no build.`);
      outcomes.set(name, FAILED);
    } else {
      outcomes.set(name, await runStage(name, run));
    }
  }
  return outcomes;
}

async function runStage(name: string, run: Stage['run']): Promise<Outcome> {
  console.log(`\n── ${name} ${'─'.repeat(Math.max(0, 76 - name.length))}`);
  const started = Date.now();
  let outcome: Outcome;
  try {
    outcome = await run(join(TEST_RESULTS, `${name.replace(/\W+/g, '-')}.log`));
    if (outcome.passed + outcome.failed === 0) {
      console.error(`${name}: there was not a single test.`);
      outcome = FAILED;
    }
  } catch (error) {
    console.error(error instanceof SetupError ? `${name} cannot run. ${error.message}` : error);
    outcome = FAILED;
  }
  console.log(`${name}: ${outcome.passed} passed, ${outcome.failed} failed in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  return outcome;
}

function report(outcomes: ReadonlyMap<string, Outcome>): void {
  const total = { passed: 0, failed: 0 };
  console.log('');
  for (const [name, { passed, failed }] of outcomes) {
    total.passed += passed;
    total.failed += failed;
    console.log(`${failed === 0 ? '✓' : '✗'} ${name.padEnd(24)} ${String(passed).padStart(5)} passed ${String(failed).padStart(5)} failed`);
  }
  console.log(`Logs, reports and screenshots: ${relative(process.cwd(), TEST_RESULTS) || '.'}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0) process.exitCode = 1;
}

async function runScript(name: string, args: readonly string[], logFile: string): Promise<Outcome> {
  return (await runNode([join('scripts', `${name}.ts`), ...args], logFile)) === 0 ? PASSED : FAILED;
}

/** The parts of Vitest's JSON report that count. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

async function runVitest(project: string, logFile: string): Promise<Outcome> {
  const reportFile = join(TEST_RESULTS, `${project}.json`);
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const code = await runNode([vitest, ...args], logFile);
  const found = JSON.parse(await readFile(reportFile, 'utf8')) as VitestReport;
  const skipped = found.numPendingTests + found.numTodoTests;
  if (skipped > 0) console.error(`${skipped} tests were skipped, which counts as failed.`);
  const failed = found.numFailedTests + skipped;
  // A file that does not load and an unhandled error fail the run without failing a test.
  return { passed: found.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** In the workbench in the browser where it can be set up, in a downloaded desktop VS Code elsewhere. */
async function runHostSuite(logFile: string): Promise<Outcome> {
  let runner = 'runBrowser.ts';
  try {
    await ensureWorkbench();
    await ensureChromium();
  } catch (error) {
    if (!(error instanceof SetupError) || error.reason === 'install failed') throw error;
    console.log(`${error.message} The tests run in desktop VS Code instead, which is downloaded.`);
    runner = 'runElectron.ts';
  }
  const code = await runNode([join('test', 'e2e', runner)], logFile);
  const { passed, failed, pending } = await readHostResults();
  for (const title of pending) console.error(`Skipped, which counts as failed: ${title}`);
  const allFailed = failed + pending.length;
  return { passed, failed: code !== 0 && allFailed === 0 ? 1 : allFailed };
}

function runNode(args: readonly string[], logFile: string): Promise<number> {
  const env = { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) };
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { cwd: ROOT, env, logFile });
}
