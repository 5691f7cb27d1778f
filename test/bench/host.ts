/**
 * What the extension costs VS Code, measured inside its extension host, in the workbench in a browser: until it is active, with
 * 2,000 sites at one poll a second, and with 10,000. Also the size of the package.
 *
 *   npm run bench -- host [--starts 5] [--seconds 30]
 *
 * The extension is loaded from a copy that VS Code does not activate by itself, so that the call that activates it can be
 * timed. Shares of a core are what the extension host takes beyond what it took before the attach.
 */
import { build } from 'esbuild';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../../scripts/lib/paths.ts';
import { ensureWorkbench } from '../../scripts/lib/setup.ts';
import { TEST_VSIX, TEST_VSIX_LOG, packageVsix } from '../../scripts/lib/vsix.ts';
import { openWorkbench } from '../e2e/workbench.ts';
import type { HostFigures, HostTask } from './host/suite.ts';
import { PROGRAMS } from './lib/process.ts';
import { chosenNodes, describeMachine, startTable } from './lib/report.ts';
import { low, median, quantile } from './lib/statistics.ts';

/** As in `host/suite.ts`, which only the extension host can load. */
const TASK_VARIABLE = 'ASYNCSCOPE_HOST_BENCH';
/** The sites, and how many of them change each second. */
const CASES = [
  [2000, 20],
  [2000, 200],
  [10_000, 100],
] as const;
const SUITE_LIMIT_MS = 10 * 60_000;

const { values } = parseArgs({ options: { starts: { type: 'string', default: '5' }, seconds: { type: 'string', default: '30' } } });
const [node] = chosenNodes('24');
if (node === undefined) throw new Error('Node 24 is not there.');

await ensureWorkbench();
const directory = await mkdtemp(join(tmpdir(), 'asyncscope-bench-host-'));
try {
  await packageVsix(TEST_VSIX, TEST_VSIX_LOG);
  console.log(`${describeMachine()}. The package has ${((await stat(TEST_VSIX)).size / 1024).toFixed(0)} KB.`);
  const extension = await inactiveCopy();
  await build({
    entryPoints: [join(ROOT, 'test', 'bench', 'host', 'suite.ts')],
    outfile: join(directory, 'suite.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    logLevel: 'warning',
  });
  const row = startTable(['sites', 'changing a second', 'activation, ms', 'its CPU, ms', 'core, view closed', 'view open', 'with an editor', 'drawing, ms: median', '95 %', 'heap MB']);
  for (const [index, [sites, changing]] of CASES.entries()) {
    const all = [];
    // the figures of an activation do not depend on what comes after it
    for (let start = 0; start < (index === 0 ? Number(values.starts) : 1); start++) all.push(await measure(extension, sites, changing, start === 0 ? Number(values.seconds) : 1));
    const [first] = all;
    if (first === undefined) continue;
    const beyond = (percent: number): string => `${(percent - first.idlePercent).toFixed(2)} %`;
    row([
      String(sites),
      String(changing),
      low(all.map((each) => each.activationMs)).toFixed(0),
      low(all.map((each) => each.activationCpuMs)).toFixed(0),
      beyond(first.hiddenPercent),
      beyond(first.shownPercent),
      beyond(first.editorPercent),
      median(first.drawMs).toFixed(1),
      quantile(first.drawMs, 0.95).toFixed(1),
      first.heapMb.toFixed(0),
    ]);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** The extension as it ships, which waits to be activated. */
async function inactiveCopy(): Promise<string> {
  const copy = join(directory, 'extension');
  for (const part of ['dist/extension.js', 'dist/server.js', 'dist/agent.js', 'dist/preload.js', 'media']) await cp(join(ROOT, part), join(copy, part), { recursive: true });
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(copy, 'package.json'), JSON.stringify({ ...manifest, activationEvents: ['onCommand:asyncscope.attach'] }));
  return copy;
}

async function measure(extension: string, sites: number, changing: number, seconds: number): Promise<HostFigures> {
  const resultFile = join(directory, 'result.json');
  await rm(resultFile, { force: true });
  const folder = join(directory, 'folder');
  await cp(join(ROOT, 'examples', 'orders', 'src'), folder, { recursive: true });
  const task: HostTask = {
    resultFile,
    node: node?.path ?? '',
    program: join(PROGRAMS, 'sites.mjs'),
    source: join(folder, 'sites.cjs'),
    sites,
    changing,
    spanMs: seconds * 1000,
  };
  let end: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const lines: string[] = [];
  const workbench = await openWorkbench({
    folder,
    env: { [TASK_VARIABLE]: JSON.stringify(task) },
    smokeTestDriver: true,
    payload: (host) => [
      ['extensionDevelopmentPath', `vscode-remote://${host}${extension}`],
      ['extensionTestsPath', `vscode-remote://${host}${join(directory, 'suite')}`],
      ['skipWelcome', 'true'],
    ],
    async prepare(page) {
      await page.exposeFunction('codeAutomationLog', (type: string, args: readonly unknown[]) => {
        lines.push(`${type}: ${args.map(String).join(' ')}`);
      });
      await page.exposeFunction('codeAutomationExit', () => end?.());
    },
  });
  const limit = setTimeout(() => end?.(), SUITE_LIMIT_MS);
  await ended;
  clearTimeout(limit);
  await workbench.close();
  const result = await readFile(resultFile, 'utf8').catch(() => {
    throw new Error(`The extension host left no figures:\n${lines.slice(-20).join('\n')}`);
  });
  return JSON.parse(result) as HostFigures;
}
