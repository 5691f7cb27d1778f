/** `npm run lint [-- --fix]`: ESLint over everything, warnings count as errors. */
import { join } from 'node:path';
import { exitOnSignals, run } from './lib/processes.ts';
import { ROOT } from './lib/paths.ts';

exitOnSignals();
const eslint = join(ROOT, 'node_modules', 'eslint', 'bin', 'eslint.js');
process.exitCode = await run(process.execPath, [eslint, '.', '--max-warnings', '0', ...process.argv.slice(2)], { cwd: ROOT });
