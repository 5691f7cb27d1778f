/** The package that users install. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT, TEST_RESULTS } from './paths.ts';
import { run } from './processes.ts';

const VSCE = join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce');

/** Where the tests and `npm start` find the package. */
export const TEST_VSIX = join(TEST_RESULTS, 'asyncscope.vsix');

/**
 * Writes the package; builds it for production first.
 * @throws {Error} when vsce refuses
 */
export async function packageVsix(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const args = [VSCE, 'package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', file];
  const code = await run(process.execPath, args, { cwd: ROOT });
  if (code !== 0) throw new Error(`vsce ended with exit code ${code}; see above.`);
}
