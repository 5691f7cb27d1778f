/** The tests that run inside the extension host: how they are bundled, and how their results are read. */
import { build } from 'esbuild';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NODES_PACKAGE, ROOT, TEST_RESULTS } from '../../scripts/lib/paths.ts';
import { NODES_VARIABLE, ONLY_VARIABLE, RESULTS_VARIABLE } from './hostResults.ts';
import type { HostResults } from './hostResults.ts';

/** The folder that the tests find open. */
export const HOST_FOLDER = join(ROOT, 'examples', 'orders');

const SOURCE = join(ROOT, 'test', 'e2e', 'host');
const OUTPUT = join(ROOT, 'out', 'e2e', 'host');
const RESULTS_FILE = join(TEST_RESULTS, 'host.json');

/** Milliseconds for the whole suite. */
export const HOST_SUITE_TIMEOUT_MS = 10 * 60_000;

export interface HostSuite {
  /** CommonJS module that exports `run`, without its extension. */
  readonly testsPath: string;
  /** For the extension host. */
  readonly env: Readonly<Record<string, string>>;
}

/** Bundles the tests and clears the results of the last run. */
export async function prepareHostSuite(): Promise<HostSuite> {
  const names = (await readdir(SOURCE)).filter((name) => name === 'index.ts' || name.endsWith('.test.ts'));
  await rm(OUTPUT, { recursive: true, force: true });
  await rm(RESULTS_FILE, { force: true });
  await mkdir(TEST_RESULTS, { recursive: true });
  await build({
    entryPoints: names.map((name) => join(SOURCE, name)),
    outdir: OUTPUT,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Each test file is a module of its own: mocha has to be the same one in all of them.
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return { testsPath: join(OUTPUT, 'index'), env: { [RESULTS_VARIABLE]: RESULTS_FILE, [NODES_VARIABLE]: NODES_PACKAGE, [ONLY_VARIABLE]: process.env[ONLY_VARIABLE] ?? '' } };
}

/**
 * The results that the suite wrote.
 * @throws {Error} when it wrote none: an extension host that crashes reports success, so only the file counts
 */
export async function readHostResults(): Promise<HostResults> {
  try {
    return JSON.parse(await readFile(RESULTS_FILE, 'utf8')) as HostResults;
  } catch (error) {
    throw new Error('The tests in the extension host wrote no results: the extension host crashed, or the suite did not load.', { cause: error });
  }
}
