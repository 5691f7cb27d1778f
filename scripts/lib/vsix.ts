/** The package that users install. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from './paths.ts';
import { run } from './processes.ts';

const VSCE = join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce');

/** Where the tests and `npm start` find the package, and what vsce had to say. */
export const TEST_VSIX = join(ROOT, 'out', 'asyncscope.vsix');
export const TEST_VSIX_LOG = join(ROOT, 'out', 'vsce.log');

/**
 * Writes the package; builds it for production first. With a log file, vsce's words go there only.
 * @throws {Error} when vsce refuses
 */
export async function packageVsix(file: string, logFile?: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const args = [VSCE, 'package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', file];
  const code = await run(process.execPath, args, { cwd: ROOT, ...(logFile === undefined ? {} : { logFile, quiet: true }) });
  if (code !== 0) throw new Error(`vsce ended with exit code ${code}; see ${logFile ?? 'above'}.`);
}
