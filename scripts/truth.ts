/** `npm run truth`: runs the truth corpus on all Node versions and the dump's corpus as well, and writes the tables of docs/truth.md and docs/dump-truth.md. */
import { join } from 'node:path';
import { ROOT } from './lib/paths.ts';
import { exitOnSignals, run } from './lib/processes.ts';
import { ensureLibraries, ensureNodes, ensureServers } from './lib/setup.ts';

exitOnSignals();
await ensureNodes();
await ensureLibraries();
await ensureServers();
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
process.exitCode = await run(process.execPath, [vitest, 'run', '--project', 'integration', join('test', 'integration', 'truth.test.ts'), join('test', 'integration', 'dumpTruth.test.ts')], {
  cwd: ROOT,
  env: { ...process.env, ASYNCSCOPE_TRUTH: 'write' },
});
