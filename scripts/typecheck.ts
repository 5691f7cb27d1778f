/** `npm run typecheck`: the whole repository, then the layers that may know less than the rest does. */
import { join } from 'node:path';
import { exitOnSignals, run } from './lib/processes.ts';
import { ROOT } from './lib/paths.ts';

/** The core and the agent are checked by themselves as well: without the types of Node and of the DOM. The webview has those of the DOM alone. */
const PROJECTS = ['tsconfig.json', 'src/core/tsconfig.json', 'src/agent/tsconfig.json', 'webview/tsconfig.json', 'examples/orders/tsconfig.json'];

exitOnSignals();
const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
for (const project of PROJECTS) {
  const code = await run(process.execPath, [tsc, '--project', project, '--noEmit', ...(process.stdout.isTTY ? ['--pretty'] : [])], { cwd: ROOT });
  if (code !== 0) process.exitCode = 1;
}
