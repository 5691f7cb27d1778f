/** `npm run package`: builds for production and writes `asyncscope-<version>.vsix`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './lib/paths.ts';
import { exitOnSignals } from './lib/processes.ts';
import { packageVsix } from './lib/vsix.ts';

exitOnSignals();
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
await packageVsix(join(ROOT, `asyncscope-${version}.vsix`));
