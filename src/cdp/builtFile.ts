import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The path of a script for the target, or for a thread of ours: beside this bundle, or in `dist` when this runs from its sources.
 * @throws when the project was not built
 */
export function builtFile(name: 'agent.js' | 'preload.js' | 'heapWorker.js'): string {
  const file = [join(__dirname, name), join(__dirname, '../../dist', name)].find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`${name} is missing: run "npm run build".`);
  return file;
}
